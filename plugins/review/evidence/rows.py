"""Row counts."""

from __future__ import annotations

from plugins.review.evidence.comparison import Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.judging import each_model
from plugins.review.evidence.sides import Sides


class RowCounts:
    """Changed: another number of rows, or the model came or went."""

    kind = "rows"

    def collect(self, comparison: Comparison) -> list[Finding]:
        """One finding per model; always exact."""
        return each_model(self.kind, comparison, self._judge, self._tell)

    def _judge(self, sides: Sides) -> list[Finding]:
        before, after = sides.counts
        difference = after - before
        share = f", {difference / before:+.2%}" if before else ""
        same = f"{after:,} rows, as before"
        return [
            Finding(
                kind=self.kind,
                subject=sides.model.name,
                outcome=Outcome.CHANGED if difference else Outcome.PASSED,
                detail=f"{before:,} → {after:,} rows ({difference:+,}{share})" if difference else same,
                facts={"base": before, "head": after},
            )
        ]

    def _tell(self, sides: Sides, side: str) -> Finding:
        """The rows of a model that is on one side only."""
        count = max(sides.counts)
        columns = sides.head_columns if side == "head" else sides.base_columns
        words = "new:" if side == "head" else "removed: it had"
        return Finding(
            kind=self.kind,
            subject=sides.model.name,
            outcome=Outcome.CHANGED,
            detail=f"{words} {count:,} rows, {len(columns)} columns",
            facts={"base": None, "head": None, side: count},
        )
