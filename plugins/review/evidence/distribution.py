"""Distributions: does a column look different as a whole?

By the population stability index over ten bins of base's quantiles, or base's most frequent texts, and one
bin for nulls (Siddiqi, Credit Risk Scorecards, 2006: below 0.1 no shift, above 0.25 a large one).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plugins.core.duck import literal, quote
from plugins.review.evidence.comparison import Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.sides import Column, Sides, each_model, is_number

SHIFT = 0.1
_QUANTILES = [n / 10 for n in range(1, 10)]
_CATEGORIES = 20
_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
# A bin that is empty on one side would make the index infinite.
_SMALLEST_SHARE = 1e-4


class DistributionShift:
    """Changed: a column's distribution moved by more than `SHIFT`."""

    kind = "distribution"

    def collect(self, comparison: Comparison) -> list[Finding]:
        """One finding per model; models that are the same row by row are not measured."""
        return each_model(self.kind, comparison, self._judge)

    def _judge(self, sides: Sides) -> list[Finding]:
        if sides.is_identical:
            return [self._finding(sides, Outcome.PASSED, "the same rows, so the same distributions", {})]
        if not all(sides.counts):
            return [self._finding(sides, Outcome.NOT_CHECKED, "one side has no rows", {})]
        shifts = {c.head: round(shift, 4) for c in sides.common if (shift := _shift(sides, c)) is not None}
        if not shifts:
            skipped = ", ".join(f"{column.head} ({column.head_type})" for column in sides.common[:8])
            detail = f"no column is of a type that is measured: {skipped}"
            return [self._finding(sides, Outcome.NOT_CHECKED, detail, {})]
        moved = {name: shift for name, shift in shifts.items() if shift > SHIFT}
        if not moved:
            detail = f"{len(shifts)} columns, none moved by more than {SHIFT} (PSI)"
            return [self._finding(sides, Outcome.PASSED, detail, shifts)]
        told = ", ".join(f"{name} {shift:.2f}" for name, shift in sorted(moved.items(), key=lambda s: -s[1])[:8])
        return [self._finding(sides, Outcome.CHANGED, f"moved by more than {SHIFT} (PSI): {told}", shifts)]

    def _finding(self, sides: Sides, outcome: Outcome, detail: str, shifts: dict[str, float]) -> Finding:
        return Finding(
            kind=self.kind,
            subject=sides.model.name,
            outcome=outcome,
            detail=detail,
            facts={"psi": shifts},
            is_exact=sides.one_in == 1,
        )


def _shift(sides: Sides, column: Column) -> float | None:
    if column.is_retyped:
        return None
    if is_number(column.head_type) or column.head_type in _TIMES:
        bins = _quantile_bins(sides, column)
    elif column.head_type in ("VARCHAR", "BOOLEAN"):
        bins = _category_bins(sides, column)
    else:
        return None
    before = _shares(sides, "base", column.base, bins)
    after = _shares(sides, "head", column.head, bins)
    return sum((a - b) * math.log(a / b) for b, a in zip(before, after, strict=True))


def _quantile_bins(sides: Sides, column: Column) -> list[str]:
    edges = sides.con.execute(
        f"select list_distinct(quantile_disc({quote(column.base)}, {_QUANTILES}))::varchar[] "
        f"from {sides.rows('base')}"
    ).fetchall()[0][0]
    typed = [f"{literal(edge)}::{column.base_type}" for edge in edges or ()]
    ordered = sides.con.execute(f"select list_sort([{', '.join(typed)}])::varchar[]").fetchall()[0][0]
    if not typed:
        return []
    bounds = [f"{literal(edge)}::{column.base_type}" for edge in ordered]
    # What lies below everything that base had is a bin of its own; above the last edge is the rest.
    lowest = sides.con.execute(f"select min({quote(column.base)})::varchar from {sides.rows('base')}").fetchall()[
        0
    ][0]
    return [f"value < {literal(lowest)}::{column.base_type}", *(f"value <= {bound}" for bound in bounds)]


def _category_bins(sides: Sides, column: Column) -> list[str]:
    rows = sides.con.execute(
        f"select {quote(column.base)}::varchar as value from {sides.rows('base')} where value is not null "
        f"group by 1 order by count(*) desc, 1 limit {_CATEGORIES}"
    ).fetchall()
    return [f"value::varchar = {literal(value)}" for (value,) in rows]


def _shares(sides: Sides, side: str, name: str, bins: Sequence[str]) -> list[float]:
    """Shares of nulls, of each bin (the first that fits), and of the rest."""
    position = " ".join(f"when {condition} then {n + 1}" for n, condition in enumerate(bins))
    place = f"case when value is null then 0 {position} else {len(bins) + 1} end"
    values = f"(select {quote(name)} as value from {sides.rows(side)})"
    rows: list[tuple[Any, ...]] = sides.con.execute(
        f"select {place} as place, count(*) from {values} group by 1"
    ).fetchall()
    counts = dict(rows)
    total = sum(counts.values()) or 1
    return [max(counts.get(n, 0) / total, _SMALLEST_SHARE) for n in range(len(bins) + 2)]
