"""The result of a review: findings, and the verdict that follows from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.git import ChangedFile

# What `--fail-on` takes, from the strictest to none.
FAIL_ON = ("not-checked", "changed", "failed", "never")


@dataclass(frozen=True)
class Review:
    """Everything that was found out about a change. `change` is None if no dbt file differs.

    base, head: the refs that were asked for. production: what the sandbox deferred to.
    diagram: mermaid, of the changed columns and what they reach.
    """

    project: str
    base: str
    head: str
    base_commit: str
    head_commit: str
    files: tuple[ChangedFile, ...]
    findings: tuple[Finding, ...] = ()
    change: ReviewedChange | None = None
    production: str = ""
    diagram: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def counts(self) -> Counter[Outcome]:
        """Findings by outcome."""
        return Counter(finding.outcome for finding in self.findings)

    @property
    def outcome(self) -> Outcome:
        """The verdict: failed if an executed fact failed, else changed if anything differs, else passed."""
        for outcome in (Outcome.FAILED, Outcome.CHANGED, Outcome.PASSED):
            if self.counts[outcome]:
                return outcome
        return Outcome.NOT_CHECKED if self.findings else Outcome.PASSED

    @property
    def not_checked(self) -> float:
        """The share of single checks that were not made, 0..1."""
        total = sum(finding.checks for finding in self.findings)
        missing = sum(f.checks for f in self.findings if f.outcome is Outcome.NOT_CHECKED)
        return missing / total if total else 0.0

    def fails(self, fail_on: str, max_not_checked: float) -> str | None:
        """Why the command should exit with 1, or None. fail_on: one of `FAIL_ON`."""
        if fail_on == "never":
            return None
        if self.counts[Outcome.FAILED]:
            return f"findings that failed: {self.counts[Outcome.FAILED]}"
        if fail_on in ("changed", "not-checked") and self.counts[Outcome.CHANGED]:
            return f"findings of changes: {self.counts[Outcome.CHANGED]}"
        if fail_on == "not-checked" and self.counts[Outcome.NOT_CHECKED]:
            return f"what was not checked: {self.counts[Outcome.NOT_CHECKED]}"
        if self.not_checked > max_not_checked:
            return f"{self.not_checked:.0%} of the evidence was not checked (limit: {max_not_checked:.0%})"
        return None

    def document(self) -> dict[str, Any]:
        """The review as JSON."""
        found: dict[str, Any] = {
            "project": self.project,
            "base": self.base,
            "head": self.head,
            "base_commit": self.base_commit,
            "head_commit": self.head_commit,
            "verdict": str(self.outcome),
            "not_checked": round(self.not_checked, 4),
            "counts": {str(outcome): self.counts[outcome] for outcome in Outcome},
            "files": [{"status": f.status, "path": f.path, "old_path": f.old_path} for f in self.files],
            "production": self.production,
            "notes": list(self.notes),
            "findings": [finding.model_dump(mode="json") for finding in self.findings],
            "seconds": round(self.seconds, 2),
        }
        if self.change is not None:
            selection = self.change.selection
            found["built"] = sorted(selection.nodes)
            found["models_using"] = len(selection.touched)
            found["models_downstream"] = len(selection.downstream)
            found["diagram"] = self.diagram
        return found
