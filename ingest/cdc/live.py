"""Which rows a bronze table of change events holds now: what is left of its events when each is applied."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ingest.load.landing import Landed, Landing
from ingest.load.reconcile import expose, newest_sql
from ingest.load.types import AUDIT_TYPES
from plugins.core.duck import literal, quote
from plugins.core.lake import Pin, TableState, scan_sql


def live_sql(rows: str, columns: Sequence[Landed], key: Sequence[str]) -> str:
    """SELECT over `rows` (a table expression of bronze rows): the newest version of each key that is not deleted.

    Without a key, rows are told apart by content: as many of each as were added and not deleted.
    """
    if key:
        return f"select * from ({newest_sql(rows, key)}) where _smelt_op <> 'd'"
    names = ", ".join(quote(column.name) for column in columns)
    left = (
        f"select {names}, sum(case when _smelt_op = 'd' then -1 else 1 end) as times from {rows} group by all "
        "having times > 0"
    )
    return f"select {names} from ({left}), unnest(range(times::bigint)) as n(nth)"


def tombstones_sql(
    con: duckdb.DuckDBPyConnection,
    state: TableState,
    pieces: Sequence[str],
    landing: Landing,
    key: Sequence[str],
    template: str,
) -> str:
    """SELECT of one tombstone for each live row of the table with its uncommitted `pieces`.

    template: SELECT of one row in all bronze columns, without values, whose place precedes those of the rows.
    """
    pin = Pin("bronze", "", state.metadata_location, state.snapshot_id)
    committed = scan_sql(pin)
    con.execute("drop view if exists smelt_pulled")
    con.execute("drop view if exists smelt_bronze")
    expose(con, f"({template})", committed, landing.columns, list(AUDIT_TYPES))
    rows = "smelt_bronze"
    if pieces:
        names = ", ".join(quote(name) for name in con.sql("from smelt_bronze").columns)
        files = ", ".join(literal(file) for file in pieces)
        rows = (
            f"(select {names} from smelt_bronze union all by name "
            f"select {names} from read_parquet([{files}], union_by_name = true))"
        )
    named = {column.source: column.name for column in landing.columns}
    keys = [named[name] for name in key]
    kept = keys or [column.name for column in landing.columns]
    values = ", ".join(f"live.{quote(name)} as {quote(name)}" for name in kept)
    order = ", ".join(f"live.{quote(name)}" for name in kept)
    place = (
        "template._smelt_source_position || '.' || "
        f"lpad((row_number() over (order by {order}))::varchar, 12, '0') as _smelt_source_position"
    )
    live = live_sql(rows, landing.columns, keys)
    return f"select template.* replace ({values}, {place}) from ({template}) as template, ({live}) as live"
