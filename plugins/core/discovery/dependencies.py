"""Functional dependencies worth knowing: rows that agree on one column agree on another, and not by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from plugins.core.discovery.look import Look
from plugins.core.discovery.profile import ColumnProfile, Dependency, Key

_MOST_DETERMINANTS = 80
_MOST = 60
# Columns times rows that are compared with each determinant.
_MOST_CELLS, _LEAST_COLUMNS = 1_500_000, 50
# Pairs of rows that may break one, of those that could.
_VIOLATIONS = 0.01
_LEAST_REPEATS, _LEAST_EXPECTED = 4, 4.0
_LEAST_CONFIDENCE = 0.5
# Columns with nearly as many values as rows determine everything, and that says nothing.
_MOST_DISTINCT = 0.7
_NEVER = frozenset({"json", "array", "map", "polymorphic", "binary", "empty", "free_text"})


def find_dependencies(
    looks: Sequence[Look], columns: Sequence[ColumnProfile], keys: Sequence[Key]
) -> tuple[Dependency, ...]:
    """Dependencies between single columns of a stream, surest first; not from keys, and none that others imply."""
    alone = {key.columns[0] for key in keys if len(key.columns) == 1}
    fit = [
        place
        for place, (look, column) in enumerate(zip(looks, columns, strict=True))
        if look.cells.kind == "scalar" and look.distinct > 1 and column.semantic.value not in _NEVER
    ]
    # Of very many columns those with the fewest values: the others are determined by anything.
    most = max(_LEAST_COLUMNS, _MOST_CELLS // max(1, looks[0].rows)) if looks else 0
    fit = sorted(sorted(fit, key=lambda place: looks[place].distinct)[:most])
    left = [number for number, place in enumerate(fit) if _may_determine(looks[place], columns[place], alone)]
    left = sorted(left, key=lambda number: -looks[fit[number]].distinct)[:_MOST_DETERMINANTS]
    if not left:
        return ()
    codes = np.ascontiguousarray(np.stack([looks[place].codes for place in fit]))
    # The chance that two rows agree on a column.
    agree = np.array([_chance(looks[place]) for place in fit])
    sure = np.zeros((len(fit), len(fit)))
    broken = np.zeros((len(fit), len(fit)), np.int64)
    for number in left:
        sure[number], broken[number] = _determined(codes, number, agree)
    kept = _not_implied(sure >= _LEAST_CONFIDENCE)
    best = sorted(zip(*np.nonzero(kept), strict=True), key=lambda pair: -sure[pair])[:_MOST]
    return tuple(
        _told(looks[fit[one]], columns[fit[one]].name, columns[fit[two]].name, float(sure[one, two]),
              int(broken[one, two]), bool(sure[two, one] >= _LEAST_CONFIDENCE))
        for one, two in best
    )  # fmt: skip


def _may_determine(look: Look, column: ColumnProfile, alone: set[str]) -> bool:
    return column.name not in alone and look.distinct <= _MOST_DISTINCT * look.filled and look.family != "float"


def _chance(look: Look) -> float:
    shares = np.append(look.counts, look.nulls) / look.rows
    return float((shares**2).sum())


def _determined(
    codes: NDArray[np.int32], number: int, agree: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """By column, how sure it is that column `number` determines it, and how many rows break that."""
    none = np.zeros(len(codes)), np.zeros(len(codes), np.int64)
    order = np.argsort(codes[number], kind="stable")
    order = order[codes[number][order] >= 0]
    groups = codes[number][order]
    within = np.flatnonzero(groups[1:] == groups[:-1])
    repeats = len(within)
    if repeats < _LEAST_REPEATS:
        return none
    ordered = codes[:, order]
    differ = (ordered[:, within + 1] != ordered[:, within]).sum(axis=1)
    expected = repeats * (1 - agree)
    fits = (differ <= 2 * _VIOLATIONS * repeats) & (expected >= _LEAST_EXPECTED)
    fits[number] = False
    sure, broken = none
    for place in np.flatnonzero(fits):
        broken[place] = _violations(groups, ordered[place]) if differ[place] else 0
    fits &= broken <= _VIOLATIONS * repeats
    sure[fits] = (0.97 * (1 - np.exp(-expected / 8)) * (1 - 20 * broken / len(order)))[fits]
    return sure, broken


def _violations(groups: NDArray[np.int32], values: NDArray[np.int32]) -> int:
    """Rows without their group's most frequent value: how many to leave out until it holds (g3)."""
    pairs, counts = np.unique(np.stack([groups, values]), axis=1, return_counts=True)
    most = np.zeros(int(groups.max()) + 1, np.int64)
    np.maximum.at(most, pairs[0], counts)
    return len(groups) - int(most.sum())


def _not_implied(holds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without what follows from two others, and of pairs that determine each other one."""
    one_way = holds & ~holds.T
    # From one to the middle and no way back, and from there on.
    through = one_way.astype(np.float32) @ holds.astype(np.float32) > 0
    mutual = holds & holds.T
    return (one_way & ~through) | np.triu(mutual)


def _told(look: Look, one: str, two: str, confidence: float, violations: int, is_mutual: bool) -> Dependency:
    but = f", but for {violations:,} rows" if violations else ""
    return Dependency(
        (one,), two, violations, round(confidence, 3),
        f"each of {look.distinct:,} values of `{one}` in {look.filled:,} rows comes with one `{two}`{but}",
        is_mutual,
    )  # fmt: skip
