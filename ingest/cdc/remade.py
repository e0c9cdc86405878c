"""Tables that were dropped and made anew: they left the publication, and the log tells nothing of the new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg

from ingest.cdc.snapshot import table_of
from ingest.load import Job

_OIDS = """
    select n.nspname, c.relname, c.oid::bigint,
        not exists (select from pg_publication where pubname = %(publication)s) or exists (
            select from pg_publication_tables as p
            where p.pubname = %(publication)s and p.schemaname = n.nspname and p.tablename = c.relname
        )
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p')
        and (n.nspname, c.relname) in (select * from unnest(%(schemas)s::text[], %(names)s::text[]))
"""


def table_oids(session: psycopg.Connection, publication: str, jobs: Sequence[Job]) -> dict[str, int | None]:
    """The oid of each stream's table, by name of the stream; None: its changes are not published (any more).

    Streams whose table isn't there are left out.
    """
    streams = {table_of(job.stream): job.stream.name for job in jobs}
    with session.cursor() as cursor:
        cursor.execute(_OIDS, {"publication": publication, **_columns(list(streams))})
        rows = cursor.fetchall()
    return {streams[schema, name]: oid if is_published else None for schema, name, oid, is_published in rows}


def published_tables(
    session: psycopg.Connection, publication: str, tables: Sequence[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Those of `tables` (schema, name) that are there and whose changes are published."""
    with session.cursor() as cursor:
        cursor.execute(_OIDS, {"publication": publication, **_columns(tables)})
        return {(schema, name) for schema, name, _, is_published in cursor.fetchall() if is_published}


def _columns(tables: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {"schemas": [schema for schema, _ in tables], "names": [name for _, name in tables]}


def remade(known: Mapping[str, int | None], found: Mapping[str, int | None]) -> set[str]:
    """Streams whose table is another than the one that was captured, or whose changes are no longer published.

    known: oids when they were captured; a stream that isn't in it was captured before oids were noted.
    """
    return {name for name, oid in found.items() if oid is None or (known.get(name) or oid) != oid}
