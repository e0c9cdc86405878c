"""Tables that loaders only ever extend: a column that the source dropped is still there, and no longer filled.

dlt, Fivetran and Airbyte keep the old column when a source renames or drops one, and fill it with nulls. Read as
it stands, such a table has a new column and an old one full of values; what the source is now is in fresh rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from plugins.core import duck
from plugins.schema_drift.observing.duckdb_file import own_table
from plugins.schema_drift.observing.snapshot_file import KeptTable
from plugins.schema_drift.table import History, SeenTable

# Columns in which loaders say which load brought a row, or when.
_LOADERS = (
    "_dlt_load_id",
    "_fivetran_synced",
    "_airbyte_extracted_at",
    "_airbyte_emitted_at",
    "_ab_cdc_updated_at",
    "_sdc_batched_at",
)
_ENOUGH = 50


@dataclass(frozen=True)
class _Fresh:
    """Rows that are new or changed since the snapshot. where: true for them, over the relation; since: the
    same where a loader's column tells, None: only the content does; rows: how many they are; filled: in how many
    of them each column has a value."""

    where: str
    since: str | None
    rows: int
    filled: dict[str, int]


def as_appended(con: duckdb.DuckDBPyConnection, now: SeenTable, old: KeptTable | None, alias: str) -> SeenTable:
    """The table as its source is now: its fresh rows, without the columns that none of them fills.

    A column that is null in every fresh row, and was filled before, is what tells; where there is none, the table
    as it stands. Raises duckdb.Error.
    """
    kept = old.rows(alias) if old is not None else None
    if old is None or kept is None or not old.sampled or now.rows is None or not old.table.key:
        return now
    both = [column.name for column in now.table.columns if old.table.column(column.name) is not None]
    loader = next((name for name in both if name.lower() in _LOADERS), None)
    has_more = len(now.table.columns) > len(both)
    # A table that only grows has a new column, or a loader's mark where nothing may come in an old one's place.
    if not has_more and loader is None:
        return now
    fresh = _fresh(con, now, old, kept, loader, both)
    if fresh is None:
        return now
    emptied = _emptied(con, kept, fresh)
    # Where nothing came in its place, a few rows without a value may just be an unlucky load.
    if not emptied or (not has_more and fresh.rows < _ENOUGH):
        return now
    columns = tuple(column for column in now.table.columns if column.name not in emptied)
    listed = ", ".join(duck.quote(column.name) for column in columns)
    table = own_table(con)
    con.execute(f"create temp table {table} as select {listed} from {now.rows} where {fresh.where}")
    count = con.execute(f"select count(*) from {table}").fetchall()[0][0]
    seen = replace(now.table, columns=columns, rows=count, history=History(frozenset(emptied), fresh.since))
    return SeenTable(seen, table, True)


def _fresh(
    con: duckdb.DuckDBPyConnection,
    now: SeenTable,
    old: KeptTable,
    kept: str,
    loader: str | None,
    both: Sequence[str],
) -> _Fresh | None:
    """How fresh rows are told, by the loader's column or else by keys and values; None: there are none."""
    if loader is not None:
        name = duck.quote(loader)
        newest = con.execute(f"select max({name})::varchar from {kept}").fetchall()[0][0]
        where = "true" if newest is None else f"{name} > {duck.literal(newest)}"
        since: str | None = where
    else:
        if not all(key in both for key in now.table.key) or len(now.table.key) != len(old.table.key):
            return None
        # Of a sample, rows that aren't in it may be old all the same.
        if old.up_to is not None:
            return None
        # As text: the type of a column may be another one now.
        listed = ", ".join(f"cast({duck.quote(name)} as varchar)" for name in both)
        added = [c.name for c in now.table.columns if c.name not in both]
        filled = " or ".join(f"{duck.quote(name)} is not null" for name in added)
        # A row of a single field is taken for the field, and is null with it.
        where = f"(row({listed}, 0) not in (select row({listed}, 0) from {kept}) or {filled})"
        since = None
    names = [name for name in both if name not in now.table.key and name != loader]
    counts = ", ".join(["count(*)", *(f"count({duck.quote(name)})" for name in names)])
    rows, *filled = con.execute(f"select {counts} from {now.rows} where {where}").fetchall()[0]
    return _Fresh(where, since, rows, dict(zip(names, filled, strict=True))) if rows else None


def _emptied(con: duckdb.DuckDBPyConnection, kept: str, fresh: _Fresh) -> list[str]:
    """Columns that were filled, and that no fresh row fills."""
    names = [name for name, filled in fresh.filled.items() if not filled]
    if not names:
        return []
    counts = ", ".join(["count(*)", *(f"count({duck.quote(name)})" for name in names)])
    total, *filled = con.execute(f"select {counts} from {kept}").fetchall()[0]
    return [
        name
        for name, before in zip(names, filled, strict=True)
        if before and _is_unlikely(before / total, fresh.rows)
    ]


def _is_unlikely(share: float, rows: int) -> bool:
    """Whether so many rows with nothing in the column can't be chance: it was filled in this share of rows."""
    return (1 - share) ** rows < 1e-4
