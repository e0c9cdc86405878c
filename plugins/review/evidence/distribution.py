"""Distributions: does a column look different as a whole?

By the population stability index (Siddiqi, Credit Risk Scorecards, 2006: below 0.1 no shift, above 0.25 a large
one). Numbers and points in time have ten bins between base's quantiles, and one each for what lies below and above
everything that base had; texts have one for each of base's most frequent and one for the rest; all have one for
nulls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plugins.review.evidence.columns import Column
from plugins.review.evidence.comparison import Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.judging import each_model, say
from plugins.review.evidence.keys import no_rows
from plugins.review.evidence.masking import mask
from plugins.review.evidence.measuring import Measured, find_bins, find_one_in, measure
from plugins.review.evidence.sides import Sides

SHIFT = 0.1
_TOLD = 8
# A bin that is empty on one side would make the index infinite.
_SMALLEST_SHARE = 1e-4


class DistributionShift:
    """Changed: a column's distribution moved by more than `SHIFT`."""

    kind = "distribution"

    def collect(self, comparison: Comparison) -> list[Finding]:
        """One finding per model; columns that are the same row by row are not measured."""
        return each_model(self.kind, comparison, self._judge)

    def _judge(self, sides: Sides) -> list[Finding]:
        reason = _not_measurable(sides)
        if reason is not None:
            return [say(sides, self.kind, Outcome.NOT_CHECKED, reason)]
        if sides.is_identical:
            return [say(sides, self.kind, Outcome.PASSED, "the same rows, so the same distributions")]
        same = _same_columns(sides)
        kinds = {c: c.measured("head") for c in sides.common if c not in same}
        measured = [column for column, kind in kinds.items() if kind is not None]
        skipped = [f"{c.head} ({c.head_type})" for c, kind in kinds.items() if kind is None]
        if not measured and not same:
            detail = f"no column is of a type that is measured: {', '.join(skipped[:_TOLD])}"
            return [say(sides, self.kind, Outcome.NOT_CHECKED, detail, {"not_measured": skipped})]
        found = _measure(sides, measured)
        if found and not all(one.rows for pair in found.values() for one in pair):
            return [say(sides, self.kind, Outcome.NOT_CHECKED, no_rows(sides))]
        shifts = {c.head: 0.0 if c in same else _index(*found[c]) for c in sides.common if c in same or c in found}
        facts = {"psi": shifts, "not_measured": skipped, "columns": _facts(sides, found)}
        return [self._compare(sides, shifts, skipped, facts)]

    def _compare(
        self, sides: Sides, shifts: dict[str, float], skipped: Sequence[str], facts: dict[str, Any]
    ) -> Finding:
        moved = {name: shift for name, shift in shifts.items() if shift > SHIFT}
        left_out = f"; not measured: {', '.join(skipped[:_TOLD])}" if skipped else ""
        part = find_one_in(sides) if facts["columns"] else sides.one_in
        if not moved:
            detail = f"{len(shifts)} columns, none moved by more than {SHIFT} (PSI){left_out}"
            return say(sides, self.kind, Outcome.PASSED, detail, facts, checks=len(shifts), one_in=part)
        largest = sorted(moved.items(), key=lambda item: -item[1])[:_TOLD]
        told = ", ".join(f"{name} {shift:.2f}" for name, shift in largest)
        detail = f"moved by more than {SHIFT} (PSI): {told}{left_out}"
        return say(sides, self.kind, Outcome.CHANGED, detail, facts, checks=len(shifts), one_in=part)


def _not_measurable(sides: Sides) -> str | None:
    if not sides.common:
        return "base and head have no column in common"
    empty = [side for side, count in zip(("base", "head"), sides.counts, strict=True) if not count]
    return f"{' and '.join(empty)} {'have' if len(empty) > 1 else 'has'} no rows" if empty else None


def _same_columns(sides: Sides) -> frozenset[Column]:
    """Columns whose values are the same row by row, so that their distributions are."""
    if not sides.key or sides.matching.changed is None or sides.matching.added or sides.matching.removed:
        return frozenset()
    return frozenset(column for column in sides.common if column not in sides.matching.changed)


def _measure(sides: Sides, columns: Sequence[Column]) -> dict[Column, tuple[Measured, Measured]]:
    if not columns:
        return {}
    bins = find_bins(sides, columns)
    before, after = (measure(sides, side, columns, bins) for side in ("base", "head"))
    return {column: (before[column], after[column]) for column in columns}


def _index(before: Measured, after: Measured) -> float:
    shares = zip(_shares(before), _shares(after), strict=True)
    return round(sum((a - b) * math.log(a / b) for b, a in shares), 4)


def _shares(measured: Measured) -> list[float]:
    return [max(count / measured.rows, _SMALLEST_SHARE) for count in measured.bins]


def _facts(sides: Sides, found: dict[Column, tuple[Measured, Measured]]) -> dict[str, Any]:
    return {
        column.head: {
            side: {
                "nulls": round(one.nulls / one.rows, 6),
                "distinct": one.distinct,
                **{name: _shown(sides, column, value) for name, value in one.range.items()},
            }
            for side, one in zip(("base", "head"), pair, strict=True)
        }
        for column, pair in found.items()
    }


def _shown(sides: Sides, column: Column, value: Any) -> Any:
    return mask(value, column.head, column.head.lower() in sides.model.pii)
