"""The catalog of a bare database: what DuckDB knows of its tables, and a profile of their values."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import duckdb

from plugins.core.duck import quote
from plugins.nl_models.catalog.joins import find_joins
from plugins.nl_models.catalog.schema import Catalog, Column, Kind, Table

# Values of a column are kept, to be recognised in questions, if there are no more than these.
MOST_VALUES = 10_000
LONGEST_VALUE = 100
# Of a text column, that make it one of numbers: the rest is "null", "n/a" and the like.
_LEAST_NUMBERS = 0.9

# Rows that are looked at to tell what a text column with very many values holds.
_LOOKED_AT = 10_000
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])([ T].*)?", re.ASCII)
# Of the rows, that may be different values by an estimate that is a few per cent off.
_LEAST_OF_KEY = 0.8

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def read_database(con: duckdb.DuckDBPyConnection, schemas: tuple[str, ...] = ()) -> Catalog:
    """Read all tables and views of the current database, or of some of its schemas."""
    places = {place: place[1] if place[0] == "main" else ".".join(place) for place in _columns_of(con)}
    names = {place: name for place, name in places.items() if not schemas or place[0] in schemas}
    tables = describe_tables(con, {name: place for place, name in names.items()})
    return Catalog(tables, find_joins(con, tables, _declared(con, names)))


def describe_tables(con: duckdb.DuckDBPyConnection, places: Mapping[str, tuple[str, str]]) -> dict[str, Table]:
    """Profile tables and views. places: by the name that each is to have, its schema and table."""
    columns, keys = _columns_of(con), _primary_keys(con)

    def describe(name: str) -> Table:
        with con.cursor() as cursor:
            return _table(cursor, name, columns[places[name]], keys.get(places[name], ()))

    # Many small queries, each too small for DuckDB to use more than one core.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(places, pool.map(describe, places), strict=True))


def _columns_of(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[tuple[str, str, str]]]:
    """By schema and table, names, types and comments of the columns, in order."""
    rows = con.execute(
        "select schema_name, table_name, column_name, data_type, comment from duckdb_columns() "
        "where not internal and database_name = current_database() order by schema_name, table_oid, column_index"
    ).fetchall()
    found: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for schema, table, column, data_type, comment in rows:
        found.setdefault((schema, table), []).append((column, data_type, comment or ""))
    return found


def _primary_keys(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[str, ...]]:
    rows = con.execute(
        "select schema_name, table_name, constraint_column_names from duckdb_constraints() "
        "where constraint_type = 'PRIMARY KEY' and database_name = current_database()"
    ).fetchall()
    return {(schema, table): tuple(columns) for schema, table, columns in rows}


def relation(name: str) -> str:
    """A table's name in SQL."""
    return ".".join(quote(part) for part in name.split("."))


def kind_of(data_type: str) -> Kind:
    """What may be done with values of a DuckDB type."""
    upper = data_type.upper()
    if upper in _NUMBERS or upper.startswith(("DECIMAL", "DOUBLE", "FLOAT")):
        return "number"
    if upper.startswith(("DATE", "TIME")):
        return "time"
    if upper == "BOOLEAN":
        return "boolean"
    return "text" if upper.startswith(("VARCHAR", "ENUM", "UUID")) else "other"


def _table(
    con: duckdb.DuckDBPyConnection, name: str, columns: list[tuple[str, str, str]], key: tuple[str, ...]
) -> Table:
    names = [column for column, _, _ in columns]
    rows, present, distinct = _counts(con, name, names)
    texts = [c for c, data_type, _ in columns if kind_of(data_type) == "text" and present[c]]
    values = _values(con, name, [c for c in texts if distinct[c] <= MOST_VALUES])
    kinds: dict[str, Kind | None] = {c: _kind_held(found) for c, found in values.items()}
    kinds |= _held(con, name, [c for c in texts if c not in values])
    unique = _unique(con, name, [c for c in names if present[c] == rows and distinct[c] >= rows * _LEAST_OF_KEY])
    described: dict[str, Column] = {}
    for column, data_type, comment in columns:
        held = kinds.get(column)
        kind: Kind = kind_of(data_type) if held is None else held
        # Of a column without values none are to be looked up; of one with too many they are not known.
        known = (
            None
            if held is not None
            else values.get(column, () if kind == "text" and not present[column] else None)
        )
        described[column] = Column(
            table=name,
            name=column,
            data_type=data_type,
            kind=kind,
            description=comment,
            distinct=distinct[column] if known is None else len(known),
            is_unique=column in unique,
            values=known,
        )
    return Table(name, rows, described, key=key)


