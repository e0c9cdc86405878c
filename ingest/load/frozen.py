"""Rows with values that a frozen schema has no room for."""

from __future__ import annotations

import duckdb

from ingest.extract.base import DeadLetter
from ingest.load.landing import Landing
from plugins.core.duck import literal


def refused(con: duckdb.DuckDBPyConnection, staged: str, landing: Landing) -> tuple[str, list[DeadLetter]]:
    """Rows that a frozen schema has room for, and the others as dead letters."""
    held = ", ".join(sorted(column.name for column in landing.held))
    fits = " and ".join(f"json_extract(_smelt_extra, {literal(_path(c.name))}) is null" for c in landing.held)
    fits = f"(_smelt_extra is null or ({fits}))"
    rows = con.execute(
        f"select to_json(t)::varchar from (select * exclude (_smelt_source_position) from {staged} "
        f"where not {fits}) as t order by 1"
    ).fetchall()
    reason = f"the schema is frozen and has no column for: {held}"
    letters = [DeadLetter(reason, str(n).zfill(18), row.encode()) for n, (row,) in enumerate(rows)]
    return f"(select * from {staged} where {fits})", letters


def _path(name: str) -> str:
    return '$."' + name.replace('"', '\\"') + '"'
