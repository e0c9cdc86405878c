"""The catalog of a bare database: what DuckDB knows of its tables, and a profile of their values."""

from __future__ import annotations

import os
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

# Rows that are looked at to tell what a text column holds, and what is looked for: the share of numbers, whether
# there are codes, the share of ISO dates.
_LOOKED_AT = 10_000
_LOOKS = """avg((try_cast({column}::varchar as double) is not null)::int) filter ({column} is not null),
bool_or({column}::varchar like '0_%' and {column}::varchar not like '0.%' or length({column}::varchar) > 12),
avg((regexp_matches({column}::varchar, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')
and try_cast({column}::varchar as timestamp) is not null)::int) filter ({column} is not null)"""

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
    counted = ", ".join(f"count(distinct {quote(column)}), count({quote(column)})" for column, _, _ in columns)
    (rows, *counts), *_ = con.execute(f"select count(*), {counted} from {relation(name)}").fetchall()
    texts = [
        column
        for (column, data_type, _), distinct in zip(columns, counts[::2], strict=True)
        if kind_of(data_type) == "text" and distinct
    ]
    held = _held(con, name, texts)
    few = [
        column
        for (column, _, _), distinct in zip(columns, counts[::2], strict=True)
        if column in texts and column not in held and distinct <= MOST_VALUES
    ]
    values = _values(con, name, few)
    described: dict[str, Column] = {}
    for (column, data_type, comment), distinct, present in zip(columns, counts[::2], counts[1::2], strict=True):
        kind = held.get(column, kind_of(data_type))
        # Of a column without values none are to be looked up; of one with too many they are not known.
        known = values.get(column, () if kind == "text" and not distinct else None)
        described[column] = Column(
            table=name,
            name=column,
            data_type=data_type,
            kind=kind,
            description=comment,
            distinct=distinct,
            is_unique=rows > 0 and distinct == present == rows,
            values=known,
        )
    return Table(name, rows, described, key=key)


def _held(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> dict[str, Kind]:
    """Of text columns, those that hold numbers to calculate with, and those that hold ISO dates.

    Numbers are not codes that look like numbers; ISO dates compare as text like dates do.
    """
    if not columns:
        return {}
    looks = ", ".join(_LOOKS.format(column=quote(column)) for column in columns)
    (found,) = con.execute(f"select {looks} from (from {relation(table)} limit {_LOOKED_AT})").fetchall()
    held: dict[str, Kind] = {}
    for column, numbers, codes, dates in zip(columns, found[::3], found[1::3], found[2::3], strict=True):
        if (numbers or 0) >= _LEAST_NUMBERS and not codes:
            held[column] = "number"
        elif (dates or 0) >= _LEAST_NUMBERS:
            held[column] = "time"
    return held


def _values(con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The different values of columns, sorted, without very long ones."""
    if not columns:
        return {}
    lists = ", ".join(
        f"list_sort(list(distinct {quote(column)}::varchar) filter (length({quote(column)}::varchar) <= "
        f"{LONGEST_VALUE}))"
        for column in columns
    )
    (found,) = con.execute(f"select {lists} from {relation(table)}").fetchall()
    return {column: tuple(values or ()) for column, values in zip(columns, found, strict=True)}


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
