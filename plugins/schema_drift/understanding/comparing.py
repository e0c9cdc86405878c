"""Two states of a source side by side: tables paired, untouched ones skipped, the others compared."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from plugins.schema_drift.change import Change, Drift, Kind
from plugins.schema_drift.table import SeenTable

from .living import living_on
from .table_changes import compare_table
from .tables import pair_tables, untouched

_SHRUNK = 0.9
_TEMPORARY = ("_drift_a", "_drift_b", "_drift_x", "_drift_matched", "_drift_some")


def compare(con: duckdb.DuckDBPyConnection, before: Sequence[SeenTable], after: Sequence[SeenTable]) -> Drift:
    """What happened between two times; `con` sees the rows of both, and keeps no trace of the comparison.

    Raises duckdb.Error where rows can't be read.
    """
    found: list[Change] = []
    try:
        now = {one.table.id: one for one in after}
        both = [(one, now[one.table.id]) for one in before if one.table.id in now]
        same = [(one, two) for one, two in both if _is_declared_same(one, two)]
        equal = living_on(con, same)
        equal |= {one for one, _ in untouched(con, [pair for pair in same if pair[0].table.id not in equal])}
        if any(one.table.id not in {two.table.id for two in before} for one in after):
            # Rows that are gone may stand in a table that came.
            equal -= {one.table.id for one, two in same if _has_shrunk(one, two)}
        before, after = ([one for one in side if one.table.id not in equal] for side in (before, after))
        pairs, changes, notes = pair_tables(con, before, after)
        found += changes
        for one, two in pairs:
            told, said = compare_table(con, one, two)
            found += [change for change in told if not _is_of_its_name(change, one, two)]
            notes += said
    finally:
        for name in _TEMPORARY:
            con.execute(f"drop table if exists temp.{name}")
    order = {one.table.id: number for number, one in enumerate((*before, *after))}
    found.sort(key=lambda one: (order.get(one.table, len(order)), -one.severity.rank))
    return Drift(tuple(found), tuple(notes))


def _is_of_its_name(change: Change, one: SeenTable, two: SeenTable) -> bool:
    """Whether a key is another one only since it is declared for the name that the table has now."""
    names = {column.name for column in two.table.columns}
    is_renamed = one.table.id != two.table.id
    return is_renamed and change.kind is Kind.KEY_CHANGED and names.issuperset(one.table.key)


def _has_shrunk(one: SeenTable, two: SeenTable) -> bool:
    old, new = one.table.rows, two.table.rows
    return old is not None and new is not None and new < _SHRUNK * old


def _is_declared_same(one: SeenTable, two: SeenTable) -> bool:
    """Whether rows are known of both, and only rows may have changed."""
    is_same = one.table.columns == two.table.columns and one.table.key == two.table.key
    return is_same and bool(one.rows and two.rows)
