"""Lineage of single queries, as written in queries.yaml; names of columns are checked against DuckDB itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from plugins.core.lineage.model import ModelLineage, Schemas, read_model

CASES: list[dict[str, Any]] = YAML(typ="safe").load((Path(__file__).parent / "queries.yaml").read_text())


def _columns(lineage: ModelLineage) -> dict[str, dict[str, str]]:
    return {name: {f"{n}.{c}": kind.word for n, c, kind in uses} for name, uses in lineage.columns}


def _rows(lineage: ModelLineage) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node, column, kind in lineage.rows:
        found.setdefault(f"{node}.{column}", []).append(kind.word)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_lineage_of(case: dict[str, Any], tables: Schemas) -> None:
    lineage = read_model(case["sql"], "duckdb", tables)
    assert lineage.unparsed is None
    assert _columns(lineage) == case["columns"]
    assert _rows(lineage) == case["rows"]
    assert lineage.missing == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_columns_are_those_that_duckdb_gives(
    case: dict[str, Any], tables: Schemas, warehouse: duckdb.DuckDBPyConnection
) -> None:
    # A table, as dbt makes one: there a second column of a name gets a number.
    warehouse.execute(f"create or replace temp table made as {case['sql']}")
    described = [row[0].lower() for row in warehouse.execute("describe made").fetchall()]
    lineage = read_model(case["sql"], "duckdb", tables)
    assert [name.lower() for name, _ in lineage.columns] == described


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select from where", "line 1"),
        ("insert into orders select * from orders", "no query"),
        ("select 1; select 2", "2 statements"),
        ("", "0 statements"),
        ("select " + "(" * 5000 + "1" + ")" * 5000, ""),
    ],
    ids=["broken", "insert", "two statements", "nothing", "too deep"],
)
def test_what_cannot_be_read_says_why(sql: str, reason: str, tables: Schemas) -> None:
    lineage = read_model(sql, "duckdb", tables)
    assert lineage.unparsed is not None
    assert reason in lineage.unparsed
    assert lineage.columns == ()


def test_a_column_newer_than_the_schema_belongs_to_the_table_that_is_read(tables: Schemas) -> None:
    lineage = read_model("select o.channel from orders as o join customers as c on c.id = o.id", "duckdb", tables)
    assert _columns(lineage) == {"channel": {"orders.channel": "identity"}}
    assert lineage.missing == ("o.channel",)


def test_a_thousand_unions_are_read(tables: Schemas) -> None:
    sql = " union all ".join(["select id from orders"] * 1000)
    assert _columns(read_model(sql, "duckdb", tables)) == {"id": {"orders.id": "identity"}}


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        (
            "snowflake",
            "select ID, flatten_row.value as TAG from ORDERS, lateral flatten(input => TAGS) as flatten_row",
        ),
        ("bigquery", "select id, tag from orders, unnest(tags) as tag"),
        ("postgres", "select id, t.tag from orders cross join lateral unnest(tags) as t(tag)"),
        ("spark", "select id, tag from orders lateral view explode(tags) t as tag"),
    ],
)
def test_other_dialects(dialect: str, sql: str, tables: Schemas) -> None:
    found = {name.lower(): uses for name, uses in _columns(read_model(sql, dialect, tables)).items()}
    assert found == {"id": {"orders.id": "identity"}, "tag": {"orders.tags": "transformation"}}


@given(st.text(alphabet="select from where()*,.'\"orders id;--/\n|{}[]", max_size=80))
def test_no_text_makes_it_fail(text: str) -> None:
    read_model(text, "duckdb", Schemas({}, {}))
