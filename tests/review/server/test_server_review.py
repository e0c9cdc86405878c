"""`smelt review` of a project that builds in PostgreSQL: in scratch schemas, and nowhere else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dbt_shop import Shop, copy_shop
from psycopg import sql
from server_shop import PASSWORD

from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.review import Outcome
from plugins.review.proving import prove

ORDERS, STAGED = "models/marts/orders.sql", "models/staging/stg_orders.sql"


def _review(shop: Shop, *arguments: str) -> dict[str, Any]:
    os.environ["SHOP_PASSWORD"] = PASSWORD
    return shop.json("review", "--base", "main", *arguments)


def _review_that_touches_nothing(shop: Shop, dsn: str) -> dict[str, Any]:
    before = _contents(dsn)
    review = _review(shop)
    assert _contents(dsn) == before
    return review


def _one(review: dict[str, Any], kind: str, subject: str) -> dict[str, Any]:
    (found,) = [f for f in review["findings"] if f["kind"] == kind and f["subject"] == subject]
    return found


def _built(review: dict[str, Any]) -> set[str]:
    return {node.split(".")[-1] for node in review["built"]}


def _contents(dsn: str) -> dict[str, Any]:
    """Every relation outside PostgreSQL's own schemas with its identity and rows."""
    with psycopg.connect(dsn) as con:
        relations = con.execute(
            "select n.nspname, c.relname, c.oid from pg_class as c "
            "join pg_namespace as n on n.oid = c.relnamespace "
            "where c.relkind in ('r', 'v', 'm') and n.nspname !~ '^pg_|^information_schema$'"
        ).fetchall()
        found: dict[str, Any] = {}
        for schema, name, oid in relations:
            query = sql.SQL("select t::text from {} as t order by 1").format(sql.Identifier(schema, name))
            rows = con.execute(query).fetchall()
            found[f"{schema}.{name}"] = (oid, rows)
        return found


