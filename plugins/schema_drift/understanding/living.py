"""Tables that only live on: rows came, went and were updated, and nothing else happened. Told apart cheaply.

One query reads a hash of each row of many tables, a second one the values of a table that got rows. Whatever looks
strange is left to the full comparison; nothing is decided here but that there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import duckdb
import numpy as np
from numpy.typing import NDArray

from plugins.core.duck import quote
from plugins.schema_drift.table import SeenTable

from .dated import LEAST_MISFITS, date_formats, fits
from .reading import Hashes, shape_of
from .types import NUMBERS, TIMES, Family, read_type

Pairs = Sequence[tuple[SeenTable, SeenTable]]
_AT_ONCE = 40
_MOST_ROWS = 20_000
# Of the rows that exist at both times, how many are exactly as they were: then each column is, too.
_SETTLED = 0.98
_FEW_FRESH = 3
_ENOUGH = 20
_MOST_KINDS = 30
_WRITTEN_BEFORE, _WRITTEN_SINCE = 60, 12


@dataclass(frozen=True)
class _Rows:
    """Hashes of whole rows and of their keys, in the order in which the rows are read."""

    whole: Hashes
    key: Hashes


def living_on(con: duckdb.DuckDBPyConnection, pairs: Pairs) -> set[str]:
    """Ids of tables of which nothing is to be told; columns and keys must be declared the same at both times."""
    small = [pair for pair in pairs if _is_small(*pair)]
    found: set[str] = set()
    for start in range(0, len(small), _AT_ONCE):
        part = small[start : start + _AT_ONCE]
        hashed = _hashed(con, [side for pair in part for side in pair])
        for number, (one, two) in enumerate(part):
            old, new = hashed[2 * number], hashed[2 * number + 1]
            if np.array_equal(np.sort(old.whole), np.sort(new.whole)):
                found.add(one.table.id)
                continue
            fresh = _fresh(old, new, has_key=bool(one.table.key))
            if fresh is None:
                continue
            if len(fresh) < _FEW_FRESH or _is_usual(con, one, two, fresh):
                found.add(one.table.id)
    return found


def _is_small(one: SeenTable, two: SeenTable) -> bool:
    """Whether all rows may be looked at, and each column has a name of its own."""
    counted = [side.table.rows for side in (one, two)]
    names = {column.name.lower() for column in one.table.columns}
    is_few = all(rows is not None and rows <= _MOST_ROWS for rows in counted)
    return is_few and len(names) == len(one.table.columns) > 0


def _hashed(con: duckdb.DuckDBPyConnection, sides: Sequence[SeenTable]) -> list[_Rows]:
    queries = [
        f"select {number}::usmallint as n, hash({_listed(side)}) as w, "
        f"{f'hash({_listed(side, side.table.key)})' if side.table.key else '0::ubigint'} as k from {side.rows}"
        for number, side in enumerate(sides)
    ]
    read = con.execute(" union all ".join(queries)).fetchnumpy()
    number, whole, key = (np.asarray(read[name]) for name in ("n", "w", "k"))
    edges = np.searchsorted(number, np.arange(len(sides) + 1))
    if len(number) and (np.diff(number.astype(np.int32)) < 0).any():
        order = np.argsort(number, kind="stable")
        whole, key = whole[order], key[order]
        edges = np.searchsorted(number[order], np.arange(len(sides) + 1))
    return [_Rows(whole[a:b], key[a:b]) for a, b in pairwise(edges)]


def _listed(side: SeenTable, names: Sequence[str] | None = None) -> str:
    wanted = names if names is not None else [column.name for column in side.table.columns]
    return ", ".join(map(quote, wanted))


def _fresh(old: _Rows, new: _Rows, *, has_key: bool) -> Hashes | None:
    """Hashes of new and of changed rows; None: rows that exist at both times differ too much, or can't be told."""
    if not len(old.whole) or not len(new.whole):
        return None
    if not has_key:
        if not _among(old.whole, np.sort(new.whole)).all():
            return None
        return new.whole[~_among(new.whole, np.sort(old.whole))]
    first, second = np.argsort(old.key), np.argsort(new.key)
    if any((key[1:] == key[:-1]).any() for key in (old.key[first], new.key[second])):
        return None
    places = np.searchsorted(old.key, new.key, sorter=first).clip(max=len(first) - 1)
    partner = first[places]
    is_known = old.key[partner] == new.key
    if is_known.sum() < max(5, 0.5 * min(len(old.key), len(new.key))):
        return None
    is_same = old.whole[partner] == new.whole
    if is_same[is_known].mean() < _SETTLED:
        return None
    return new.whole[~is_known | ~is_same]


def _among(values: Hashes, ordered: Hashes) -> NDArray[np.bool_]:
    """Which values are among ordered ones. (`np.isin` takes ten times as long for so few.)"""
    places = np.searchsorted(ordered, values).clip(max=len(ordered) - 1)
    return ordered[places] == values


