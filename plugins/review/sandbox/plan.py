"""How one side is built: which nodes, which tables are taken from production, and what can't be built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from plugins.core.project import Manifest, Resource
from plugins.review.sandbox.production import Production


@dataclass(frozen=True)
class BuildPlan:
    """How one side is built.

    select, tests: ids of nodes, and of tests besides those of the nodes. deferred: (schema, name)
    of views on production, reads: their ids. views: models that are built as views.
    unbuilt: nodes that can't be built, with the reason.
    """

    select: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    deferred: tuple[tuple[str, str], ...] = ()
    reads: tuple[str, ...] = ()
    views: tuple[tuple[str, str], ...] = ()
    unbuilt: Mapping[str, str] = field(default_factory=dict)

    def refused(self, reason: str) -> BuildPlan:
        """The plan that builds nothing, for this reason."""
        return BuildPlan(unbuilt={**self.unbuilt, **dict.fromkeys(self.select, reason)})


def plan_build(
    manifest: Manifest,
    wanted: Iterable[str],
    tests: Iterable[str],
    production: Production,
    given: frozenset[str] = frozenset(),
    touched: frozenset[str] = frozenset(),
) -> BuildPlan:
    """Everything wanted, with the ancestors that production lacks; the rest of what it reads is deferred.

    wanted: node ids to build. tests: data tests to run on top, whose parents may all be deferred.
    given: sources that the side has inputs of its own for. A view that production lays over one of them is built:
    it may not be readable there any more. touched: other sources of which that holds.
    """
    planner = _Planner(
        manifest,
        production,
        frozenset(wanted) & manifest.resources.keys(),
        given,
        _views_below(manifest, given | touched),
    )
    for node in planner.wanted:
        planner.build(node)
    extra = [test for test in manifest.of_type("test") if test["unique_id"] in set(tests)]
    for test in _tests_of(manifest, planner.built) + extra:
        for parent in test.get("depends_on", {}).get("nodes", ()):
            planner.need(parent)
    built = planner.built - planner.unbuilt.keys()
    return BuildPlan(
        select=tuple(sorted(built)),
        tests=tuple(sorted(test["unique_id"] for test in extra)),
        deferred=tuple(_relation(manifest, node) for node in sorted(planner.deferred - planner.built)),
        reads=tuple(sorted(planner.deferred - planner.built)),
        views=tuple(_relation(manifest, node) for node in sorted(built) if _is_view(manifest, node)),
        unbuilt=planner.unbuilt,
    )


@dataclass
class _Planner:
    manifest: Manifest
    production: Production
    wanted: frozenset[str]
    given: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()
    built: set[str] = field(default_factory=set)
    deferred: set[str] = field(default_factory=set)
    unbuilt: dict[str, str] = field(default_factory=dict)

    def build(self, node: str) -> None:
        """Build `node`, and see to what it reads."""
        if node in self.built:
            return
        self.built.add(node)
        reasons = [reason for parent in self._parents(node) if (reason := self.need(parent)) is not None]
        if reasons:
            self.unbuilt[node] = reasons[0]

    def need(self, node: str) -> str | None:
        """Take `node` from production, or build it; returns why neither is possible, if so."""
        resource = self.manifest.resources.get(node)
        if node in self.given:
            return None
        if node in self.wanted or node in self.fresh:
            # Production has it as it was.
            self.build(node)
        if resource is None or node in self.built:
            return self.unbuilt.get(node)
        if resource.relation is None or self._comes_from_elsewhere(resource):
            return next((reason for p in self._parents(node) if (reason := self.need(p)) is not None), None)
        if resource.relation[1:] in self.production.tables:
            self.deferred.add(node)
            return None
        if resource.kind == "source":
            how = self.production.missing or "load it, then build production"
            return f"source {resource.name} is not in production ({self.production.label}): {how}"
        self.build(node)
        return self.unbuilt.get(node)

    def _parents(self, node: str) -> tuple[str, ...]:
        resource = self.manifest.resources.get(node)
        return resource.parents if resource is not None else ()

    def _comes_from_elsewhere(self, resource: Resource) -> bool:
        """A source that is no table of the target's database: a file, an attached database, a bronze view."""
        if resource.kind != "source":
            return False
        entry = self.manifest.document["sources"][resource.id]
        meta = {
            **(entry.get("source_meta") or {}),
            **(entry.get("meta") or {}),
            **entry.get("config", {}).get("meta", {}),
        }
        if meta.get("external_location") or meta.get("plugin") or self.production.lake_root is not None:
            return True
        databases = {r.relation[0] for r in self.manifest.resources.values() if r.kind == "model" and r.relation}
        return resource.relation is not None and bool(databases) and resource.relation[0] not in databases


def _tests_of(manifest: Manifest, nodes: set[str]) -> list[Mapping]:
    """Data tests that dbt runs with these nodes: those that read one of them."""
    return [t for t in manifest.of_type("test") if not nodes.isdisjoint(t.get("depends_on", {}).get("nodes", ()))]


def _views_below(manifest: Manifest, sources: frozenset[str]) -> frozenset[str]:
    """Views of the project that read the sources, at any depth, with no table between."""
    found: set[str] = set(sources)
    while True:
        more = {
            r.id
            for r in manifest.resources.values()
            if r.id not in found
            and r.kind in ("model", "snapshot")
            and (r.materialized == "view" or r.relation is None)
            and not found.isdisjoint(r.parents)
        }
        if not more:
            return frozenset(node for node in found - sources if manifest.resources[node].relation is not None)
        found |= more


def _is_view(manifest: Manifest, node: str) -> bool:
    return manifest.resources[node].materialized == "view"


def _relation(manifest: Manifest, node: str) -> tuple[str, str]:
    """Schema and name as dbt writes them."""
    entry = manifest.document["nodes"].get(node) or manifest.document["sources"][node]
    return entry["schema"], entry.get("identifier") or entry.get("alias") or entry["name"]
