"""A large table in parts, by ranges of its key, so that a first read that was broken off goes on where it was.

Parts are ranges of the primary key's first column, and only of types whose order is the same here and at the
server: an event of the log says by its key which part its row is in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from ingest.cdc.events import Changes
from ingest.cdc.server import ask
from plugins.core.duck import literal, quote

# Entry of a table's position: from where on it was not read yet.
UNREAD = "unread"
# Epoch of a table of which only a part is there: it sorts after all others, so nobody pins it.
HIDDEN = "~"

_NUMBERS = {"int2": "smallint", "int4": "integer", "int8": "bigint"}
_TYPES = {**_NUMBERS, "uuid": "uuid"}
_MOST_CHUNKS = 1_000
_SAMPLED_ROWS = 50_000
# Rows that lie in the order of their key are read by its index; of others, each range would read the whole table.
_IN_ORDER = 0.5
_TABLE = """
    select a.attname::text, t.typname::text, greatest(c.reltuples, 0)::bigint,
        coalesce((select sum(pg_table_size(relid)) from pg_partition_tree(c.oid)), pg_table_size(c.oid))::bigint,
        (select max(abs(s.correlation))::float8 from pg_stats as s
            where s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname)
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    join pg_index as i on i.indrelid = c.oid and i.indisprimary
    join pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0]
    join pg_type as t on t.oid = a.atttypid
    where n.nspname = %s and c.relname = %s and c.relreplident in ('d', 'f')
"""


@dataclass(frozen=True)
class Chunk:
    """Rows whose `column` is at least `start` and below `end` (None: any), written as text of the type `kind`."""

    column: str
    kind: str
    start: str | None
    end: str | None

    @property
    def predicate(self) -> str:
        """For the server."""
        bounds = ((">=", self.start), ("<", self.end))
        parts = [
            f"{quote(self.column)} {sign} {literal(bound)}::{_TYPES[self.kind]}"
            for sign, bound in bounds
            if bound is not None
        ]
        return " and ".join(parts) or "true"

    @property
    def rest(self) -> Mapping[str, str] | None:
        """What the table's position says of rows after the chunk; None: there are none."""
        return None if self.end is None else {"column": self.column, "kind": self.kind, "start": self.end}


def unread_part(position: Mapping[str, Any]) -> Chunk | None:
    """The rows that a table with this position does not have yet; None: it has all."""
    found = position.get(UNREAD)
    return Chunk(found["column"], found["kind"], found["start"], None) if found else None


def without(changes: Changes, unread: Chunk) -> Changes:
    """The events of rows that are not in `unread`: those that are come as they are when it is read."""
    (column,) = [column for column in changes.relation.columns if column.name == unread.column]
    values, start = changes.values[column.alias], pa.scalar(unread.start, pa.large_string())
    if unread.kind in _NUMBERS:
        values, start = values.cast(pa.int64()), pa.scalar(int(unread.start or 0))
    # uuids are written in lower case, so their texts sort as they do.
    is_read = pc.call_function("less", [values, start]).fill_null(True)
    return changes.where(is_read.to_numpy(zero_copy_only=False))


@dataclass(frozen=True)
class Chunks:
    """How a table is read: in these parts, one after the other. estimate: rows of the whole, or None."""

    parts: Sequence[Chunk]
    estimate: int | None


def plan_chunks(
    session: psycopg.Connection, table: tuple[str, str], key: Sequence[str], size: int, unread: Chunk | None
) -> Chunks | None:
    """Parts of about `size` bytes of what of the table is unread (None: all); None: it is read as a whole."""
    found = ask(session, _TABLE, *table)
    if not found:
        return None
    column, kind, rows, held, correlation = found[0]
    if unread is not None and (column, kind) != (unread.column, unread.kind):
        return None
    # A new table isn't analysed; numbers that count up are as good as sure, random uuids are not.
    ordered = correlation if correlation is not None else float(kind in _NUMBERS)
    count = min(math.ceil(held / size), _MOST_CHUNKS)
    if column not in key or kind not in _TYPES or ordered < _IN_ORDER or count < 2:
        return Chunks([unread], rows or None) if unread else None
    start = unread.start if unread else None
    borders = _borders(session, table, Chunk(column, kind, start, None), count, rows)
    bounds = [start, *borders, None]
    return Chunks([Chunk(column, kind, *pair) for pair in pairwise(bounds)], rows or None)


def _borders(
    session: psycopg.Connection, table: tuple[str, str], whole: Chunk, count: int, rows: int
) -> list[str]:
    """Keys that part the rows into `count` parts of much the same size, by a sample of the table's pages."""
    share = min(100.0, max(0.01, 100.0 * _SAMPLED_ROWS / rows)) if rows else 100.0
    query = sql.SQL(
        "select (percentile_disc({}::float8[]) within group (order by {}))::text[] "
        "from {} tablesample system ({}) where {} is not null and "
    ).format(
        sql.Literal([n / count for n in range(1, count)]),
        sql.Identifier(whole.column),
        sql.Identifier(*table),
        sql.Literal(share),
        sql.Identifier(whole.column),
    ) + sql.SQL(whole.predicate)  # pyright: ignore[reportArgumentType]
    with session.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchone()
    borders = list(dict.fromkeys(found[0])) if found and found[0] else []
    # Nothing lies before the first row, nor before what was read up to.
    return [border for border in borders if border is not None and border != whole.start]