def _is_usual(con: duckdb.DuckDBPyConnection, one: SeenTable, two: SeenTable, fresh: Hashes) -> bool:
    """Whether new rows hold what old rows held: no number far out, no unknown kind, nothing written otherwise."""
    columns = [column for column in one.table.columns if column.name not in one.table.key]
    families = {column.name: read_type(column.type).family for column in columns}
    numbers = [c.name for c in columns if families[c.name] in NUMBERS]
    others = [c.name for c in columns if families[c.name] not in NUMBERS | TIMES]
    read = [f"{quote(name)}::double as x{n}" for n, name in enumerate(numbers)]
    read += [f"hash({quote(name)}) as h{n}" for n, name in enumerate(others)]
    if not read:
        return True
    before = con.execute(f"select {', '.join(read)} from {one.rows}").fetchnumpy()
    now = con.execute(f"select {', '.join(read)}, hash({_listed(two)}) as w from {two.rows}").fetchnumpy()
    is_fresh = _among(np.asarray(now["w"]), np.sort(fresh))
    for n in range(len(numbers)):
        if _is_far(_finite(before[f"x{n}"]), _finite(now[f"x{n}"][is_fresh])):
            return False
    unknown: list[str] = []
    texts: list[str] = []
    for n, name in enumerate(others):
        ours, theirs = np.sort(np.asarray(before[f"h{n}"])), np.asarray(now[f"h{n}"])[is_fresh]
        strange = ~_among(theirs, ours)
        if strange.sum() >= _FEW_FRESH and (ours[1:] != ours[:-1]).sum() < _MOST_KINDS:
            return False
        if families[name] is Family.TEXT and strange.sum() >= LEAST_MISFITS:
            texts.append(name)
        if strange.mean() >= 0.5 and families[name] is Family.TEXT:
            unknown.append(name)
    if texts and not _are_dates_alike(con, one, two, fresh, texts):
        return False
    return not unknown or len(fresh) < _ENOUGH or _is_written_alike(con, one, two, fresh, unknown)


def _are_dates_alike(
    con: duckdb.DuckDBPyConnection, one: SeenTable, two: SeenTable, fresh: Hashes, names: Sequence[str]
) -> bool:
    """Whether texts that are dates follow the same format in new rows."""
    read = ", ".join(f"{quote(name)}::varchar" for name in names)
    rows = con.execute(f"select {read} from {one.rows} limit {_WRITTEN_BEFORE}").fetchall()
    formats = {
        name: found
        for n, name in enumerate(names)
        if (found := date_formats([row[n] for row in rows if row[n] and row[n].strip()]))
    }
    if not formats:
        return True
    counted = ", ".join(f"count(*) filter (not {fits(quote(name), found)})" for name, found in formats.items())
    some = ", ".join(map(str, fresh))
    row = con.execute(f"select {counted} from {two.rows} where hash({_listed(two)}) in ({some})").fetchone()
    return row is None or max(row) < LEAST_MISFITS


def _is_far(before: NDArray[np.float64], fresh: NDArray[np.float64]) -> bool:
    if len(fresh) < _ENOUGH or len(before) < _ENOUGH:
        return False
    ordered = np.sort(before)
    low, high = ordered[int(0.05 * len(ordered))], ordered[int(0.95 * (len(ordered) - 1))]
    return bool((fresh > high).mean() > 0.2 or (fresh < low).mean() > 0.2)


def _is_written_alike(
    con: duckdb.DuckDBPyConnection, one: SeenTable, two: SeenTable, fresh: Hashes, names: Sequence[str]
) -> bool:
    read = ", ".join(f"{quote(name)}::varchar as t{n}" for n, name in enumerate(names))
    some = ", ".join(map(str, fresh[:: max(1, len(fresh) // _WRITTEN_SINCE)][:_ENOUGH]))
    rows = con.execute(
        f"(select true as b, {read} from {one.rows} limit {_WRITTEN_BEFORE}) union all "
        f"(select false, {read} from {two.rows} where hash({_listed(two)}) in ({some}))"
    ).fetchall()
    before, now = ([row[1:] for row in rows if row[0] is is_before] for is_before in (True, False))
    for n in range(len(names)):
        known = {shape_of(row[n]) for row in before if row[n] is not None}
        since = [row[n] for row in now if row[n] is not None]
        if since and sum(shape_of(text) in known for text in since) <= 0.5 * len(since):
            return False
    return True


def _finite(values: object) -> NDArray[np.float64]:
    filled = values.filled(np.nan) if isinstance(values, np.ma.MaskedArray) else values
    floats = np.asarray(filled, dtype=np.float64)
    return floats[np.isfinite(floats)]
