"""Which table of before is which one of now, and which of them are untouched."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np

from plugins.core.duck import quote
from plugins.schema_drift.change import Change, Fact, Kind, Severity
from plugins.schema_drift.table import SeenTable

from .evidence import overlap
from .names import alike
from .reading import Hashes, Side, modulus_for
from .types import compare_types

Pairs = list[tuple[SeenTable, SeenTable]]
_AT_ONCE = 40
_LEAST_COLUMNS = 0.5
_MOST_COMPARED = 400
_MOST_HELD = 0.7
_LEAST_ALIKE = 0.3


def pair_tables(
    con: duckdb.DuckDBPyConnection, before: Sequence[SeenTable], after: Sequence[SeenTable]
) -> tuple[Pairs, list[Change], list[str]]:
    """Pairs of one table at both times; the changes of those that have no other; notes."""
    now = {one.table.id: one for one in after}
    pairs = [(one, now[one.table.id]) for one in before if one.table.id in now]
    known = {one.table.id for one, _ in pairs}
    gone = [one for one in before if one.table.id not in known]
    came = [one for one in after if one.table.id not in known]
    changes, notes = [], []
    swapped = _swapped(con, pairs)
    if swapped:
        pairs = [pair for pair in pairs if pair[0].table.id not in {one.table.id for one, _, _ in swapped}]
        for one, two, share in swapped:
            pairs.append((one, two))
            changes.append(_renamed(one, two, share, "the two tables have changed places: "))
            notes.append(f"{one.table.name} and {two.table.name} have changed places")
    for olds, news, share in _parts(con, gone, came, pairs):
        changes.append(_split(olds, news, share))
        gone = [one for one in gone if one not in olds]
        came = [one for one in came if one not in news]
    for one, two, share in _moved(con, gone, came):
        pairs.append((one, two))
        changes.append(_renamed(one, two, share, ""))
        gone.remove(one)
        came.remove(two)
    changes += [_gone(one) for one in gone] + [_came(one) for one in came]
    return pairs, changes, notes


def _gone(one: SeenTable) -> Change:
    fact = Fact("declared", f"{one.table.name} is gone, and no other table holds its rows")
    return Change(Kind.TABLE_REMOVED, one.table.id, (one.table.name,), (), 0.97, Severity.BREAKING, (fact,))


def _came(one: SeenTable) -> Change:
    fact = Fact("declared", f"{one.table.name} was not there before")
    return Change(Kind.TABLE_ADDED, one.table.id, (), (one.table.name,), 0.97, Severity.INFORMATIVE, (fact,))


def _renamed(one: SeenTable, two: SeenTable, share: float, why: str) -> Change:
    has_rows = bool(one.rows and two.rows)
    held = f"{share:.0%} of the rows of the smaller are in both" if has_rows else f"columns are {share:.0%} alike"
    fact = Fact(
        "same_rows" if has_rows else "columns", f"{why}`{one.table.name}` is `{two.table.name}` now: {held}", share
    )
    sure = min(0.5 + 0.49 * share, 0.99) if has_rows else 0.55
    asked = f"Is `{two.table.name}` what `{one.table.name}` was? {fact.text[0].upper()}{fact.text[1:]}."
    is_swap = one.table.id != two.table.id and bool(why)
    return Change(
        Kind.TABLE_RENAMED, one.table.id, (one.table.name,), (two.table.name,), round(sure, 3),
        Severity.DANGEROUS if is_swap else Severity.BREAKING, (fact,),
        detail={"is_swap": is_swap, "after_id": two.table.id},
        question=asked if is_swap or sure < 0.8 else None, is_thin=not has_rows,
    )  # fmt: skip


def _split(olds: Sequence[SeenTable], news: Sequence[SeenTable], share: float) -> Change:
    before, after = tuple(one.table.name for one in olds), tuple(one.table.name for one in news)
    text = f"{share:.0%} of the rows of {', '.join(before)} are in {', '.join(after)}, none in two of them"
    return Change(
        Kind.TABLE_SPLIT, olds[0].table.id, before, after, round(0.5 + 0.49 * share, 3), Severity.BREAKING,
        (Fact("same_rows", text, share),),
        detail={"is_merge": len(olds) > 1, "before_ids": [one.table.id for one in olds],
                "after_ids": [one.table.id for one in news]},
        question=f"{', '.join(before)} → {', '.join(after)}: are these all of the parts?",
    )  # fmt: skip


def _columns_alike(one: SeenTable, two: SeenTable) -> float:
    """The share of columns that both tables have by name, with types of one sort."""
    theirs = {column.name.lower(): column.type for column in two.table.columns}
    mine = one.table.columns
    shared = sum(
        0.5 + 0.5 * (compare_types(column.type, theirs[column.name.lower()]) != "changed")
        for column in mine
        if column.name.lower() in theirs
    )
    return shared / max(len(mine), len(theirs), 1)


def _values(con: duckdb.DuckDBPyConnection, seen: SeenTable) -> dict[str, Hashes]:
    """Hashes of up to 2,000 rows' values, by column; every n-th of each column's, the same at both times."""
    side = Side.of(con, seen, "x")
    side.take((), max(1, modulus_for(side)))
    numbers = range(min(len(side.names), 40))
    hashes = side.hashes(numbers)
    con.execute(f"drop table if exists {side.temp}")
    return {side.names[number].lower(): hashes[:, number] for number in numbers}


def _row_share(
    con: duckdb.DuckDBPyConnection,
    one: SeenTable,
    two: SeenTable,
    read: dict[str, dict[str, Hashes]] | None = None,
) -> float | None:
    """How many values of telling columns of the same names both tables hold; by content alone if names differ.

    read: values by what they were read from, which are read once only.
    """
    if not one.rows or not two.rows:
        return None
    read = {} if read is None else read
    for side in (one, two):
        if side.rows and side.rows not in read:
            read[side.rows] = _values(con, side)
    ours, theirs = read[one.rows], read[two.rows]
    telling = [
        overlap(ours[name], theirs[name])
        for name in ours
        if name in theirs and len(np.unique(ours[name])) > max(5, 0.3 * len(ours[name]))
    ]
    if telling:
        return float(np.mean(telling))
    crossed = [
        max((overlap(mine, other) for other in theirs.values()), default=0.0)
        for mine in ours.values()
        if len(np.unique(mine)) > max(5, 0.3 * len(mine))
    ]
    return float(np.mean(crossed)) if crossed else 0.0


def _moved(
    con: duckdb.DuckDBPyConnection, gone: Sequence[SeenTable], came: Sequence[SeenTable]
) -> list[tuple[SeenTable, SeenTable, float]]:
    """Tables under another name: the same rows, or, where none are known, the same columns."""
    if not gone or not came:
        return []
    from plugins.core.assignment import assign

    read: dict[str, dict[str, Hashes]] = {}
    names = alike([one.table.name for one in gone], [one.table.name for one in came])
    shares: dict[tuple[int, int], float] = {}
    gains: dict[tuple[int, int], float] = {}
    pairs = sorted(
        ((_columns_alike(one, two), i, j) for i, one in enumerate(gone) for j, two in enumerate(came)),
        reverse=True,
    )
    for columns, i, j in pairs[:_MOST_COMPARED]:
        share = _row_share(con, gone[i], came[j], read)
        if share is None:
            shares[i, j] = columns
            # Without rows, only the same columns under a like name are one table.
            gains[i, j] = columns + 0.5 * float(names[i, j]) - 1.1
        elif columns >= _LEAST_ALIKE or share >= 0.8:
            shares[i, j] = share
            gains[i, j] = share + 0.3 * columns + 0.1 * float(names[i, j]) - 0.6
    return [(gone[i], came[j], round(shares[i, j], 3)) for i, j in assign(gains).items()]


def _parts(
    con: duckdb.DuckDBPyConnection, gone: Sequence[SeenTable], came: Sequence[SeenTable], pairs: Pairs
) -> list[tuple[list[SeenTable], list[SeenTable], float]]:
    """Tables whose rows stand in several others now, or several of which stand in one, by telling columns."""
    found = []
    for whole, others, is_split in (
        *((one, came, True) for one in gone),
        *((one, gone, False) for one in came),
        *((old, came, True) for old, new in pairs if came and _shrank(con, old, new)),
    ):
        alike_ones = [two for two in others if _columns_alike(whole, two) >= _LEAST_COLUMNS and two.rows]
        if not whole.rows or not alike_ones:
            continue
        kept = next((new for old, new in pairs if old is whole), None)
        parts = [*([kept] if kept else []), *alike_ones]
        if len(parts) < 2:
            continue
        share, holding = _covered(con, whole, parts)
        if share >= 0.8 and len(holding) >= 2:
            found.append(([whole], holding, share) if is_split else (holding, [whole], share))
    return found


def _shrank(con: duckdb.DuckDBPyConnection, old: SeenTable, new: SeenTable) -> bool:
    if not old.rows or not new.rows:
        return False
    row = con.execute(f"select (select count(*) from {old.rows}), (select count(*) from {new.rows})").fetchone()
    return bool(row) and row[1] < 0.9 * row[0]


def _covered(
    con: duckdb.DuckDBPyConnection, whole: SeenTable, parts: Sequence[SeenTable]
) -> tuple[float, list[SeenTable]]:
    """The share of the whole's rows that exactly one part holds, and the parts that hold some."""
    values = _values(con, whole)
    best = max(values, key=lambda name: (len(np.unique(values[name])), -list(values).index(name)), default=None)
    if best is None:
        return 0.0, []
    mine = np.unique(values[best][values[best] != 0])
    if len(mine) < 5:
        return 0.0, []
    times, holding = np.zeros(len(mine), dtype=int), []
    for part in parts:
        theirs = _values(con, part).get(best)
        held = np.isin(mine, theirs) if theirs is not None else np.zeros(len(mine), dtype=bool)
        if held.mean() > 0.02 and held.mean() < 0.98:
            times += held
            holding.append(part)
    return round(float((times == 1).mean()), 3), holding


