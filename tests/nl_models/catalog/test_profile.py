"""A small table is read and a big one is asked about: both say the same of what is in it."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from plugins.core.duck import quote
from plugins.nl_models.catalog import profile as profiling
from plugins.nl_models.catalog.inclusion import Inclusion
from plugins.nl_models.catalog.profile import Contents, profile
from plugins.nl_models.catalog.schema import Column, Table

_COLUMNS = """
    i as id, i % 7 as few, case when i % 3 = 0 then i end as some_missing, null::integer as none,
    case when i % 2 = 0 then 0.0::double else -0.0::double end as zero, i::double / 2 as half, i::hugeint as huge,
    'name ' || i as name, ['a', 'b'][1 + i % 2] as letter, (i % 3)::varchar as number,
    lpad(i::varchar, 5, '0') as code, repeat('long ', 30) || i as long,
    null::varchar as nothing, date '2024-01-01' + (i % 5)::int as day,
    time '10:00' + to_seconds(i) as clock, to_days((i % 4)::int) as days, i % 2 = 0 as is_even, [i, 1] as list,
    {'a': i} as struct, map {i: 1} as map, ('{"a": ' || i || '}')::json as json, ('b' || i)::blob as blob,
    [i::decimal(5, 1)] as decimals, (['x', 'y'][1 + i % 2])::enum ('x', 'y') as level,
    'é' || i % 2 as "odd "" name"
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def _profile(con: duckdb.DuckDBPyConnection, table: str) -> tuple[int, dict[str, Contents]]:
    rows = con.execute(
        "select column_name, data_type from duckdb_columns() where table_name = ?", [table]
    ).fetchall()
    return profile(con, quote(table), dict(rows))


@pytest.mark.parametrize("rows", [1, 20])
def test_a_small_table_and_a_big_one_are_profiled_alike(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    con.execute(f"create table t as select {_COLUMNS} from range({rows}) as r(i)")
    read = _profile(con, "t")
    monkeypatch.setattr(profiling, "SMALL", 0)
    asked = _profile(con, "t")
    assert read[0] == asked[0] == rows
    for column, contents in read[1].items():
        other = asked[1][column]
        assert (contents.kind, contents.is_unique, contents.values) == (
            other.kind,
            other.is_unique,
            other.values,
        ), column


def test_a_table_of_long_text_is_a_big_one(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    con.execute("create table t as select i as id, repeat('x', 1000) as document from range(10) as r(i)")
    monkeypatch.setattr(profiling, "_MOST_BYTES", 5_000)
    monkeypatch.setattr(profiling, "_compared", None)
    rows, contents = _profile(con, "t")
    assert rows == 10
    assert contents["id"].is_unique


def test_an_empty_table_has_no_keys_and_no_values(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table t (id integer, name varchar)")
    rows, contents = _profile(con, "t")
    assert rows == 0
    assert contents == {"id": Contents("number", 0, False), "name": Contents("text", 0, False, ())}


@pytest.mark.parametrize("rows", [10, 20_000])
def test_the_share_of_values_that_a_key_has(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    con.execute(f"create table parent as select i as id, i::varchar as code from range({rows}) as r(i)")
    con.execute("create table child as select * from (values (1, 1), (2, 1), (null, 1), (-1, 1)) as v(ref, one)")

    def column(table: str, name: str, data_type: str) -> Column:
        return Column(table, name, data_type, "number")

    tables = {"parent": Table("parent", rows, {}), "child": Table("child", 4, {})}
    ref, key, code = (
        column("child", "ref", "INTEGER"),
        column("parent", "id", "BIGINT"),
        column("parent", "code", "VARCHAR"),
    )
    inclusion = Inclusion(con, tables)
    assert inclusion.share(ref, key) == pytest.approx(2 / 3)
    assert inclusion.share(ref, code) == pytest.approx(2 / 3)
    assert inclusion.share(column("child", "one", "INTEGER"), key) == 1.0
