"""What is in the columns of a table: a small one is read, of a big one DuckDB is asked.

A query of a thousand rows costs what it takes to plan, and DuckDB's distinct aggregates more to set up than to
run: to read the rows once and compare them here takes a quarter of the time, and counts exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from plugins.core.duck import quote
from plugins.nl_models.catalog.kinds import kind_held, kind_of
from plugins.nl_models.catalog.schema import Kind

if TYPE_CHECKING:
    import pyarrow as pa

# Values of a column are kept, to be recognised in questions, if there are no more than these.
MOST_VALUES = 10_000
_LONGEST_VALUE = 100

# Rows of a small table: none of its columns can have too many values.
SMALL = MOST_VALUES
_MOST_BYTES = 64 * 2**20
_ROWS_AT_ONCE = 2_048
# Types whose values Arrow compares as DuckDB does: of `double`, only to DuckDB are 0.0 and -0.0 the same.
_ALIKE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "BOOLEAN", "DATE", "TIMESTAMP")

# Rows that are looked at to tell what a text column with very many values holds.
_LOOKED_AT = 10_000
# Of the rows, that may be different values by an estimate that is a few per cent off.
_LEAST_OF_KEY = 0.8


@dataclass(frozen=True)
class Contents:
    """distinct: how many values, of a big table about how many. values: all short ones of a text column that has
    few. is_unique: no value twice, none missing."""

    kind: Kind
    distinct: int
    is_unique: bool
    values: tuple[str, ...] | None = None


def profile(
    con: duckdb.DuckDBPyConnection, source: str, columns: Mapping[str, str]
) -> tuple[int, dict[str, Contents]]:
    """The rows of a table or view, and by name what its columns have. source: SQL. columns: types, by name."""
    table = _all_rows(con, source, columns)
    return _asked(con, source, columns) if table is None else (table.num_rows, _compared(table, columns))


def _all_rows(con: duckdb.DuckDBPyConnection, source: str, columns: Mapping[str, str]) -> pa.Table | None:
    """A small table, its columns such that Arrow can compare their values; None if it is a big one."""
    # Takes a quarter of a second, and most questions find nothing changed.
    import pyarrow as pa

    listed = ", ".join(_comparable(quote(column), data_type) for column, data_type in columns.items())
    # Read by and by, without a `limit`: planned with one, the query takes four times as long.
    reader = con.execute(f"select {listed} from {source}").to_arrow_reader(_ROWS_AT_ONCE)
    batches: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in reader:
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows > SMALL or size > _MOST_BYTES:
            return None
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def _comparable(column: str, data_type: str) -> str:
    if kind_of(data_type) == "text":
        return f"{column}::varchar"
    is_alike = data_type.split("(")[0] in _ALIKE and not data_type.endswith("]")
    return column if is_alike else f"case when {column} is not null then hash({column}) end"


def _compared(table: pa.Table, columns: Mapping[str, str]) -> dict[str, Contents]:
    found: dict[str, Contents] = {}
    for (column, data_type), values in zip(columns.items(), table.columns, strict=True):
        kind, different = kind_of(data_type), values.unique().drop_null()
        distinct, is_unique = len(different), 0 < table.num_rows == len(different)
        if kind == "text":
            short = sorted([value for value in different.to_pylist() if len(value) <= _LONGEST_VALUE])
            found[column] = _text(tuple(short), distinct, is_unique)
        else:
            found[column] = Contents(kind, distinct, is_unique)
    return found


def _text(values: tuple[str, ...], distinct: int, is_unique: bool) -> Contents:
    """A text column all of whose values are known."""
    held = kind_held(values)
    return (
        Contents("text", len(values), is_unique, values) if held is None else Contents(held, distinct, is_unique)
    )


def _asked(
    con: duckdb.DuckDBPyConnection, source: str, columns: Mapping[str, str]
) -> tuple[int, dict[str, Contents]]:
    rows, present, distinct = _counts(con, source, list(columns))
    texts = [column for column, data_type in columns.items() if kind_of(data_type) == "text"]
    values = _values(con, source, [c for c in texts if distinct[c] <= MOST_VALUES])
    held = _held(con, source, [c for c in texts if c not in values])
    unique = _unique(
        con, source, [c for c in columns if present[c] == rows and distinct[c] >= rows * _LEAST_OF_KEY]
    )
    return rows, {
        column: _text(values[column], distinct[column], column in unique)
        if column in values
        else Contents(held.get(column) or kind_of(data_type), distinct[column], column in unique)
        for column, data_type in columns.items()
    }


def _counts(
    con: duckdb.DuckDBPyConnection, source: str, columns: Sequence[str]
) -> tuple[int, dict[str, int], dict[str, int]]:
    """Rows; by column values that are there, and about how many different ones (HyperLogLog)."""
    counted = ", ".join(f"count({quote(column)}), approx_count_distinct({quote(column)})" for column in columns)
    ((rows, *counts),) = con.execute(f"select count(*), {counted} from {source}").fetchall()
    return rows, dict(zip(columns, counts[::2], strict=True)), dict(zip(columns, counts[1::2], strict=True))


def _unique(con: duckdb.DuckDBPyConnection, source: str, columns: Sequence[str]) -> set[str]:
    """Of columns without nulls, those that have no value twice."""
    if not columns:
        return set()
    counted = ", ".join(f"count(distinct {quote(column)}) = count(*)" for column in columns)
    (are,) = con.execute(f"select {counted} from {source}").fetchall()
    return {column for column, is_unique in zip(columns, are, strict=True) if is_unique}


def _held(con: duckdb.DuckDBPyConnection, source: str, columns: Sequence[str]) -> dict[str, Kind | None]:
    """What text columns with very many values hold, by those of the first rows."""
    if not columns:
        return {}
    looks = ", ".join(f"list(distinct {quote(column)}::varchar)" for column in columns)
    (found,) = con.execute(f"select {looks} from (from {source} limit {_LOOKED_AT})").fetchall()
    return {c: kind_held([v for v in values or () if v]) for c, values in zip(columns, found, strict=True)}


def _values(con: duckdb.DuckDBPyConnection, source: str, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The different values of columns, sorted, without very long ones."""
    if not columns:
        return {}
    parts = [
        f"select distinct {number} as n, {quote(column)}::varchar as v from {source} "
        f"where length({quote(column)}::varchar) <= {_LONGEST_VALUE}"
        for number, column in enumerate(columns)
    ]
    found: list[list[str]] = [[] for _ in columns]
    for place, value in con.execute(" union all ".join(parts)).fetchall():
        found[place].append(value)
    return {column: tuple(sorted(values)) for column, values in zip(columns, found, strict=True)}
