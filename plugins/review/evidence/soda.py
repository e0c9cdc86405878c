"""Soda contracts: does what was built hold, as it did at base?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.core.errors import SmeltError
from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.masking import mask
from plugins.review.keys import find_pii
from plugins.review.sandbox.session import Compiled
from plugins.review.sandbox.soda import read_contracts

_BROKEN = ("failed", "not_evaluated")


class SodaContracts:
    """Failed: a check fails at head that held at base. Changed: it failed before too, warns, or is gone."""

    kind = "contract"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding for each check that doesn't plainly hold, and one that counts the others."""
        malformed = {name: _malformed(side) for name, side in (("base", change.base), ("head", change.head))}
        if said := malformed["head"]:
            outcome = Outcome.CHANGED if malformed["base"] else Outcome.FAILED
            return [Finding(kind=self.kind, subject="contracts", outcome=outcome, detail=said)]
        before = {_name(check): check for check in change.built["base"].contracts}
        after = {_name(check): check for check in change.built["head"].contracts}
        findings = [self._judge(change, check, before.get(name)) for name, check in after.items()]
        found = [finding for finding in findings if finding is not None]
        built = change.selection.nodes & change.head.loaded.manifest.resources.keys()
        for name, check in before.items():
            if name not in after and check["node"] in built:
                detail = f"no longer promised: {check['message']}"
                found.append(self._finding(change, check, Outcome.CHANGED, detail))
        if held := len(after) - sum(finding is not None for finding in findings):
            detail = f"{held} checks of Soda contracts hold"
            found.append(
                Finding(kind=self.kind, subject="contracts", outcome=Outcome.PASSED, detail=detail, checks=held)
            )
        return found

    def _judge(
        self, change: ReviewedChange, check: Mapping[str, Any], before: Mapping[str, Any] | None
    ) -> Finding | None:
        message = check["message"]
        if check["outcome"] == "passed":
            return None
        if check["outcome"] == "warned":
            return self._finding(change, check, Outcome.CHANGED, f"warns: {message}")
        if before is not None and before["outcome"] in _BROKEN:
            return self._finding(change, check, Outcome.CHANGED, f"fails, as it did at base: {message}")
        return self._finding(change, check, Outcome.FAILED, message)

    def _finding(self, change: ReviewedChange, check: Mapping[str, Any], outcome: Outcome, detail: str) -> Finding:
        pii = find_pii(change.head.loaded.manifest, check["node"])
        samples = tuple(
            {column: mask(value, column, column.lower() in pii) for column, value in row.items()}
            for row in check.get("rows", ())[:5]
        )
        facts = {key: check.get(key) for key in ("contract", "line", "type", "column", "value", "broken_share")}
        return Finding(
            kind=self.kind,
            subject=change.name(check["node"]) if check["node"] else "contracts",
            outcome=outcome,
            detail=f"{check['contract']}: {detail}",
            facts=facts,
            samples=samples,
        )


def _malformed(side: Compiled) -> str | None:
    try:
        read_contracts(side.side.project.folder)
    except SmeltError as error:
        return error.message.replace(f"{side.side.project.folder}/", "")
    return None


def _name(check: Mapping[str, Any]) -> tuple[Any, ...]:
    return (check["node"], check.get("contract"), check.get("column"), check.get("type"), check.get("name"))
