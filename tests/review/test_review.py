"""`smelt review` of a project that knows nothing of Smelt, as a user runs it; one review, many questions."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from dbt_shop import Shop, copy_shop

ORDERS = "models/marts/orders.sql"


def _found(review: dict[str, Any], kind: str, subject: str) -> list[dict[str, Any]]:
    return [f for f in review["findings"] if f["kind"] == kind and f["subject"] == subject]


def _one(review: dict[str, Any], kind: str, subject: str) -> dict[str, Any]:
    found = _found(review, kind, subject)
    assert len(found) == 1, found
    return found[0]


def _outcome(review: dict[str, Any], kind: str, subject: str) -> str:
    return _one(review, kind, subject)["outcome"]


def _built(review: dict[str, Any]) -> set[str]:
    return {node.split(".")[-1] for node in review["built"]}


def _digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not {".git", ".smelt"} & set(path.parts)
    }


class TestOneColumn:
    """One expression of `orders` changes; a draft lies in the checkout."""

    @pytest.fixture(scope="class")
    def shop(self, built_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
        shop = copy_shop(built_shop, tmp_path_factory.mktemp("one") / "shop")
        shop.edit(ORDERS, "o.amount,", "o.amount * 2 as amount,")
        shop.edit("models/marts/customer_countries.sql", "select distinct", "-- who is where\nselect distinct")
        shop.commit("x | <script> @everyone")
        (shop.folder / "models" / "marts" / "draft.sql").write_text("select broken from")
        return shop

    @pytest.fixture(scope="class")
    def scratch(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("scratch")

    @pytest.fixture(scope="class")
    def review(self, shop: Shop, scratch: Path) -> dict[str, Any]:
        before = _digest(shop.folder)
        review = shop.json("review", "--base", "main", TMPDIR=str(scratch))
        assert _digest(shop.folder) == before
        return review

    def test_only_what_reads_the_column_is_built(self, review: dict[str, Any]) -> None:
        # revenue_by_country and, through it, revenue_by_region; the Python model can't be read and may use it.
        assert _built(review) == {"orders", "revenue_by_country", "revenue_by_region", "open_order_count"}
        assert (review["models_using"], review["models_downstream"]) == (3, 4)

    def test_the_change_is_classified(self, review: dict[str, Any]) -> None:
        assert review["verdict"] == "changed"
        assert _one(review, "impact", "orders")["facts"]["changed"] == ["amount"]
        assert _one(review, "impact", "customer_countries")["facts"]["category"] == "none"

    def test_rows_and_keys_are_compared_and_unchanged(self, review: dict[str, Any]) -> None:
        assert _outcome(review, "rows", "orders") == "passed"
        assert _outcome(review, "keys", "orders") == "passed"
        assert _outcome(review, "schema", "orders") == "passed"

    def test_values_are_counted_and_shown(self, review: dict[str, Any]) -> None:
        values = _one(review, "values", "orders")
        assert values["outcome"] == "changed"
        assert values["facts"]["columns"] == {"amount": {"changed": 100}}
        assert values["samples"][0] == {"order_id": 1, "column": "amount", "before": "1.00", "after": "2.00"}

    def test_tests_ran_and_what_is_outside_was_not_checked(self, review: dict[str, Any]) -> None:
        assert _outcome(review, "tests", "project") == "passed"
        assert _outcome(review, "impact", "board") == "not checked"
        assert 0 < review["not_checked"] < 0.5

    def test_the_checkout_stays_as_it_was(self, review: dict[str, Any], shop: Shop, scratch: Path) -> None:
        assert shop.git("status", "--short") == "?? models/marts/draft.sql"
        assert len(shop.git("worktree", "list").splitlines()) == 1
        assert list(scratch.iterdir()) == []

    def test_the_comment_for_a_pull_request(self, review: dict[str, Any], shop: Shop) -> None:
        shop.git("switch", "-q", "main")
        run = shop.smelt("review", "--base", "main", "--head", "feature", "--markdown", "--fail-on", "changed")
        shop.git("switch", "-q", "feature")
        assert run.returncode == 1
        text = run.stdout
        assert "**Nothing failed; what changed is listed below.**" in text
        assert "| `orders` | breaking | changed amount |" in text
        assert "```mermaid\nflowchart LR" in text
        assert "⬜ **not checked** | `board`" in text
        assert "<script>" not in text
        assert review["head_commit"][:10] in text


@pytest.mark.full
class TestManyChanges:
    """Additions, a seed, a new and a removed model, masked columns, a weakened contract and a removed test."""

    @pytest.fixture(scope="class")
    def review(self, built_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
        shop = copy_shop(built_shop, tmp_path_factory.mktemp("many") / "shop")
        marts = shop.folder / "models" / "marts"
        shop.edit("models/staging/stg_customers.sql", "country from", "country, upper(name) as loud from")
        shop.edit(ORDERS, "c.email", "upper(c.email) as email")
        shop.edit("seeds/regions.csv", "Japan,Asia", "Japan,Far East")
        shop.edit("models/marts/revenue_by_country.sql", ", contract={'enforced': true}", "")
        shop.edit("models/staging/_staging.yml", "data_tests: [unique, not_null]", "data_tests: [not_null]")
        (marts / "paid_orders.sql").write_text("select * from {{ ref('orders') }} where status = 'paid'")
        (marts / "customer_countries.sql").unlink()
        shop.commit()
        return shop.json("review", "--base", "main")

    def test_an_added_column_touches_nobody(self, review: dict[str, Any]) -> None:
        assert _one(review, "impact", "stg_customers")["facts"]["category"] == "additive"
        assert _one(review, "schema", "stg_customers")["facts"]["added"] == ["loud"]
        assert _outcome(review, "values", "stg_customers") == "passed"

    def test_samples_mask_personal_data(self, review: dict[str, Any]) -> None:
        values = _one(review, "values", "orders")
        assert values["facts"]["columns"] == {"email": {"changed": 100}}
        assert values["samples"]
        assert "example" not in str(values["samples"]).lower()

    def test_a_seed_is_data(self, review: dict[str, Any]) -> None:
        assert {"regions", "revenue_by_region"} <= _built(review)
        assert _outcome(review, "keys", "revenue_by_region") == "changed"

    def test_new_and_removed_models(self, review: dict[str, Any]) -> None:
        assert "new" in _one(review, "rows", "paid_orders")["detail"]
        assert "removed" in _one(review, "rows", "customer_countries")["detail"]

    def test_a_weakened_contract_and_a_removed_test_are_told(self, review: dict[str, Any]) -> None:
        assert "no longer enforced" in _one(review, "contract", "revenue_by_country")["detail"]
        assert _outcome(review, "tests", "unique_stg_orders_order_id") == "changed"


@pytest.mark.full
class TestWhatFails:
    """Duplicates through a changed macro's model, a contract that breaks, a unit test that fails."""

    @pytest.fixture(scope="class")
    def review(self, built_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
        shop = copy_shop(built_shop, tmp_path_factory.mktemp("fails") / "shop")
        shop.edit("models/staging/stg_orders.sql", "from source\n", "from source cross join range(2)\n")
        shop.edit("macros/cents.sql", "/ 100", "/ 1000")
        shop.edit("models/marts/revenue_by_country.sql", "sum(amount)::decimal(18, 2)", "sum(amount)::double")
        shop.commit()
        return shop.json("review", "--base", "main")

    def test_the_verdict(self, review: dict[str, Any]) -> None:
        assert review["verdict"] == "failed"

    def test_duplicate_keys(self, review: dict[str, Any]) -> None:
        assert _outcome(review, "keys", "orders") == "failed"
        assert _one(review, "keys", "orders")["facts"]["duplicates"] == {"base": 0, "head": 100, "new": 100}
        assert _outcome(review, "tests", "unique_orders_order_id") == "failed"

    def test_a_changed_macro_concerns_what_calls_it(self, review: dict[str, Any]) -> None:
        assert _one(review, "impact", "stg_orders")["facts"]["changed"] == ["amount"]
        assert "stg_customers" not in _built(review)

    def test_a_broken_contract(self, review: dict[str, Any]) -> None:
        broken = _one(review, "contract", "revenue_by_country")
        assert broken["outcome"] == "failed"
        assert "revenue is DOUBLE, promised DECIMAL(18,2)" in broken["detail"]

    def test_what_reads_it_is_not_checked_and_says_why(self, review: dict[str, Any]) -> None:
        assert _outcome(review, "values", "revenue_by_region") == "not checked"
        assert review["not_checked"] > 0


@pytest.mark.full
def test_a_failing_unit_test_does_not_hide_the_values(shop: Shop) -> None:
    shop.edit("models/marts/revenue_by_country.sql", "'paid'", "'open'")
    shop.commit()
    review = shop.json("review", "--base", "main")
    assert _built(review) == {"revenue_by_country", "revenue_by_region"}
    assert _outcome(review, "tests", "only_paid_orders_are_revenue") == "failed"
    assert _outcome(review, "values", "revenue_by_country") == "changed"


@pytest.mark.full
def test_a_removed_column_breaks_what_reads_it(shop: Shop) -> None:
    shop.edit(ORDERS, "    o.status,\n", "")
    shop.commit()
    review = shop.json("review", "--base", "main")
    assert review["verdict"] == "failed"
    broken = _one(review, "compile", "revenue_by_country")
    assert broken["outcome"] == "failed"
    assert "status" in broken["detail"]


@pytest.mark.full
def test_a_subfolder_beside_folders_called_like_ours(built_shop: Path, tmp_path: Path) -> None:
    import shutil

    inner = Shop(tmp_path / "mono")
    project = inner.folder / "transform"
    shutil.copytree(built_shop, project, ignore=shutil.ignore_patterns(".git"))
    for name in ("plugins", "ingest"):
        for folder in (inner.folder, project):
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text("raise SystemExit('not Smelt')")
    inner.git("init", "-q", "-b", "main")
    inner.commit("one")
    inner.git("switch", "-qc", "feature")
    inner.edit(f"transform/{ORDERS}", "o.amount,", "o.amount * 2 as amount,")
    inner.commit()
    review = inner.json("review", "--base", "main", "--project-dir", "transform")
    assert review["verdict"] == "changed"
    assert "orders" in _built(review)


@pytest.mark.full
def test_a_local_package_is_reviewed_with_the_project(shop: Shop) -> None:
    package = shop.folder / "packages/money"
    (package / "macros").mkdir(parents=True)
    (package / "dbt_project.yml").write_text("name: money\nversion: '1.0'\nmacro-paths: [macros]\n")
    (package / "macros/pounds.sql").write_text("{% macro pounds(column) %}{{ column }}{% endmacro %}\n")
    (shop.folder / "packages.yml").write_text("packages:\n  - local: packages/money\n")
    shop.edit(ORDERS, "o.amount,", "{{ money.pounds('o.amount') }} as amount,")
    (shop.folder / "dbt_packages").mkdir()
    (shop.folder / ".gitignore").write_text("target/\nlogs/\n.smelt/\n*.duckdb\ndbt_packages/\n")
    # As `dbt deps` installs it.
    (shop.folder / "dbt_packages/money").symlink_to(package)
    shop.commit("a package")
    shop.git("branch", "-f", "main")
    shop.git("switch", "-qc", "dearer")
    (package / "macros/pounds.sql").write_text("{% macro pounds(column) %}{{ column }} * 2{% endmacro %}\n")
    shop.commit()
    review = shop.json("review", "--base", "main")
    assert _outcome(review, "values", "orders") == "changed"
