"""Data tests and unit tests: do they pass at head, did they at base, and were any taken away?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome

_TESTS = ("test", "unit_test")
_BROKEN = ("fail", "error", "runtime error")


class Testing:
    """Failed: a test fails at head that did not at base. Changed: it failed before too, or it is gone."""

    kind = "tests"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding for each test that doesn't plainly pass, and one that counts the rest."""
        before = {r["id"]: r for r in change.built["base"].nodes if r["type"] in _TESTS}
        findings: list[Finding] = []
        passed: Counter[str] = Counter()
        skipped: list[str] = []
        for result in change.built["head"].nodes:
            if result["type"] not in _TESTS:
                continue
            if result["status"] == "skipped":
                skipped.append(result["name"])
                continue
            finding = self._judge(result, before.get(result["id"]))
            if finding is None:
                passed[result["type"]] += 1
            else:
                findings.append(finding)
        for test in sorted(change.changes.removed_tests):
            detail = "this test is gone: nothing holds the model to it any more"
            if _is_of_its_kind(change, test):
                detail = "this test has other arguments now"
            findings.append(self._finding(_name(change, test), Outcome.CHANGED, detail))
        if skipped:
            detail = f"{len(skipped)} tests did not run: what they test was not built"
            finding = self._finding("project", Outcome.NOT_CHECKED, detail, tests=skipped)
            findings.append(finding.model_copy(update={"checks": len(skipped)}))
        if passed:
            words = f"{passed['test']} data tests and {passed['unit_test']} unit tests passed"
            finding = self._finding("project", Outcome.PASSED, words)
            findings.append(finding.model_copy(update={"checks": passed.total()}))
        elif not findings:
            detail = "no test holds what this changes to anything"
            if not change.built["head"].plan.select:
                detail = "no test ran: nothing was built"
            findings.append(self._finding("project", Outcome.NOT_CHECKED, detail))
        return findings

    def _judge(self, result: Mapping[str, Any], before: Mapping[str, Any] | None) -> Finding | None:
        status, name = result["status"], result["name"]
        if status in ("pass", "success"):
            return None
        said = " ".join((result["message"] or "").split())[:500]
        if status == "warn":
            return self._finding(name, Outcome.CHANGED, f"warns: {said}", failures=result["failures"])
        if before is not None and before["status"] in _BROKEN:
            detail = f"fails, as it did at base ({before['failures']} → {result['failures']}): {said}"
            is_worse = (result["failures"] or 0) > (before["failures"] or 0)
            outcome = Outcome.FAILED if is_worse else Outcome.CHANGED
            return self._finding(name, outcome, detail, failures=result["failures"])
        return self._finding(name, Outcome.FAILED, said or "failed", failures=result["failures"])

    def _finding(self, subject: str, outcome: Outcome, detail: str, **facts: Any) -> Finding:
        return Finding(kind=self.kind, subject=subject, outcome=outcome, detail=detail, facts=facts)


def _is_of_its_kind(change: ReviewedChange, gone: str) -> bool:
    """Whether a test that is new does the same to the same node as one that is gone."""
    before = change.base.loaded.manifest.document["nodes"].get(gone)
    after = change.head.loaded.manifest.document["nodes"]
    new = (after[test] for test in change.changes.tests if test in after)
    return before is not None and any(_what(test) == _what(before) for test in new)


def _what(test: Mapping[str, Any]) -> tuple[Any, Any]:
    return (test.get("test_metadata") or {}).get("name"), (test.get("depends_on") or {}).get("nodes")


def _name(change: ReviewedChange, test: str) -> str:
    manifest = change.base.loaded.manifest.document
    entry = manifest["nodes"].get(test) or manifest.get("unit_tests", {}).get(test) or {}
    return entry.get("name") or test