def _swapped(con: duckdb.DuckDBPyConnection, pairs: Pairs) -> list[tuple[SeenTable, SeenTable, float]]:
    """Tables of which each has the other's columns now: they have changed places."""
    found: list[tuple[SeenTable, SeenTable, float]] = []
    strange = _strange(con, pairs)
    read: dict[str, dict[str, Hashes]] = {}
    # A table that still holds its own rows was not exchanged for another.
    held = {one.table.id: _own_share(con, one, now, read) for one, now in strange} if len(strange) > 1 else {}
    strange = [(one, now) for one, now in strange if (held.get(one.table.id) or 0) <= _MOST_HELD]
    for number, (one, one_now) in enumerate(strange):
        for two, two_now in strange[number + 1 :]:
            stays = _columns_alike(one, one_now) + _columns_alike(two, two_now)
            swaps = _columns_alike(one, two_now) + _columns_alike(two, one_now)
            if swaps < 1.2 or swaps < stays - 1e-9:
                continue
            shares = _row_share(con, one, two_now, read), _row_share(con, two, one_now, read)
            own = held[one.table.id], held[two.table.id]
            if None in shares or None in own:
                if swaps > stays + 0.8:
                    found += [(one, two_now, swaps / 2), (two, one_now, swaps / 2)]
                continue
            # Numbers of rows, and what refers to the other table, are in both anyway.
            least = max(0.3, *(o or 0 for o in own)) + 0.2
            if min(s or 0 for s in shares) >= least:
                found += [(one, two_now, round(shares[0] or 0, 3)), (two, one_now, round(shares[1] or 0, 3))]
    return found


