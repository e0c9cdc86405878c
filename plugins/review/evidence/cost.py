"""What building costs: seconds per model at base and head, built from the same inputs at the same time."""

from __future__ import annotations

from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome

# Two builds at once on a busy machine differ by so much without a reason.
_NOISE_SECONDS = 1.0
_NOISE_RATIO = 1.5


class Cost:
    """Changed: a model takes clearly longer, or clearly less, than at base."""

    kind = "cost"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding per model whose time differs clearly, and one for all."""
        before, after = (_seconds(change, side) for side in ("base", "head"))
        if not after:
            return [self._finding("project", Outcome.NOT_CHECKED, "no model was built at head")]
        findings = [
            self._finding(change.name(node), Outcome.CHANGED, f"{before[node]:.1f} → {seconds:.1f} s")
            for node, seconds in sorted(after.items())
            if node in before and _differs(before[node], seconds)
        ]
        common = before.keys() & after.keys()
        total = [sum(times[node] for node in common) for times in (before, after)]
        outcome = Outcome.CHANGED if _differs(*total) else Outcome.PASSED
        detail = f"{len(common)} models: {total[0]:.1f} s at base, {total[1]:.1f} s at head"
        facts = {"base_seconds": round(total[0], 3), "head_seconds": round(total[1], 3)}
        findings.append(self._finding("project", outcome, detail, **facts))
        return findings

    def _finding(self, subject: str, outcome: Outcome, detail: str, **facts: float) -> Finding:
        return Finding(kind=self.kind, subject=subject, outcome=outcome, detail=detail, facts=facts)


def _seconds(change: ReviewedChange, side: str) -> dict[str, float]:
    built = (r for r in change.built[side].nodes if r["type"] == "model" and r["status"] == "success")
    return {result["id"]: result["seconds"] for result in built}


def _differs(before: float, after: float) -> bool:
    small, large = sorted((before, after))
    return large - small > _NOISE_SECONDS and large > small * _NOISE_RATIO
