"""Incremental models: does a second run over the same input leave the table as it is?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome


class IncrementalRun:
    """Failed: the incremental run breaks, or changes how many rows there are, and did not at base."""

    kind = "incremental"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding for each incremental model that was built."""
        before = {entry["node"]: entry for entry in change.built["base"].again}
        after = {entry["node"]: entry for entry in change.built["head"].again}
        findings = [self._judge(change, node, entry, before.get(node)) for node, entry in after.items()]
        for node in sorted(set(change.built["head"].plan.select) - after.keys()):
            resource = change.head.loaded.manifest.resources[node]
            if resource.materialized == "incremental":
                detail = "built as at a first run; a second one onto its table was not tried"
                findings.append(self._finding(change, node, Outcome.NOT_CHECKED, detail))
        return findings

    def _judge(
        self, change: ReviewedChange, node: str, entry: Mapping[str, Any], before: Mapping[str, Any] | None
    ) -> Finding:
        facts = {key: value for key, value in entry.items() if key != "node"}
        if entry["status"] != "success":
            is_new = before is None or before["status"] == "success"
            said = " ".join(entry["message"].split())[:300]
            detail = f"the incremental run breaks{'' if is_new else ', as it did at base'}: {said}"
            return self._finding(change, node, Outcome.FAILED if is_new else Outcome.CHANGED, detail, **facts)
        first, second = entry["rows"]
        if first == second and not entry["lost"] and not entry["new_columns"]:
            detail = f"a second, incremental run leaves its {first:,} rows as they are"
            return self._finding(change, node, Outcome.PASSED, detail, **facts)
        detail = f"a second, incremental run over the same input makes {first:,} rows {second:,}"
        if first == second:
            detail = f"a second, incremental run over the same input changes {entry['lost']:,} of {first:,} rows"
        if entry["new_columns"]:
            detail += f", and other columns: {', '.join(entry['new_columns'])}"
        if before is not None and before.get("rows", [0, 0])[0] != before.get("rows", [0, 0])[1]:
            return self._finding(change, node, Outcome.CHANGED, f"{detail}, as it did at base", **facts)
        return self._finding(change, node, Outcome.CHANGED if first == second else Outcome.FAILED, detail, **facts)

    def _finding(self, change: ReviewedChange, node: str, outcome: Outcome, detail: str, **facts: Any) -> Finding:
        return Finding(kind=self.kind, subject=change.name(node), outcome=outcome, detail=detail, facts=facts)
