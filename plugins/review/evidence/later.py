"""What happens once a change is merged: to tables that go on from what is there, and to each row of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome

_FAILING = ("fail", "error", "runtime error")


class History:
    """Changed: an incremental model or snapshot, continued on base's table, is not as one that is built anew; or a
    data test fails on rows that were left out of the comparison.
    """

    kind = "history"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding for each of them; none in a review whose sources did not change."""
        if change.later is None:
            return []
        if change.later.error is not None:
            detail = f"head could not be built on all that its sources hold: {change.later.error}"
            return [self._finding("project", Outcome.NOT_CHECKED, detail)]
        known = _broken_at_head(change)
        found = [
            self._finding(
                change.name(node),
                Outcome.FAILED,
                f"it does not build on all that the sources hold: {' '.join(reason.split())[:300]}",
            )
            for node, reason in change.later.failed.items()
            if node not in known
        ]
        return found + [self._judge(change, entry) for entry in change.later.continued] + self._tested(change)

    def _tested(self, change: ReviewedChange) -> list[Finding]:
        """Data tests on the rows that no side has read: those that fail there alone, and how many pass."""
        tests = [one for one in change.later.tests if _is_of_one_time(change, one["id"])] if change.later else []
        known = {one["id"] for one in change.built["head"].nodes if one["status"] in ("fail", "error")}
        found = []
        for one in tests:
            if one["status"] not in ("pass", "warn", "skipped") and one["id"] not in known:
                said = " ".join((one["message"] or "").split())[:300]
                detail = f"this test fails on all rows as they are now, and not on those compared: {said}"
                facts = {"failures": one["failures"]}
                found.append(
                    Finding(
                        kind=self.kind, subject=one["name"], outcome=Outcome.CHANGED, detail=detail, facts=facts
                    )
                )
        passed = sum(one["status"] == "pass" for one in tests)
        if passed:
            detail = f"{passed} data {'test passes' if passed == 1 else 'tests pass'} on all rows as they are now"
            found.append(Finding(kind=self.kind, subject="project", outcome=Outcome.PASSED, detail=detail))
        return found

    def _judge(self, change: ReviewedChange, entry: Mapping[str, Any]) -> Finding:
        outcome, detail = _continued(entry)
        facts = {key: value for key, value in entry.items() if key not in ("node", "message")}
        return self._finding(change.name(entry["node"]), outcome, detail, **facts)

    def _finding(self, subject: str, outcome: Outcome, detail: str, **facts: Any) -> Finding:
        return Finding(kind=self.kind, subject=subject, outcome=outcome, detail=detail, facts=facts)


def _is_of_one_time(change: ReviewedChange, test: str) -> bool:
    """Whether all that a test reads was built there: a table of production is as old as its last build."""
    manifest = change.head.loaded.manifest
    parents = manifest.document["nodes"].get(test, {}).get("depends_on", {}).get("nodes", ())
    built = change.later.built if change.later is not None else frozenset()
    return all(one in built or one in manifest.document["sources"] for one in parents)


def _broken_at_head(change: ReviewedChange) -> set[str]:
    """What fails on the rows compared is told of there."""
    return {one["id"] for one in change.built["head"].nodes if one["status"] in _FAILING}


def _continued(entry: Mapping[str, Any]) -> tuple[Outcome, str]:
    said = " ".join(entry["message"].split())[:300]
    if entry["status"] == "absent":
        return Outcome.NOT_CHECKED, said
    if entry["status"] != "success":
        return Outcome.FAILED, f"the run onto the table that is there breaks: {said}"
    late, missing = entry["late"], entry["missing"] - entry["late"]
    parts = []
    if entry["columns"]:
        parts.append(f"other columns ({', '.join(entry['columns'][:8])})")
    if missing or entry["extra"]:
        parts.append(f"{missing:,} rows are missing and {entry['extra']:,} are too many")
    if entry["closed"]:
        parts.append(f"{entry['closed']:,} versions were closed though nothing changed at the source")
    if parts:
        return (
            Outcome.CHANGED,
            f"continued on the table that is there: {'; '.join(parts)}; a full refresh is needed",
        )
    detail = f"continued on the sandbox's table of before, its {entry['rows'][1]:,} rows are as if built anew"
    if late:
        detail += f", but for {late:,} that are older than what it looks at (so they are without this change)"
    # What production took of the change before it was patched is in no sandbox.
    return Outcome.PASSED, f"{detail}: nothing to backfill, unless it was built since the change came"


class Accounting:
    """Failed: bronze is not the sum of silver, quarantined, superseded and deleted rows."""

    kind = "accounting"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding for each source that changed; none in a review whose sources did not change."""
        if change.sources is None or change.sources.later is None:
            return []
        later = change.later
        if later is None or later.accounting is None:
            detail = "the project has no row accounting of what changed"
            return [self._finding("project", Outcome.NOT_CHECKED, detail)]
        if later.error is not None or later.accounts is None:
            detail = later.error or f"{change.name(later.accounting)} could not be built"
            return [self._finding("project", Outcome.NOT_CHECKED, detail)]
        accounts = {str(row[0]): row for row in later.accounts}
        resources = change.head.loaded.manifest.resources
        names = sorted({resources[node].name for node in change.sources.ids if node in resources})
        return [self._account(name, accounts.get(name)) for name in names]

    def _account(self, name: str, row: tuple[Any, ...] | None) -> Finding:
        if row is None:
            return self._finding(name, Outcome.NOT_CHECKED, "row accounting does not name this stream")
        _, bronze, silver, quarantined, superseded, deleted, is_balanced = row
        told = f"{silver:,} + {quarantined:,} quarantined + {superseded:,} superseded + {deleted:,} deleted"
        if is_balanced:
            return self._finding(name, Outcome.PASSED, f"balanced: {bronze:,} = {told}")
        return self._finding(name, Outcome.FAILED, f"not balanced: {bronze:,} in bronze, {told}")

    def _finding(self, subject: str, outcome: Outcome, detail: str) -> Finding:
        return Finding(kind=self.kind, subject=subject, outcome=outcome, detail=detail)
