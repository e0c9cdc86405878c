"""Copies a table out of any database that dbt has an adapter for, as text, and gives it DuckDB's types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

# DuckDB imports it by itself, but then the sandbox is closed and Python cannot keep what it compiles: 2 s a time.
import pandas as pd  # noqa: F401
import pyarrow as pa
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core import duck
from plugins.review.sandbox import tasks
from plugins.review.sandbox.server_tasks import connected

_BATCH = 20_000
_STAGED = "smelt_staged"
_EXACT = frozenset({"BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "UUID"})
_FLOATS = frozenset({"REAL", "FLOAT", "DOUBLE", "DECIMAL"})


def copy_side(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Copy relations of the scratch schemas to DuckDB's file `warehouse`; runs inside the sandbox's process.

    Returns for each node the `types` of its columns, or the `error` for which it could not be read.
    """
    project = tasks.make_project(arguments)
    copied: dict[str, Any] = {}
    with connected(project) as adapter, duck.connect(Path(arguments["warehouse"]), ()) as con:
        for copy in arguments["copies"]:
            try:
                copied[copy["id"]] = {"types": copy_table(adapter, con, copy, arguments["dialect"])}
            # Adapters raise whatever their driver does; the other tables are still worth having.
            except Exception as error:  # noqa: BLE001
                copied[copy["id"]] = {"error": f"could not be read: {str(error).strip()[:300]}"}
                adapter.connections.rollback_if_open()
    return {"copied": copied}


def copy_table(
    adapter: Any, con: duckdb.DuckDBPyConnection, copy: Mapping[str, Any], dialect: str
) -> dict[str, str]:
    """Copy one relation, or one in `one_in` of its rows by the hash of its `key` (of all columns where no key is
    known), to `kept_as` in DuckDB.

    Every value passes as the text that the database makes of it, so that none changes on its way; DuckDB then
    reads numbers, dates and times from it, and leaves as text what it has no type for.
    Returns the database's own types by column. Raises what the driver raises.
    """
    relation = adapter.Relation.create(
        database=copy["database"], schema=copy["schema"], identifier=copy["identifier"]
    )
    columns = {column.name: column.data_type for column in adapter.get_columns_in_relation(relation)}
    text = adapter.Column.translate_type("string")
    values = {name: f"cast({adapter.quote(name)} as {text})" for name in columns}
    key = [values[name] for name in copy["key"]] or list(values.values())
    where = _sampled(adapter, key, copy["one_in"]) if copy["one_in"] > 1 else ""
    _, cursor = adapter.connections.add_query(f"select {', '.join(values.values())} from {relation}{where}")
    names = [f"c{n}" for n in range(len(columns))]
    con.execute(f"create or replace temp table {_STAGED} ({', '.join(f'{n} varchar' for n in names)})")
    while rows := cursor.fetchmany(_BATCH):
        batch = pa.table([pa.array(part, pa.string()) for part in zip(*rows, strict=True)], names=names)
        con.from_arrow(batch).insert_into(_STAGED)
    _give_types(con, copy["kept_as"], [(name, _duckdb_type(kind, dialect)) for name, kind in columns.items()])
    return columns


def _sampled(adapter: Any, key: Sequence[str], one_in: int) -> str:
    """SQL that keeps one in so many of the keys (as text), the same on both sides."""
    joined = " || '|' || ".join(f"coalesce({part}, '')" for part in key)
    hashed = adapter.execute_macro("hash", kwargs={"field": joined})
    return f" where {str(hashed).strip()} < '{16**8 // one_in:08x}'"


def _give_types(con: duckdb.DuckDBPyConnection, place: Sequence[str], columns: Sequence[tuple[str, str]]) -> None:
    schema, name = map(duck.quote, place)
    failing = ", ".join(
        f"count(*) filter (where c{n} is not null and try_cast(c{n} as {kind}) is null)"
        for n, (_, kind) in enumerate(columns)
    )
    failures: Sequence[int] = con.execute(f"select {failing} from {_STAGED}").fetchall()[0]
    selected = ", ".join(
        f"cast(c{n} as {'varchar' if failed else kind}) as {duck.quote(column)}"
        for n, ((column, kind), failed) in enumerate(zip(columns, failures, strict=True))
    )
    con.execute(f"create schema if not exists {schema}")
    con.execute(f"create or replace table {schema}.{name} as select {selected} from {_STAGED}")
    con.execute(f"drop table {_STAGED}")


def _duckdb_type(declared: str, dialect: str) -> str:
    """DuckDB's type for a database's; numbers of any scale are doubles, what has no counterpart is text."""
    try:
        kind = exp.DataType.build(declared, dialect=dialect)
    except SqlglotError:
        return "VARCHAR"
    sql = kind.sql("duckdb")
    if kind.is_type(exp.DataType.Type.DECIMAL):
        digits = [int(part.name) for part in kind.expressions]
        return sql if digits and digits[0] <= 38 else "DOUBLE"
    return sql if sql in _EXACT | _FLOATS else "VARCHAR"