def _own_share(
    con: duckdb.DuckDBPyConnection, one: SeenTable, now: SeenTable, read: dict[str, dict[str, Hashes]]
) -> float | None:
    """How many of its values a table still holds; of other columns, none: numbers of rows are in any table."""
    return _row_share(con, one, now, read) if _columns_alike(one, now) >= _LEAST_ALIKE else 0.0


def _strange(con: duckdb.DuckDBPyConnection, pairs: Pairs) -> Pairs:
    """Tables that may be another one: of other columns, or of none of their rows where others have such columns.

    One that still holds most of its rows, in the columns that it has at both times, was not exchanged.
    """
    signatures = [tuple(sorted(column.name for column in one.table.columns)) for one, _ in pairs]
    same, other = [], []
    for (one, two), signature in zip(pairs, signatures, strict=True):
        if {column.name for column in one.table.columns} != {column.name for column in two.table.columns}:
            other.append((one, two))
        elif signatures.count(signature) > 1 and one.rows and two.rows and _columns_alike(one, two) == 1.0:
            same.append((one, two))
    if len(same) + len(other) < 2:
        return []
    kept = _kept(con, [*same, *other])
    found = {one.table.id for one, _ in same if kept.get(one.table.id) == 0.0}
    found |= {one.table.id for one, _ in other if kept.get(one.table.id, 0.0) < _MOST_HELD}
    return [(one, two) for one, two in pairs if one.table.id in found]


def _kept(con: duckdb.DuckDBPyConnection, pairs: Pairs) -> dict[str, float]:
    """By id, the share of the smaller side's rows that are in both, by the columns that both have, if many do."""
    wanted = []
    for one, two in pairs:
        theirs = {(column.name, column.type) for column in two.table.columns}
        common = [column.name for column in one.table.columns if (column.name, column.type) in theirs]
        if one.rows and two.rows and len(common) >= max(2, 0.5 * len(one.table.columns)):
            wanted.append((one, two, ", ".join(map(quote, common))))
    found: dict[str, float] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        queries = [
            f"select {number} as place, (select count(*) from (select hash({listed}) as h from {one.rows}) "
            f"semi join (select hash({listed}) as h from {two.rows}) using (h)), "
            f"least((select count(*) from {one.rows}), (select count(*) from {two.rows}))"
            for number, (one, two, listed) in enumerate(part)
        ]
        counted = con.execute(" union all ".join(queries) + " order by place").fetchall()
        found |= {
            one.table.id: min(count / rows, 1.0) if rows else 0.0
            for (one, _, _), (_, count, rows) in zip(part, counted, strict=True)
        }
    return found


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
        f"select {number} as place, count(*), sum(hash(t)::hugeint), bit_xor(hash(t)) "
        f"from (select * from {rows}) as t"
        for number, rows in enumerate(relations)
    ]
    found = con.execute(" union all ".join(parts) + " order by place").fetchall()
    return [tuple(row[1:]) for row in found]
