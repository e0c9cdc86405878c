"""New versions of an entity's rows: the models' own SQL over the bronze rows that a run hasn't read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from plugins.core.duck import literal, quote
from plugins.core.lake import Pin, scan_sql
from plugins.core.lake.pin import local_path
from plugins.core.warehouse.published import PublishedRun
from plugins.live.entities import LiveEntity


@dataclass(frozen=True)
class Fresh:
    """What came to an entity since its run was built. rows: bronze rows; pin, up_to: where they end, as
    snapshot and as batch id.

    keys: a table of the keys that got a valid version or a tombstone, whose published rows no longer count.
    values: a table of the entity's columns with the current rows of those keys.
    """

    entity: LiveEntity
    pin: Pin
    up_to: str
    rows: int
    values: str
    keys: str


def begin(con: duckdb.DuckDBPyConnection, entity: LiveEntity, run: PublishedRun, pin: Pin, up_to: str) -> Fresh:
    """Nothing yet: `pin` and `up_to` are what `run` was built from. con: a scratch connection of our own.

    Raises duckdb.Error if the models' SQL doesn't fit the bronze table any more.
    """
    _lay_ground(con, entity, run)
    values, keys = f"memory.main.{quote(entity.dataset)}", f"memory.main.{quote(entity.dataset + ' keys')}"
    _compute(con, entity, f"select * from {scan_sql(pin)} where false")
    con.execute(f"create or replace table {values} as {entity.sql}")
    con.execute(f"create or replace table {keys} as {_keys_sql(entity)}")
    return Fresh(entity, pin, up_to, 0, values, keys)


def merge(con: duckdb.DuckDBPyConnection, known: Fresh, pin: Pin) -> Fresh:
    """`known` and the bronze rows that came after it, up to `pin`.

    A key's rows depend on its versions alone, so newer versions take the place of what was known of their keys.
    Raises duckdb.Error if the models' SQL doesn't fit the rows, as when a column has another type now.
    """
    entity = known.entity
    rows = f"select * from {scan_sql(pin)} where _smelt_batch_id > {literal(known.up_to)}"
    count, newest = _compute(con, entity, rows)
    con.execute(f"create or replace temp table newer_keys as {_keys_sql(entity)}")
    con.execute(f"create or replace temp table newer_values as {entity.sql}")
    same = " and ".join(f"newer.{quote(column)} = known.{quote(column)}" for column in entity.key)
    newer = f"exists (select 1 from newer_keys as newer where {same})"
    for table, new in ((known.values, "newer_values"), (known.keys, "newer_keys")):
        con.execute(f"delete from {table} as known where {newer}")
        con.execute(f"insert into {table} from {new}")
    return replace(known, pin=pin, up_to=newest or known.up_to, rows=known.rows + count)


def _compute(con: duckdb.DuckDBPyConnection, entity: LiveEntity, rows: str) -> tuple[int, str | None]:
    """Lay the models over these bronze rows; how many they are, and their newest batch."""
    con.execute(f"create or replace table {_named(entity.bronze)} as {rows}")
    for relation, sql in entity.steps:
        # The versions are read several times over; the views before them once.
        kind = "table" if relation == entity.versions else "view"
        con.execute(f"create or replace {kind} {_named(relation)} as {sql}")
    return con.execute(f"select count(*), max(_smelt_batch_id) from {_named(entity.bronze)}").fetchall()[0]


def _keys_sql(entity: LiveEntity) -> str:
    columns = ", ".join(map(quote, entity.key))
    return f"select distinct {columns} from {_named(entity.versions)} where len(_smelt_broken_rules) = 0"


def _lay_ground(con: duckdb.DuckDBPyConnection, entity: LiveEntity, run: PublishedRun) -> None:
    """A database of the warehouse's name, its schemas, and the published tables that the models read besides."""
    for database, schema, _ in (entity.bronze, entity.versions, *entity.beside):
        con.execute(f"attach if not exists ':memory:' as {quote(database)}")
        con.execute(f"create schema if not exists {quote(database)}.{quote(schema)}")
    for relation in entity.beside:
        table = run.table(".".join(relation[1:]))
        if table is not None:
            location = literal(local_path(table.metadata_location))
            con.execute(f"create or replace view {_named(relation)} as from iceberg_scan({location})")


def _named(relation: tuple[str, str, str]) -> str:
    return ".".join(map(quote, relation))