def _scratch_schemas(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as con:
        rows = con.execute("select nspname from pg_namespace where nspname like 'smelt%'").fetchall()
    return [row[0] for row in rows]


@pytest.mark.full
class TestOneColumn:
    """One expression changes that a mart reads, which builds in the schema that its project insists on."""

    @pytest.fixture(scope="class")
    def shop(self, server_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
        shop = copy_shop(server_shop, tmp_path_factory.mktemp("one") / "shop")
        shop.edit(ORDERS, "o.amount,", "o.amount * 2 as amount,")
        shop.commit()
        return shop

    @pytest.fixture(scope="class")
    def review(self, shop: Shop, warehouse: str) -> dict[str, Any]:
        return _review_that_touches_nothing(shop, warehouse)

    def test_only_what_reads_the_column_is_built(self, review: dict[str, Any]) -> None:
        assert _built(review) == {"orders", "revenue_by_country", "revenue_by_region"}

    def test_nothing_is_left_in_the_server(self, review: dict[str, Any], warehouse: str) -> None:
        assert _scratch_schemas(warehouse) == []

    def test_values_types_and_keys_are_compared(self, review: dict[str, Any]) -> None:
        assert _one(review, "schema", "orders")["facts"]["retyped"] == {"amount": ["numeric(18,2)", "numeric"]}
        assert _one(review, "values", "orders")["facts"]["columns"] == {"amount": {"changed": 100}}
        assert _one(review, "keys", "orders")["outcome"] == "passed"
        assert _one(review, "rows", "orders")["facts"] == {"base": 100, "head": 100}
        assert _one(review, "values", "revenue_by_country")["outcome"] == "changed"

    def test_tests_and_unit_tests_ran(self, review: dict[str, Any]) -> None:
        assert _one(review, "tests", "project")["detail"] == "4 data tests and 1 unit tests passed"
        assert _one(review, "contract", "project")["outcome"] == "passed"

    def test_the_password_is_nowhere(self, review: dict[str, Any], shop: Shop) -> None:
        assert PASSWORD not in str(review)
        for path in shop.folder.rglob("*"):
            assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


@pytest.mark.full
class TestRowsOfAView:
    """A view loses rows and a column changes its name: an incremental model and a snapshot read it."""

    @pytest.fixture(scope="class")
    def shop(self, server_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
        shop = copy_shop(server_shop, tmp_path_factory.mktemp("rows") / "shop")
        with (shop.folder / STAGED).open("a") as file:
            file.write("where order_id > 40\n")
        (shop.folder / "smelt.toml").write_text("[review]\nsample_rows = 20\n")
        shop.commit()
        return shop

    @pytest.fixture(scope="class")
    def review(self, shop: Shop, warehouse: str) -> dict[str, Any]:
        review = _review_that_touches_nothing(shop, warehouse)
        assert _scratch_schemas(warehouse) == []
        return review

    def test_all_that_reads_it_is_built(self, review: dict[str, Any]) -> None:
        assert {"stg_orders", "customer_totals", "order_history", "orders"} <= _built(review)

    def test_rows_are_counted_exactly_and_values_compared_on_a_sample(self, review: dict[str, Any]) -> None:
        assert _one(review, "rows", "stg_orders")["facts"] == {"base": 100, "head": 60}
        keys = _one(review, "keys", "stg_orders")
        assert keys["facts"]["sampled_one_in"] == 5
        assert not keys["is_exact"]
        assert 0 < keys["facts"]["removed"] < 40
        # The same keys are sampled on both sides.
        assert keys["facts"]["added"] == 0

    def test_types_that_duckdb_does_not_have_are_compared(self, review: dict[str, Any]) -> None:
        changed = _one(review, "values", "customer_totals")["facts"]["columns"]
        assert {"total", "statuses", "facts"} <= changed.keys()
        assert "last_order_at" not in changed


@pytest.mark.full
def test_inputs_are_cut_and_missing_parents_are_built(shop: Shop, warehouse: str) -> None:
    with psycopg.connect(warehouse, autocommit=True) as con:
        con.execute("alter view analytics.stg_customers rename to away")
    try:
        shop.edit(ORDERS, "o.amount,", "o.amount + 1 as amount,")
        (shop.folder / "smelt.toml").write_text("[review]\ninput_rows = 10\n")
        shop.commit()
        review = _review(shop)
    finally:
        with psycopg.connect(warehouse, autocommit=True) as con:
            con.execute("alter view analytics.away rename to stg_customers")
    assert _one(review, "rows", "orders")["facts"] == {"base": 10, "head": 10}
    assert _scratch_schemas(warehouse) == []


@pytest.mark.full
def test_a_killed_review_is_cleaned_up_after(shop: Shop, warehouse: str) -> None:
    shop.edit(ORDERS, "o.amount,", "o.amount + (select 0 from pg_sleep(30)) as amount,")
    shop.commit()
    command = [str(Path(sys.executable).with_name("smelt")), "review", "--base", "main"]
    killed = subprocess.Popen(
        command,
        cwd=shop.folder,
        env={**os.environ, "SHOP_PASSWORD": PASSWORD},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 180
    while not _scratch_schemas(warehouse):
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert _scratch_schemas(warehouse)
    shop.edit(ORDERS, "(select 0 from pg_sleep(30))", "0")
    shop.commit()
    assert _one(_review(shop), "values", "orders")["outcome"] == "passed"
    assert _scratch_schemas(warehouse) == []


@pytest.mark.full
def test_what_a_machine_wrote_is_not_run_in_the_server(
    shop: Shop, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    hostile = (shop.folder / ORDERS).read_text().replace("o.amount,", "o.amount + lo_create(0) as amount,")
    proposal = shop.propose(ORDERS, hostile)
    contents = _contents(warehouse)
    proven = prove(Project(shop.folder), load_settings(shop.folder), proposal)
    assert _contents(warehouse) == contents
    built = [f for f in proven.proposal.evidence if f.kind in ("compile", "rows", "values", "tests")]
    assert {f.outcome for f in built if f.subject != "project"} == {Outcome.NOT_CHECKED}
    assert "not run in a database server" in proven.body


@pytest.mark.full
def test_a_server_that_lets_nobody_in_is_one_message(shop: Shop) -> None:
    shop.edit(ORDERS, "o.amount,", "o.amount * 2 as amount,")
    shop.edit("profiles.yml", "user: shopkeeper", "user: stranger")
    shop.commit()
    run = shop.smelt("review", "--base", "main", SHOP_PASSWORD="wrong-but-long")
    assert run.returncode != 0
    assert 'role "stranger" does not exist' in run.stderr
    assert "Traceback" not in run.stderr
    assert "wrong-but-long" not in run.stderr
