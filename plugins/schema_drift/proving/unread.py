"""Rows of now that no side of a proof reads, as their keys are new."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from plugins.schema_drift.observing import Pair, WrittenInput


def count_unread(pair: Pair, written: Iterable[WrittenInput]) -> dict[str, int]:
    """By table: how many more rows there are now than were written; of a sample, in the same part of the keys."""
    found = {}
    for one in written:
        given = pair.inputs.after.get(one.table) if one.side == "after" else None
        if given is None:
            continue
        try:
            rows = pair.con.execute(f"select count(*) from {given.sql}").fetchall()[0][0]
        # A server that is gone meanwhile is told of by whoever needs its rows.
        except duckdb.Error:
            continue
        if rows > one.rows:
            found[one.table] = rows - one.rows
    return found
