"""The catalog of a bare database: what DuckDB knows of its tables, and a profile of their values."""

from __future__ import annotations

import duckdb

from plugins.core.duck import quote
from plugins.nl_models.catalog.joins import find_joins
from plugins.nl_models.catalog.schema import Catalog, Column, Kind, Table

# Values of a column are kept, to be recognised in questions, if there are no more than these.
MOST_VALUES = 10_000
LONGEST_VALUE = 100
# Of a text column, that make it one of numbers: the rest is "null", "n/a" and the like.
_LEAST_NUMBERS = 0.9

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def read_database(con: duckdb.DuckDBPyConnection, schemas: tuple[str, ...] = ()) -> Catalog:
    """Read all tables and views of the current database, or of some of its schemas."""
    rows = con.execute(
        "select schema_name, table_name, column_name, data_type, comment from duckdb_columns() "
        "where not internal and database_name = current_database() order by schema_name, table_oid, column_index"
    ).fetchall()
    found: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for schema, table, column, data_type, comment in rows:
        if not schemas or schema in schemas:
            found.setdefault((schema, table), []).append((column, data_type, comment or ""))
    names = {place: place[1] if place[0] == "main" else ".".join(place) for place in found}
    tables = {names[place]: _table(con, place, names[place], columns) for place, columns in found.items()}
    return Catalog(tables, find_joins(con, tables, _declared(con, names)))


def describe_table(con: duckdb.DuckDBPyConnection, name: str) -> Table:
    """Profile one table or view, `schema.table`."""
    schema, _, table = name.rpartition(".")
    rows = con.execute(
        "select column_name, data_type, comment from duckdb_columns() where schema_name = ? and table_name = ? "
        "and not internal and database_name = current_database() order by column_index",
        [schema or "main", table],
    ).fetchall()
    columns = [(column, data_type, comment or "") for column, data_type, comment in rows]
    return _table(con, (schema or "main", table), name, columns)


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
    con: duckdb.DuckDBPyConnection, place: tuple[str, str], name: str, columns: list[tuple[str, str, str]]
) -> Table:
    counted = ", ".join(f"count(distinct {quote(column)}), count({quote(column)})" for column, _, _ in columns)
    (rows, *counts), *_ = con.execute(f"select count(*), {counted} from {relation(name)}").fetchall()
    described: dict[str, Column] = {}
    for (column, data_type, comment), distinct, present in zip(columns, counts[::2], counts[1::2], strict=True):
        kind = kind_of(data_type)
        if kind == "text" and distinct and _holds_numbers(con, name, column):
            kind = "number"
        elif kind == "text" and distinct and _holds_dates(con, name, column):
            kind = "time"
        described[column] = Column(
            table=name,
            name=column,
            data_type=data_type,
            kind=kind,
            description=comment,
            distinct=distinct,
            is_unique=rows > 0 and distinct == present == rows,
            values=_values(con, name, column) if kind == "text" and distinct <= MOST_VALUES else None,
        )
    key = con.execute(
        "select constraint_column_names from duckdb_constraints() where constraint_type = 'PRIMARY KEY' "
        "and schema_name = ? and table_name = ? and database_name = current_database()",
        place,
    ).fetchall()
    return Table(name, rows, described, key=tuple(key[0][0]) if key else ())


def _holds_numbers(con: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Whether a text column holds numbers to calculate with, and not codes that look like numbers."""
    (share, codes), *_ = con.execute(
        "select avg((try_cast(v as double) is not null)::int), "
        "bool_or(v like '0_%' and v not like '0.%' or length(v) > 12) "
        f"from (select {quote(column)}::varchar as v from {relation(table)} where v is not null limit 10000)"
    ).fetchall()
    return share is not None and share >= _LEAST_NUMBERS and not codes


def _holds_dates(con: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Whether a text column holds ISO dates, which compare as text like dates do."""
    (share,), *_ = con.execute(
        "select avg((v similar to '[0-9]{4}-[0-9]{2}-[0-9]{2}.*' and try_cast(v as timestamp) is not null)::int) "
        f"from (select {quote(column)}::varchar as v from {relation(table)} where v is not null limit 10000)"
    ).fetchall()
    return share is not None and share >= _LEAST_NUMBERS


def _values(con: duckdb.DuckDBPyConnection, table: str, column: str) -> tuple[str, ...]:
    rows = con.execute(
        f"select distinct {quote(column)}::varchar as v from {relation(table)} "
        f"where v is not null and length(v) <= {LONGEST_VALUE} order by v"
    ).fetchall()
    return tuple(value for (value,) in rows)


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
