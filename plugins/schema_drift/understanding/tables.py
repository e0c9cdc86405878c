"""Which table of before is which one of now, and which of them are untouched."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from plugins.schema_drift.change import Change, Fact, Kind, Severity
from plugins.schema_drift.table import SeenTable

Pairs = list[tuple[SeenTable, SeenTable]]
_AT_ONCE = 40


def pair_tables(
    con: duckdb.DuckDBPyConnection, before: Sequence[SeenTable], after: Sequence[SeenTable]
) -> tuple[Pairs, list[Change], list[str]]:
    """Pairs of one table at both times; the changes of those that have no other; notes."""
    now = {one.table.id: one for one in after}
    pairs = [(one, now[one.table.id]) for one in before if one.table.id in now]
    known = {one.table.id for one, _ in pairs}
    changes = [_gone(one) for one in before if one.table.id not in known]
    changes += [_came(one) for one in after if one.table.id not in known]
    return pairs, changes, []


def _gone(one: SeenTable) -> Change:
    fact = Fact("declared", f"{one.table.name} is gone")
    return Change(Kind.TABLE_REMOVED, one.table.id, (one.table.name,), (), 0.97, Severity.BREAKING, (fact,))


def _came(one: SeenTable) -> Change:
    fact = Fact("declared", f"{one.table.name} was not there before")
    return Change(Kind.TABLE_ADDED, one.table.id, (), (one.table.name,), 0.97, Severity.INFORMATIVE, (fact,))


def untouched(con: duckdb.DuckDBPyConnection, pairs: Pairs) -> set[tuple[str, str]]:
    """Pairs (ids) with equal declarations and equal rows, by a checksum over whole rows, in any order."""
    same = [
        (one, two)
        for one, two in pairs
        if one.table.columns == two.table.columns and one.table.key == two.table.key
    ]
    found = {(one.table.id, two.table.id) for one, two in same if one.rows == two.rows}
    rest = [(one, two) for one, two in same if one.rows != two.rows]
    for start in range(0, len(rest), _AT_ONCE):
        part = rest[start : start + _AT_ONCE]
        sums = iter(_checksums(con, [side.rows or "" for pair in part for side in pair]))
        for one, two in part:
            if next(sums) == next(sums):
                found.add((one.table.id, two.table.id))
    return found


def _checksums(con: duckdb.DuckDBPyConnection, relations: Sequence[str]) -> list[tuple[int, int, int]]:
    """Count, sum and exclusive or of hashes of whole rows of each relation."""
    parts = [
        f"select {number} as place, count(*), sum(hash(t)::hugeint), bit_xor(hash(t)) from (select * from {rows}) as t"
        for number, rows in enumerate(relations)
    ]
    found = con.execute(" union all ".join(parts) + " order by place").fetchall()
    return [tuple(row[1:]) for row in found]
