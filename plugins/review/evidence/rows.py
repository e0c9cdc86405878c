"""Row counts."""

from __future__ import annotations

from plugins.review.evidence.comparison import Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.sides import Sides, each_model


class RowCounts:
    """Changed: another number of rows."""

    kind = "rows"

    def collect(self, comparison: Comparison) -> list[Finding]:
        """One finding per model; always exact."""
        return each_model(self.kind, comparison, self._judge)

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
