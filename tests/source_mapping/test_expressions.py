"""How values become what a target promises: run in DuckDB, on values as sources write them."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlglot import exp, parse_one

from plugins.core.discovery import discover_stream
from plugins.core.sql.guard import check
from plugins.source_mapping.planning.composing import compose
from plugins.source_mapping.planning.expressions import expression, identifier, source_column

# name and values at the source; target, its type, what is said of it, values it may have; what comes out.
_CASES: list[tuple[str, list[Any], str, str, str, tuple[str, ...], list[str | None]]] = [
    ("price", ["1.234,50", "99,90", "7,00"] * 9, "price", "decimal(12, 2)", "", (), ["1234.50", "99.90", "7.00"]),
    ("price", ["1,234.50", "2,099.90", "3,007.00"] * 9, "price", "decimal(12, 2)", "", (),
     ["1234.50", "2099.90", "3007.00"]),
    ("share", ["12%", "7.5 %", "100%"] * 9, "share", "double", "", (), ["12.0", "7.5", "100.0"]),
    ("amount_cents", ["1999", "5", "120"] * 9, "amount", "decimal(12, 2)", "", (), ["19.99", "0.05", "1.20"]),
    ("amount_cents", [1999, 5, 120] * 9, "limit", "decimal(12, 2)", "In euros.", (), ["19.99", "0.05", "1.20"]),
    ("amount_cents", [1999, 5, 120] * 9, "amount_cents", "bigint", "", (), ["1999", "5", "120"]),
    ("weight_g", [1500, 20, 3] * 9, "weight_kg", "double", "", (), ["1.5", "0.02", "0.003"]),
    ("joined", ["31.12.2020", "01.02.2021", "15.06.2019"] * 9, "joined", "date", "", (),
     ["2020-12-31", "2021-02-01", "2019-06-15"]),
    ("at", [1700000000, 1700000060, 1700003600] * 9, "created_at", "timestamp", "", (),
     ["2023-11-14 22:13:20", "2023-11-14 22:14:20", "2023-11-14 23:13:20"]),
    ("at", [1700000000000, 1700000060000, 1700003600000] * 9, "created_at", "date", "", (),
     ["2023-11-14", "2023-11-14", "2023-11-14"]),
    ("optin", ["yes", "no", "yes"] * 9, "optin", "boolean", "", (), ["true", "false", "true"]),
    ("optin", ["true", "false", ""] * 9, "optin", "boolean", "", (), ["true", "false", None]),
    ("sex", ["M", "F", "M"] * 9, "gender", "varchar", "", ("male", "female"), ["male", "female", "male"]),
    ("id", [1, 2, 3] * 9, "id", "varchar", "", (), ["1", "2", "3"]),
    ("n", ["1", "", "many"] * 9, "n", "integer", "", (), ["1", None, None]),
    ("name", [" Ann ", "", "Bob"] * 9, "name", "varchar", "", (), ["Ann", None, "Bob"]),
    ('odd "name"', [" a", "b", "c"] * 9, "x", "varchar", "", (), ["a", "b", "c"]),
    ("order", ["1", "2", "3"] * 9, "order_number", "bigint", "", (), ["1", "2", "3"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "target", "kind", "described", "accepted", "expected"), _CASES)
def test_values_become_what_the_target_promises(
    name: str,
    values: list[Any],
    target: str,
    kind: str,
    described: str,
    accepted: tuple[str, ...],
    expected: list[str | None],
):
    table = pa.table({name: values})
    profile = discover_stream("stream", table).columns[0]
    sql = expression(profile, target, kind, accepted, described).sql or identifier(name)
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("stream", table)
        found = con.execute(f"select cast({sql} as varchar) from stream limit 3").fetchall()
        (data_type,) = con.execute(f"select distinct typeof({sql}) from stream").fetchone() or ("",)
    assert [value for (value,) in found] == expected
    assert data_type.lower().replace(" ", "") == kind.replace(" ", "")


@pytest.mark.parametrize(
    ("columns", "target", "expected"),
    [
        ({"FirstName": ["Ann", "Bob"], "Surname": ["Lee", None]}, "full_name", ["Ann Lee", "Bob"]),
        ({"FullName": ["Ann Lee", "Bob van Dyk"]}, "first_name", ["Ann", "Bob"]),
        ({"FullName": ["Ann Lee", "Bob van Dyk"]}, "last_name", ["Lee", "van Dyk"]),
        ({"visit_date": ["2024-01-31"], "visit_time": ["10:30:00"]}, "visit_datetime", ["2024-01-31 10:30:00"]),
    ],
)
def test_wholes_are_put_together_and_parts_are_taken(
    columns: dict[str, list[Any]], target: str, expected: list[str]
):
    table = pa.table({name: values * 20 for name, values in columns.items()})
    composed = compose(target, discover_stream("stream", table).columns)
    assert composed is not None
    with duckdb.connect() as con:
        con.register("stream", table)
        found = con.execute(f"select cast({composed.sql} as varchar) from stream limit {len(expected)}").fetchall()
    assert [value for (value,) in found] == expected


def test_a_number_written_otherwise_later_is_null_and_no_other_number():
    profile = discover_stream("stream", pa.table({"price": ["1,234.50", "2,099.90", "950"] * 9})).columns[0]
    sql = expression(profile, "price", "decimal(12, 2)").sql
    with duckdb.connect() as con:
        later = "select unnest(['1.234,56', '950.25', '1,000', '(12.00)']) as price"
        found = con.execute(f"select cast({sql} as varchar) from ({later})").fetchall()
    assert [value for (value,) in found] == [None, "950.25", "1000.00", None]


def test_a_column_called_as_any_keyword_is_read_as_the_column_by_all_that_read_it():
    with duckdb.connect() as con:
        words = [word for (word,) in con.execute("select distinct keyword_name from duckdb_keywords()").fetchall()]
        for word in [*words, "current_user", "session_user", "current_date", "current_schema", "rowid", "kill"]:
            sql = f"trim({source_column(word)})"
            con.execute(f"create or replace table sample as select 'mine' as {identifier(word)}")
            query = f"with source as (select * from main.sample) select {sql} as {identifier(word)} from source"
            check(query, ["main.sample"])
            assert con.execute(query).fetchall() == [("mine",)], word
            for text in (sql, source_column(word)):
                names = [column.name for column in parse_one(text, dialect="duckdb").find_all(exp.Column)]
                assert names == [word]
