"""Column impact: what reads the changed columns, and what was spared because it does not."""

from __future__ import annotations

from plugins.core.lineage.change import Category
from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.finding import Finding, Outcome


class ColumnImpact:
    """Changed: something downstream uses a changed column. Not checked: it can't be read, or is outside."""

    kind = "impact"

    def collect(self, change: ReviewedChange) -> list[Finding]:
        """One finding per changed node with its category, one for the sum, one per consumer outside."""
        plain = {n for n, query in change.changes.queries.items() if query.category is not Category.NONE}
        told = change.changes.queries.keys() - (change.changes.configs - plain)
        findings = [self._node(change, node) for node in sorted(told)]
        for word, nodes in (("new", change.changes.added), ("removed", change.changes.removed)):
            findings += [
                self._finding(change.name(node), Outcome.CHANGED, word, category=word) for node in sorted(nodes)
            ]
        for node in sorted(change.changes.configs - plain):
            detail = "its configuration, its contract or its incremental branch differs"
            findings.append(self._finding(change.name(node), Outcome.CHANGED, detail, category="configuration"))
        findings.append(self._sum(change))
        for exposure in change.impact.exposures:
            detail = f"it reads what changes ({exposure.how}), outside this warehouse"
            findings.append(self._finding(exposure.name, Outcome.NOT_CHECKED, detail))
        graph = change.head.loaded.graph
        for node in sorted(change.selection.nodes & graph.unparsed.keys()):
            detail = f"can't be read column by column ({graph.unparsed[node]}): it counts as using everything"
            findings.append(self._finding(change.name(node), Outcome.NOT_CHECKED, detail))
        return findings

    def _node(self, change: ReviewedChange, node: str) -> Finding:
        query = change.changes.queries[node]
        outcome = Outcome.PASSED if query.category is Category.NONE else Outcome.CHANGED
        facts = {
            "category": str(query.category),
            "added": list(query.added),
            "removed": list(query.removed),
            "changed": list(query.changed),
            "rows_changed": query.rows_changed,
        }
        return self._finding(change.name(node), outcome, f"{query.category}: {query.reason}", **facts)

    def _sum(self, change: ReviewedChange) -> Finding:
        touched, below = change.selection.touched, len(change.selection.downstream)
        possible = len({t.id for t in change.impact.models if t.how == "possible"} & touched)
        using = len(touched) - possible
        detail = f"{using} of {below} downstream models use a changed column"
        # A model that is changed itself is no less downstream of another one.
        own = len(change.head.loaded.graph.descendants(change.selection.changed) & change.selection.changed)
        if own:
            detail += f", besides {own} that {'is' if own == 1 else 'are'} changed here"
        if possible:
            detail += f", and {possible} may: they, or what they read, can't be read"
        if below > len(touched):
            spared = below - len(touched)
            detail += f"; the other {spared} {'was' if spared == 1 else 'were'} not rebuilt"
        impact = change.impact
        counts = {"metrics": len(impact.metrics), "exposures": len(impact.exposures)}
        said = ", ".join(f"{count} {name if count > 1 else name[:-1]}" for name, count in counts.items() if count)
        outcome = Outcome.CHANGED if touched or said else Outcome.PASSED
        return self._finding(
            "project",
            outcome,
            detail + (f"; {said}" if said else ""),
            using=using,
            possible=possible,
            downstream=below,
            **counts,
        )

    def _finding(self, subject: str, outcome: Outcome, detail: str, **facts: object) -> Finding:
        return Finding(kind=self.kind, subject=subject, outcome=outcome, detail=detail, facts=facts)
