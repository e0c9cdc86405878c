"""Two states of a source side by side: tables paired, untouched ones skipped, the others compared."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from plugins.schema_drift.change import Change, Drift
from plugins.schema_drift.table import SeenTable

from .table_changes import compare_table
from .tables import pair_tables, untouched


def compare(con: duckdb.DuckDBPyConnection, before: Sequence[SeenTable], after: Sequence[SeenTable]) -> Drift:
    """What happened between two times; `con` sees the rows of both, and keeps no trace of the comparison."""
    pairs, changes, notes = pair_tables(con, before, after)
    skipped = untouched(con, [(one, two) for one, two in pairs if one.rows and two.rows])
    found: list[Change] = list(changes)
    try:
        for one, two in pairs:
            if (one.table.id, two.table.id) in skipped:
                continue
            told, said = compare_table(con, one, two)
            found += told
            notes += said
    finally:
        for name in ("_drift_a", "_drift_b", "_drift_matched", "_drift_some"):
            con.execute(f"drop table if exists temp.{name}")
    order = {one.table.id: number for number, one in enumerate((*before, *after))}
    found.sort(key=lambda one: (order.get(one.table, len(order)), -one.severity.rank))
    return Drift(tuple(found), tuple(notes))
