"""A build: what it reports, what it publishes, what stops it, and what stays published then."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from shop import load_orders, load_shop, new_project
from sqlalchemy import select

from plugins.build import build
from plugins.build.asof import parse_time
from plugins.build.state import pull, push
from plugins.build.status import status
from plugins.build.summary import print_build
from plugins.core.errors import SmeltError
from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import Settings
from plugins.core.warehouse.published import current_run
from plugins.core.warehouse.reader import open_built, open_published


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = new_project(tmp_path)
    load_shop(settings)
    return settings


def _published_orders(settings: Settings) -> int:
    with open_published(settings) as con:
        return con.execute("select count(*) from silver.orders").fetchall()[0][0]


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_a_test_that_only_warns_is_said(settings: Settings) -> None:
    test = settings.project_dir / "tests" / "warns.sql"
    test.parent.mkdir(exist_ok=True)
    test.write_text("{{ config(severity='warn') }} select * from {{ ref('orders') }} limit 3\n")
    result = build(settings)
    console = Console(record=True, width=200)
    print_build(console, result)
    assert result.outcome == "published"
    assert "1 warned" in console.export_text(clear=False)
    assert "warns found 3 rows" in console.export_text()


def test_a_build_publishes_silver_and_gold_and_accounts_for_every_row(settings: Settings) -> None:
    result = build(settings)
    assert (result.outcome, result.exit_code, result.failures) == ("published", 0, ())
    assert [gate.name for gate in result.gates] == ["silver", "gold"]
    assert all(gate.is_open for gate in result.gates)
    assert result.quarantined_rows == 10
    assert [(found.rule, found.rows) for found in result.quarantined] == [("amount_not_negative", 10)]
    (account,) = result.accounts
    assert account.is_balanced
    assert (account.bronze, account.silver, account.quarantined) == (100, 90, 10)
    assert result.unaccounted == ("shop.customers",)
    with open_published(settings) as con:
        tables = {f"{schema}.{name}" for schema, name in con.execute(
            "select schema_name, view_name from duckdb_views() where not internal").fetchall()}  # fmt: skip
        total = con.execute("select sum(orders) from gold.agg_revenue_by_country").fetchall()[0][0]
        doubled = con.execute("select typeof(amount_doubled) from silver.orders limit 1").fetchall()[0][0]
        (run_id,) = con.execute("select run_id from smelt.run").fetchall()[0]
        pinned = con.execute("select table_name from smelt.pins order by all").fetchall()
    assert {"silver.orders", "silver.customers", "gold.fct_orders", "gold.agg_revenue_by_country"} <= tables
    assert not any("quarantine" in name or "int_" in name for name in tables)
    assert (total, doubled, run_id) == (90, "DECIMAL(38,0)", result.run_id)
    assert pinned == [("shop__customers",), ("shop__orders",)]


def test_the_ledger_keeps_pins_nodes_gates_scores_and_accounts(settings: Settings) -> None:
    result = build(settings)
    ledger = Ledger(settings)

    def count(table: str) -> int:
        return len(ledger.read(select(TABLES[table]).where(TABLES[table].c.run_id == result.run_id)))

    counts = {
        table: count(table) for table in ("pins", "gate_results", "quality_scores", "row_accounts", "publishes")
    }
    assert counts == {"pins": 2, "gate_results": 15, "quality_scores": 3, "row_accounts": 1, "publishes": 5}
    assert count("node_runs") == sum(len(layer.nodes) for layer in result.layers.values()) > 10
    found = status(settings)
    assert found.published is not None
    assert found.published.id == result.run_id
    assert [(run.kind, run.event) for run in found.runs] == [("build", "complete")]
    assert {stream.stream for stream in found.streams} == {"shop.customers", "shop.orders"}


def test_a_table_whose_content_did_not_change_is_not_written_again(settings: Settings) -> None:
    build(settings)
    load_orders(settings, 100, 109)
    second = build(settings).published
    assert second is not None
    rewritten = {table.dataset: table.is_rewritten for table in second.tables}
    assert rewritten["silver.orders"]
    assert not rewritten["silver.customers"]
    assert _published_orders(settings) == 99


def test_a_table_that_changes_its_columns_is_published_with_them(settings: Settings) -> None:
    build(settings)
    model = settings.project_dir / "models/gold/agg_revenue_by_country.sql"
    model.write_text(
        model.read_text().replace("sum(amount) as revenue", "sum(amount)::double as revenue, 1 as one")
    )
    assert build(settings).outcome == "published"
    with open_published(settings) as con:
        described = con.execute("describe gold.agg_revenue_by_country").fetchall()
    assert {name: kind for name, kind, *_ in described} == {
        "country": "VARCHAR", "revenue": "DOUBLE", "one": "INTEGER", "orders": "BIGINT"}  # fmt: skip


def test_a_failing_contract_stops_gold_names_the_rows_and_keeps_what_was_published(settings: Settings) -> None:
    first = build(settings)
    load_orders(settings, 100, 110)
    contract = settings.project_dir / "contracts/silver/orders.yml"
    contract.write_text(contract.read_text().replace("valid_max: 1000", "valid_max: 47"))
    result = build(settings)
    assert (result.outcome, result.exit_code, list(result.layers)) == ("failed", 1, ["silver"])
    (failure,) = result.failures
    assert failure.what == "silver gate: silver.orders"
    assert failure.where == "contracts/silver/orders.yml:12"
    assert "invalid_count = 2" in failure.message
    amounts = [row[failure.columns.index("amount")] for row in failure.rows]
    assert sorted(map(int, amounts)) == [48, 98 % 50]
    current = current_run(settings)
    assert current is not None
    assert current.id == first.run_id
    assert _published_orders(settings) == 90
    with open_built(result.warehouse) as con:
        assert con.execute("select count(*) from gold.fct_orders").fetchall() == [(90,)]


def test_a_failing_data_test_shows_its_rows_and_stops_what_is_downstream(settings: Settings) -> None:
    build(settings)
    load_orders(settings, 0, 2)
    result = build(settings)
    assert result.outcome == "failed"
    (failure,) = result.failures
    assert failure.what == "test unique_orders_order_id"
    assert len(failure.rows) == 2
    assert "gold" not in result.layers
    assert _published_orders(settings) == 90


def test_a_warning_does_not_stop_the_build(settings: Settings) -> None:
    contract = settings.project_dir / "contracts/silver/orders.yml"
    contract.write_text(contract.read_text().replace("must_be_less_than: 50", "must_be_less_than: 10"))
    result = build(settings)
    assert result.outcome == "published"
    assert result.gates[0].count("warned") == 1


def test_a_broken_model_is_named_with_its_file(settings: Settings) -> None:
    (settings.project_dir / "models/gold/fct_orders.sql").write_text("select nowhere from {{ ref('orders') }}")
    result = build(settings)
    assert [failure.where for failure in result.failures] == ["models/gold/fct_orders.sql"]
    assert "nowhere" in result.failures[0].message
    assert current_run(settings) is None


def test_a_build_as_of_an_earlier_time_sees_bronze_as_it_was_and_never_publishes(settings: Settings) -> None:
    first = build(settings)
    before = datetime.now(UTC)
    load_orders(settings, 100, 110)
    build(settings)
    result = build(settings, as_of=before)
    assert (result.outcome, result.published) == ("built", None)
    assert result.warehouse.parent == settings.local_root / "asof"
    assert result.accounts[0].bronze == first.accounts[0].bronze == 100
    assert _published_orders(settings) == 99


def test_as_of_before_anything_was_loaded_says_so(settings: Settings) -> None:
    with pytest.raises(SmeltError, match="no bronze table had any rows at 2001"):
        build(settings, as_of=parse_time("2001-01-01"))


@pytest.mark.parametrize(("text", "problem"), [("yesterday", "is not a time"), ("2999-01-01", "has not come yet")])
def test_a_time_that_is_none_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SmeltError, match=problem):
        parse_time(text)


def test_an_empty_lake_says_to_ingest_first(tmp_path: Path) -> None:
    with pytest.raises(SmeltError, match="lake is empty") as caught:
        build(new_project(tmp_path))
    assert caught.value.hint == "run `smelt ingest` first"


def test_a_folder_without_a_project_says_so(tmp_path: Path) -> None:
    with pytest.raises(SmeltError, match=r"there is no dbt_project\.yml"):
        build(Settings(project_dir=tmp_path))


def test_a_malformed_model_yaml_is_one_message(settings: Settings) -> None:
    _append(settings.project_dir / "models/gold/_gold.yml", "\n  - name: [unclosed\n")
    with pytest.raises(SmeltError, match=r"_gold\.yml"):
        build(settings)


def test_state_of_what_is_published_reaches_another_folder(settings: Settings, tmp_path: Path) -> None:
    build(settings)
    names = push(settings, f"file://{tmp_path}/bucket")
    assert {"manifest.json", "run_results.json"} <= set(names)
    assert pull(settings, f"{tmp_path}/bucket", tmp_path / "ci/state") == names
    assert pull(settings, None, tmp_path / "ci/own") == names
    with pytest.raises(SmeltError, match="cannot be copied"):
        pull(settings, f"{tmp_path}/nowhere", tmp_path / "ci/state")