def _counts(
    con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> tuple[int, dict[str, int], dict[str, int]]:
    """Rows; by column values that are there, and about how many different ones (HyperLogLog)."""
    counted = ", ".join(f"count({quote(column)}), approx_count_distinct({quote(column)})" for column in columns)
    ((rows, *counts),) = con.execute(f"select count(*), {counted} from {relation(table)}").fetchall()
    return rows, dict(zip(columns, counts[::2], strict=True)), dict(zip(columns, counts[1::2], strict=True))


def _unique(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> set[str]:
    """Of columns without nulls, those that have no value twice; none of an empty table."""
    if not columns:
        return set()
    counted = ", ".join(f"count(distinct {quote(column)}) = count(*)" for column in columns)
    ((rows, *are),) = con.execute(f"select count(*), {counted} from {relation(table)}").fetchall()
    return {column for column, is_unique in zip(columns, are, strict=True) if is_unique and rows}


def _held(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> dict[str, Kind | None]:
    """The same of columns with very many values, by those of the first rows."""
    if not columns:
        return {}
    looks = ", ".join(f"list(distinct {quote(column)}::varchar)" for column in columns)
    (found,) = con.execute(f"select {looks} from (from {relation(table)} limit {_LOOKED_AT})").fetchall()
    return {c: _kind_held([v for v in values or () if v]) for c, values in zip(columns, found, strict=True)}


def _kind_held(values: Sequence[str]) -> Kind | None:
    """What a text column with these values holds, if that is numbers to calculate with, or ISO dates.

    Codes that look like numbers are none; ISO dates compare as text like dates do.
    """
    least = _LEAST_NUMBERS * len(values)
    if not values:
        return None
    if sum(1 for value in values if _NUMBER.fullmatch(value)) >= least:
        is_code = any(len(v) > 12 or (len(v) > 1 and v.startswith("0") and v[1] != ".") for v in values)
        return None if is_code else "number"
    return "time" if sum(1 for value in values if _DATE.fullmatch(value)) >= least else None


def _values(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The different values of columns, sorted, without very long ones."""
    if not columns:
        return {}
    parts = [
        f"select distinct {number} as n, {quote(column)}::varchar as v from {relation(table)} "
        f"where length({quote(column)}::varchar) <= {LONGEST_VALUE}"
        for number, column in enumerate(columns)
    ]
    found: list[list[str]] = [[] for _ in columns]
    for place, value in con.execute(" union all ".join(parts)).fetchall():
        found[place].append(value)
    return {column: tuple(sorted(values)) for column, values in zip(columns, found, strict=True)}


def _declared(
    con: duckdb.DuckDBPyConnection, names: dict[tuple[str, str], str]
) -> list[tuple[str, str, str, str]]:
    """(child, column, parent, column) of single-column foreign keys."""
    rows = con.execute(
        "select schema_name, table_name, constraint_column_names, referenced_table, referenced_column_names "
        "from duckdb_constraints() where constraint_type = 'FOREIGN KEY' and database_name = current_database()"
    ).fetchall()
    return [
        (names[(schema, table)], columns[0], names[(schema, parent)], parents[0])
        for schema, table, columns, parent, parents in rows
        if len(columns) == 1 and (schema, table) in names and (schema, parent) in names
    ]
