"""Does every model compile, and does every changed one build?"""

from __future__ import annotations

from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome

_TABLES = ("model", "seed", "snapshot")


class Compiling:
    """Failed: a model does not compile or build at head. Not checked: what it reads is not there."""

    kind = "compile"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding per model that fails or can't be built, and one for all that went well."""
        head = change.built["head"]
        findings = [self._broken(change, node, reason) for node, reason in change.head.failed.items()]
        if head.error is not None:
            findings.append(self._finding("build", Outcome.FAILED, head.error))
        for node, reason in head.plan.unbuilt.items():
            findings.append(self._finding(change.name(node), Outcome.NOT_CHECKED, reason))
        good = 0
        for result in head.nodes:
            if result["type"] not in _TABLES:
                continue
            if result["status"] == "success":
                good += 1
            elif result["status"] == "skipped":
                detail = "not built: something that it reads failed"
                findings.append(self._finding(result["name"], Outcome.NOT_CHECKED, detail))
            else:
                findings.append(self._broken(change, result["id"], result["message"]))
        compiled = sum(r.sql is not None for r in change.head.loaded.manifest.resources.values())
        detail = f"{compiled} models compile, {good} built in the sandbox in {head.seconds:.1f} s"
        findings.append(self._finding("project", Outcome.PASSED, detail))
        return findings

    def _broken(self, change: ReviewedChange, node: str, reason: str) -> Finding:
        """A model that is broken at base as well is no fault of the change."""
        message = _first_lines(reason)
        was_broken = node in change.base.failed or any(
            result["id"] == node and result["status"] not in ("success", "skipped")
            for result in change.built["base"].nodes
        )
        if was_broken:
            return self._finding(change.name(node), Outcome.CHANGED, f"broken at base too: {message}")
        return self._finding(change.name(node), Outcome.FAILED, message)

    def _finding(self, subject: str, outcome: Outcome, detail: str) -> Finding:
        return Finding(kind=self.kind, subject=subject, outcome=outcome, detail=detail)


def _first_lines(message: str, lines: int = 4) -> str:
    """What dbt says first; its tables and call stacks are left to the log."""
    kept = [line.strip() for line in message.strip().splitlines() if line.strip()]
    return " ".join(line for line in kept[:lines] if not line.startswith(("|", ">")))
