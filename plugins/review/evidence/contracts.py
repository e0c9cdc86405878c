"""dbt contracts: are they kept, weakened or taken away?"""

from __future__ import annotations

from collections.abc import Mapping

from plugins.core.project import Resource
from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome


class Contracts:
    """Failed: an enforced contract does not hold at head. Changed: what it promises differs from base."""

    kind = "contract"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding for each contract that differs or breaks, and one that counts those that hold."""
        results = {r["id"]: r for r in change.built["head"].nodes}
        before, after = (side.loaded.manifest.resources for side in (change.base, change.head))
        findings: list[Finding] = []
        held = 0
        for node in sorted(change.selection.nodes | change.changes.removed):
            old, new = before.get(node), after.get(node)
            if old is not None and old.is_contracted:
                promise = _difference(old, new)
                if promise:
                    findings.append(self._finding(old.name, Outcome.CHANGED, promise))
            if new is None or not new.is_contracted:
                continue
            result = results.get(node)
            if result is None or result["status"] == "skipped":
                findings.append(self._finding(new.name, Outcome.NOT_CHECKED, "the model was not built"))
            elif result["status"] == "success":
                held += 1
            elif "contract" in (result["message"] or "").lower():
                findings.append(self._finding(new.name, Outcome.FAILED, _mismatch(result["message"])))
        if held:
            findings.append(self._finding("project", Outcome.PASSED, f"{held} enforced contracts hold"))
        return findings

    def _finding(self, subject: str, outcome: Outcome, detail: str) -> Finding:
        return Finding(kind=self.kind, subject=subject, outcome=outcome, detail=detail)


def _mismatch(message: str) -> str:
    """The rows of dbt's table of differences, or its first lines."""
    rows = [
        line.strip(" |") for line in message.splitlines() if line.strip().startswith("|") and "---" not in line
    ]
    cells = [[cell.strip() for cell in row.split("|")] for row in rows[1:]]
    told = [f"{c[0]} is {c[1]}, promised {c[2]} ({c[3]})" for c in cells if len(c) == 4]
    return "; ".join(told) or " ".join(message.split())[:300]


def _difference(old: Resource, new: Resource | None) -> str:
    if new is None:
        return "the model and its contract are gone"
    if not new.is_contracted:
        return "the contract is no longer enforced"
    before, after = _lower(old.columns), _lower(new.columns)
    parts = [f"no longer promises {c}" for c in before if c not in after]
    parts += [f"promises {c} too" for c in after if c not in before]
    parts += [f"{c}: {before[c]} → {after[c]}" for c in before if c in after and before[c] != after[c]]
    return "; ".join(parts)


def _lower(columns: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name.lower(): (kind or "").lower() or None for name, kind in columns.items()}
