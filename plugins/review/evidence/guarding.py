"""The SQL guard's verdict on what changed: would it be run if nobody vouched for it?"""

from __future__ import annotations

from plugins.core.sql.guard import GuardError, check
from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome

# A compiled model may go over all streams of a project.
_LONGEST = 4_000_000


class Guarding:
    """Failed: a machine wrote SQL that the guard refuses. Changed: a person did, who may know why."""

    kind = "guard"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding per changed model whose SQL is refused, and one for the rest."""
        manifest = change.head.loaded.manifest
        if manifest.dialect != "duckdb":
            detail = f"the guard reads DuckDB's SQL, and this is {manifest.adapter}"
            return [self._finding("project", Outcome.NOT_CHECKED, detail)]
        relations = [".".join(r.relation) for r in manifest.resources.values() if r.relation is not None]
        findings: list[Finding] = []
        harmless = 0
        for node in sorted(change.selection.changed):
            resource = manifest.resources[node]
            if resource.sql is None:
                continue
            try:
                check(resource.sql, relations, _LONGEST)
                harmless += 1
            except GuardError as error:
                is_old = error.message == _refusal(change, node, relations)
                outcome = Outcome.FAILED if change.is_machine_written and not is_old else Outcome.CHANGED
                said = f"{error.message}, as at base" if is_old else error.message
                findings.append(self._finding(resource.name, outcome, said))
        if harmless:
            detail = f"{harmless} changed models only read the project's tables, with harmless functions"
            findings.append(self._finding("project", Outcome.PASSED, detail))
        return findings

    def _finding(self, subject: str, outcome: Outcome, detail: str) -> Finding:
        return Finding(kind=self.kind, subject=subject, outcome=outcome, detail=detail)


def _refusal(change: ReviewedChange, node: str, relations: list[str]) -> str | None:
    """Why the guard refuses the node's SQL at base."""
    before = change.base.loaded.manifest.resources.get(node)
    try:
        if before is not None and before.sql is not None:
            check(before.sql, relations, _LONGEST)
    except GuardError as error:
        return error.message
    return None
