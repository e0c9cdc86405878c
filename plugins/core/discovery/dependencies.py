"""Functional dependencies worth knowing: rows that agree on one column agree on another, and not by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from plugins.core.discovery.look import Look
from plugins.core.discovery.profile import ColumnProfile, Dependency, Key

_MOST_DETERMINANTS = 80
_MOST = 60
# Rows that may break one, of those that could.
_VIOLATIONS = 0.01
_LEAST_EXPECTED = 4.0
_LEAST_CONFIDENCE = 0.5
_NEVER = frozenset({"json", "array", "map", "polymorphic", "binary", "empty", "free_text"})


def find_dependencies(
    looks: Sequence[Look], columns: Sequence[ColumnProfile], keys: Sequence[Key]
) -> tuple[Dependency, ...]:
    """Dependencies between single columns of a stream, surest first; not from keys, and none that others imply."""
    rows = looks[0].rows if looks else 0
    alone = {key.columns[0] for key in keys if len(key.columns) == 1}
    fit = [
        place
        for place, (look, column) in enumerate(zip(looks, columns, strict=True))
        if look.cells.kind == "scalar" and look.distinct > 1 and column.semantic.value not in _NEVER
    ]
    left = [
        p
        for p in fit
        if columns[p].name not in alone
        and looks[p].distinct <= 0.7 * looks[p].filled
        and looks[p].family != "float"
    ]
    left = sorted(left, key=lambda p: -looks[p].distinct)[:_MOST_DETERMINANTS]
    if not left or rows < 4:
        return ()
    codes = np.ascontiguousarray(np.stack([looks[p].codes for p in fit]))
    # The chance that two rows agree on a column.
    agree = np.array([_chance(looks[p]) for p in fit])
    found: dict[tuple[int, int], Dependency] = {}
    for p in left:
        for target, dependency in _determined_by(p, looks[p], codes, agree, fit, columns):
            found[p, target] = dependency
    return tuple(sorted(_without_implied(found, looks), key=lambda one: -one.confidence)[:_MOST])


def _chance(look: Look) -> float:
    shares = np.append(look.counts, look.nulls) / look.rows
    return float((shares**2).sum())


def _determined_by(place, look, codes, agree, fit, columns):  # noqa: ANN
    order = np.argsort(look.codes, kind="stable")
    order = order[look.codes[order] >= 0]
    groups = look.codes[order]
    within = groups[1:] == groups[:-1]
    chances = int(within.sum())
    if chances < 4:
        return
    ordered = codes[:, order]
    differ = ((ordered[:, 1:] != ordered[:, :-1]) & within).sum(axis=1)
    expected = chances * (1 - agree)
    for number in np.flatnonzero((differ <= 2 * _VIOLATIONS * chances) & (expected >= _LEAST_EXPECTED)):
        target = fit[number]
        if target == place:
            continue
        violations = _violations(groups, ordered[number]) if differ[number] else 0
        if violations > _VIOLATIONS * chances:
            continue
        confidence = 0.97 * (1 - math.exp(-expected[number] / 8)) * (1 - 20 * violations / len(order))
        if confidence >= _LEAST_CONFIDENCE:
            broken = f", but for {violations:,} rows" if violations else ""
            yield target, Dependency(
                (columns[place].name,), columns[target].name, violations, round(float(confidence), 3),
                f"{look.distinct:,} values of `{columns[place].name}` in {len(order):,} rows have one `{columns[target].name}` "
                f"each{broken}; by chance {expected[number]:,.0f} of {chances:,} repeats would differ",
            )  # fmt: skip


def _violations(groups: np.ndarray, values: np.ndarray) -> int:
    """Rows that don't have their group's most frequent value: how many to leave out until it holds (g3)."""
    _, inverse, counts = np.unique(np.stack([groups, values]), axis=1, return_inverse=True, return_counts=True)
    pairs = np.unique(np.stack([groups, values]), axis=1)
    most = np.zeros(int(groups.max()) + 1, np.int64)
    np.maximum.at(most, pairs[0], counts)
    return len(groups) - int(most.sum())


def _without_implied(found: dict[tuple[int, int], Dependency], looks: Sequence[Look]) -> list[Dependency]:
    """Without what follows from two others, and of pairs that determine each other one."""
    from dataclasses import replace

    kept = []
    for (one, two), dependency in found.items():
        back = (two, one) in found
        if back and (one > two):
            continue
        if not back and any(
            (one, middle) in found and (middle, two) in found and (middle, one) not in found
            for middle in range(len(looks))
            if middle not in (one, two)
        ):
            continue
        kept.append(replace(dependency, is_mutual=back))
    return kept
