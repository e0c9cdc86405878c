"""New versions of an entity's rows: the models' own SQL over the bronze rows that a run hasn't read."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from plugins.core.duck import literal, quote
from plugins.core.lake import Pin, scan_sql
from plugins.core.lake.pin import local_path
from plugins.core.warehouse.published import PublishedRun
from plugins.live.entities import LiveEntity


@dataclass(frozen=True)
class Fresh:
    """What came to an entity since its run was built. rows: bronze rows; pin: up to where they were read.

    keys: a table of the keys that got a valid version or a tombstone, whose published rows no longer count.
    values: a table of the entity's columns with the current rows of those keys.
    """

    entity: LiveEntity
    pin: Pin
    rows: int
    values: str
    keys: str


def merge(con: duckdb.DuckDBPyConnection, entity: LiveEntity, run: PublishedRun, pin: Pin, after: str) -> Fresh:
    """Compute what the bronze rows at `pin` with a batch id greater than `after` make of `entity`.

    con: a scratch connection of our own, kept between calls. Raises duckdb.Error if the models' SQL doesn't fit
    the rows any more, as when a column has another type now.
    """
    _lay_ground(con, entity, run)
    rows = f"select * from {scan_sql(pin)} where _smelt_batch_id > {literal(after)}"
    con.execute(f"create or replace table {_named(entity.bronze)} as {rows}")
    ((count,),) = con.execute(f"select count(*) from {_named(entity.bronze)}").fetchall()
    for relation, sql in entity.steps:
        # The versions are read several times over; the views before them once.
        kind = "table" if relation == entity.versions else "view"
        con.execute(f"create or replace {kind} {_named(relation)} as {sql}")
    values, keys = f"memory.main.{quote(entity.dataset)}", f"memory.main.{quote(entity.dataset + ' keys')}"
    con.execute(f"create or replace table {values} as {entity.sql}")
    columns = ", ".join(map(quote, entity.key))
    con.execute(
        f"create or replace table {keys} as select distinct {columns} from {_named(entity.versions)} "
        "where len(_smelt_broken_rules) = 0"
    )
    return Fresh(entity, pin, count, values, keys)


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
