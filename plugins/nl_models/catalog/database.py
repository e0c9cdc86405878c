"""The catalog of a bare database: what DuckDB knows of its tables, and a profile of their values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import duckdb

from plugins.core.duck import quote
from plugins.nl_models.catalog.joins import find_joins
from plugins.nl_models.catalog.profile import profile
from plugins.nl_models.catalog.schema import Catalog, Column, Table


def read_database(con: duckdb.DuckDBPyConnection, schemas: tuple[str, ...] = ()) -> Catalog:
    """Read all tables and views of the current database, or of some of its schemas."""
    places = {place: place[1] if place[0] == "main" else ".".join(place) for place in _columns_of(con)}
    names = {place: name for place, name in places.items() if not schemas or place[0] in schemas}
    tables, unread = describe_tables(con, {name: place for place, name in names.items()})
    declared = [one for one in _declared(con, names) if {one[0], one[2]} <= tables.keys()]
    return Catalog(tables, find_joins(con, tables, declared), unread)


def describe_tables(
    con: duckdb.DuckDBPyConnection, places: Mapping[str, tuple[str, str]]
) -> tuple[dict[str, Table], dict[str, str]]:
    """Profile tables and views; and by name, why some can't be read, such as a view of a table that is gone.

    places: by the name that each is to have, its schema and table.
    """
    if not places:
        return {}, {}
    columns, keys = _columns_of(con), _primary_keys(con)

    def describe(name: str) -> Table | str:
        with con.cursor() as cursor:
            try:
                return _table(cursor, name, columns[places[name]], keys.get(places[name], ()))
            # Rows come through Arrow, whose errors are of these kinds.
            except (duckdb.Error, OSError, ValueError) as error:
                return str(error).strip().splitlines()[0]

    # Many small tables, each too small for DuckDB to use more than one core.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(places, pool.map(describe, places), strict=True))
    tables = {name: one for name, one in found.items() if isinstance(one, Table)}
    return tables, {name: one for name, one in found.items() if isinstance(one, str)}


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


def _table(
    con: duckdb.DuckDBPyConnection, name: str, columns: list[tuple[str, str, str]], key: tuple[str, ...]
) -> Table:
    rows, contents = profile(con, relation(name), {column: data_type for column, data_type, _ in columns})
    described = {
        column: Column(
            table=name,
            name=column,
            data_type=data_type,
            kind=contents[column].kind,
            description=comment,
            distinct=contents[column].distinct,
            is_unique=contents[column].is_unique,
            values=contents[column].values,
        )
        for column, data_type, comment in columns
    }
    return Table(name, rows, described, key=key)


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
