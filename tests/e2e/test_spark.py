"""The demo's silver and gold from the same bronze snapshots, on Spark and on DuckDB: equal in every value."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest
from demo_bronze import append_customers, load_demo

from plugins.core.duck import LAKE_EXTENSIONS, connect
from plugins.core.lake import Lake, pin_namespace
from plugins.core.lake.saved_pins import save_pins
from plugins.core.project import Project
from plugins.core.settings import Settings, load_settings
from plugins.core.warehouse.dbt_plugin import PINS_VARIABLE

pytestmark = pytest.mark.full

ROOT = Path(__file__).parents[2]
KEYS = {
    "gold.dim_customers": "customer_id",
    "gold.dim_products": "stock_code",
    "gold.dim_dates": "date_day",
    "gold.int_fx_rates__daily": "date_day",
    "gold.fct_orders": "order_id",
    "gold.fct_order_lines": "order_id, line_number",
    "gold.fct_returns": "return_id, line_number",
    "gold.agg_revenue_daily": "revenue_date",
    "gold.agg_cohort_retention": "cohort_month, months_since_first",
    "gold.customer_features": "customer_id, as_of_date",
    "gold.customers_last_seen": "customer_id",
    "gold.int_order_events": "_smelt_batch_id, _smelt_source_position",
    "gold.int_order_line_events": "_smelt_batch_id, _smelt_source_position",
    "gold.late_order_events": "stream, _smelt_batch_id, _smelt_source_position",
    "gold.agg_revenue_hourly": "hour_start",
    "gold.agg_revenue_7_days": "window_start",
    "gold.fct_purchase_sessions": "customer_id, session_number",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of the project, with bronze loaded and pinned; bronze has moved on since the pins."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("models", "macros", "sources"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, folder)
    (folder / "smelt.toml").write_text("")
    settings = load_settings(folder)
    load_demo(settings, folder / "csv")
    append_customers(settings, "values (12346, 'Iceland'), (12347, ' '), (99998, 'Norway')", op="u")
    append_customers(settings, "values (99998, null::varchar)", op="d")
    save_pins(folder / "pins.json", pin_namespace(Lake(settings), "bronze"))
    append_customers(settings, "values (12349, 'Atlantis'), (99999, 'Atlantis')", op="u")
    return settings


@pytest.fixture(scope="module")
def both(settings: Settings) -> duckdb.DuckDBPyConnection:
    """What DuckDB built as the database `duck`, what Spark built as views of the database `spark`."""
    folder = settings.project_dir
    warehouse = _build_on_duckdb(folder)
    spark = _build_on_spark(folder)
    assert spark.returncode == 0, spark.stdout[-6000:] + spark.stderr[-3000:]
    con = connect(extensions=LAKE_EXTENSIONS)
    con.execute("set timezone = 'UTC'")
    con.execute(f"attach '{warehouse}' as duck (read_only)")
    con.execute("attach ':memory:' as spark")
    for schema in ("silver", "gold"):
        con.execute(f"create schema spark.{schema}")
        for path in sorted((settings.local_root / "warehouse" / "spark" / f"{schema}.db").iterdir()):
            con.execute(f"create view spark.{schema}.{path.name} as from '{path}/*.parquet'")
    return con


def _build_on_duckdb(folder: Path) -> Path:
    warehouse = folder / "dev.duckdb"
    environment = {PINS_VARIABLE: str(folder / "pins.json"), "SMELT_WAREHOUSE": str(warehouse)}
    project = Project(folder, "dev", environment=environment)
    built = project.build(select=["path:models/silver", "path:models/gold"])
    project.release()
    assert [(node.name, node.message) for node in built.broken] == []
    return warehouse


def _build_on_spark(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plugins.core.warehouse.spark", "--pins", str(folder / "pins.json")],
        cwd=folder,
        # Far from UTC: neither engine may read the machine's clock into the data.
        env={**os.environ, "TZ": "Pacific/Auckland"},
        capture_output=True,
        text=True,
        check=False,
        timeout=420,
    )


def tables(con: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[tuple[str, str]]]:
    """Columns and their types, by `schema.table`; tables only, as staging views keep nothing."""
    found: dict[str, list[tuple[str, str]]] = {}
    rows = con.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name in ('silver', 'gold') order by all",
        [database],
    ).fetchall()
    views = con.execute(
        "select schema_name, view_name from duckdb_views() where database_name = 'duck'"
    ).fetchall()
    for schema, table, column, kind in rows:
        if (schema, table) not in views:
            found.setdefault(f"{schema}.{table}", []).append((column, kind))
    return found


def test_both_engines_build_the_same_tables_with_the_same_types(both: duckdb.DuckDBPyConnection) -> None:
    duck = tables(both, "duck")
    assert {name for name in duck if name.startswith("gold.")} == set(KEYS)
    assert tables(both, "spark") == duck


def test_every_table_has_the_same_rows(both: duckdb.DuckDBPyConnection) -> None:
    compared = Counter()
    for name, columns in tables(both, "duck").items():
        names = ", ".join(f'"{column}"' for column, _ in columns)
        counts = [both.execute(f"select count(*) from {db}.{name}").fetchall()[0][0] for db in ("duck", "spark")]
        assert counts[0] == counts[1], name
        for one, other in (("duck", "spark"), ("spark", "duck")):
            only = both.execute(
                f"select {names} from {one}.{name} except all select {names} from {other}.{name} limit 5"
            )
            assert only.fetchall() == [], f"{name}: rows only in {one}"
        compared[name.split(".")[0]] += counts[0]
    assert compared["gold"] > 500_000
    assert compared["silver"] > 500_000


def test_keys_are_unique_on_spark(both: duckdb.DuckDBPyConnection) -> None:
    for name, key in KEYS.items():
        rows, keys = both.execute(f"select count(*), count(distinct ({key})) from spark.{name}").fetchall()[0]
        assert rows == keys, name
        assert rows > 0 or name == "gold.late_order_events", name


def test_spark_reads_the_pinned_snapshots_and_no_later_row(both: duckdb.DuckDBPyConnection) -> None:
    country = dict(both.execute("select customer_id, country from spark.silver.customers").fetchall())
    assert "Atlantis" not in country.values()
    assert country[12346] == "Iceland", "the newest version in the pinned snapshot"
    assert 99998 not in country, "deleted at the source"
    reasons = both.execute("select customer_id, _smelt_broken_rules from spark.silver.quarantine_customers")
    assert reasons.fetchall() == [(12347, ["country_present"])]


def test_every_bronze_row_is_accounted_for_on_spark(both: duckdb.DuckDBPyConnection) -> None:
    accounts = both.execute("select stream, is_balanced from spark.silver.row_accounting order by all").fetchall()
    assert [balanced for _, balanced in accounts] == [True] * 6
