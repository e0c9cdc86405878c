"""From a manifest and what is known of schemas to the column graph of a project."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from plugins.core.lineage.cache import LineageCache, content_key
from plugins.core.lineage.graph import ColumnGraph, Edge, Node
from plugins.core.lineage.kinds import Kind
from plugins.core.lineage.model import ModelLineage, Schemas, read_model
from plugins.core.lineage.relations import Column, Relation
from plugins.core.project.resources import Manifest, Resource

Columns = Mapping[str, str | None]
"""Column name as written → type, or None if it isn't known; in the table's order."""


@dataclass
class ProjectLineage:
    """Lineage of each model by id, and what downstream models see of each node."""

    manifest: Manifest
    known: Mapping[str, Columns]
    cache: LineageCache
    models: dict[str, ModelLineage] = field(default_factory=dict)
    _interfaces: dict[str, str] = field(default_factory=dict)
    _schemas: Schemas = field(init=False)

    def __post_init__(self) -> None:
        self._schemas = Schemas(self.manifest.names, _Relations(self))

    def read(self) -> ColumnGraph:
        """Read every model that isn't in the cache, parents first, and put the graph together."""
        with _uncollected():
            self._read_models()
            return _assemble(self)

    def _read_models(self) -> None:
        for resource in _parents_first(self.manifest.resources):
            if resource.kind in ("model", "snapshot"):
                self.models[resource.id] = self._lineage(resource)
            self._interfaces[resource.id] = _interface(resource, self.columns(resource), self.is_open(resource))
        self.cache.save()

    def has_read(self, node: str) -> bool:
        """Whether the columns of `node` are known by now."""
        return node in self._interfaces

    @property
    def schemas(self) -> Schemas:
        """Names to relations, as the models of this project see them."""
        return self._schemas

    def _lineage(self, resource: Resource) -> ModelLineage:
        if resource.language != "sql":
            return ModelLineage(unparsed=f"it is a {resource.language} model")
        if resource.sql is None:
            return ModelLineage(unparsed="it was not compiled")
        parents = [self._interfaces.get(parent, parent) for parent in sorted(resource.parents)]
        key = content_key(self.manifest.dialect, resource.sql, *parents)
        lineage = self.cache.get(key)
        if lineage is None:
            lineage = read_model(resource.sql, self.manifest.dialect, self._schemas)
            self.cache.put(key, lineage)
        return lineage

    def columns(self, resource: Resource) -> dict[str, str]:
        """Its columns, lower case → as written.

        A model's are what its SQL says: the warehouse may hold an older version. The rest, and columns that
        only a star over an unknown table can give, are as the outside knows or the project declares them.
        """
        lineage = self.models.get(resource.id)
        outside = {name.lower(): name for name in self.known.get(resource.id) or resource.columns}
        if lineage is None or lineage.unparsed is not None:
            return outside
        found = {name.lower(): name for name, _ in lineage.columns}
        if resource.kind == "snapshot":
            found |= {name: name for name in _SNAPSHOT_COLUMNS}
        return found | outside if self._has_unlisted(lineage) else found

    def is_open(self, resource: Resource) -> bool:
        """Whether it may have columns that aren't listed."""
        if self.known.get(resource.id):
            return False
        lineage = self.models.get(resource.id)
        return lineage is None or lineage.unparsed is not None or self._has_unlisted(lineage)

    @staticmethod
    def _has_unlisted(lineage: ModelLineage) -> bool:
        return bool(lineage.opens) or lineage.anything is not None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's cycle collector, which walks all syntax trees again and again: a fifth of the time.

    A thousand models cost some 60 MiB until it runs again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass
class _Relations(Mapping[str, Relation]):
    """Relations of nodes, made when a query first names them."""

    project: ProjectLineage
    made: dict[str, Relation] = field(default_factory=dict)

    def __getitem__(self, node: str) -> Relation:
        found = self.made.get(node)
        if found is None:
            resource = self.project.manifest.resources[node]
            columns = {
                key: Column(name, {(node, key): Kind.IDENTITY})
                for key, name in self.project.columns(resource).items()
            }
            opens = (node,) if self.project.is_open(resource) else ()
            found = Relation(columns, opens=opens, shaped_by=node)
            # An incremental model reads itself before its columns are known.
            if self.project.has_read(node):
                self.made[node] = found
        return found

    def __contains__(self, node: object) -> bool:
        return node in self.project.manifest.resources

    def __iter__(self) -> Iterator[str]:
        return iter(self.project.manifest.resources)

    def __len__(self) -> int:
        return len(self.project.manifest.resources)


# What dbt adds to a snapshot (docs.getdbt.com/docs/build/snapshots#snapshot-meta-fields).
_SNAPSHOT_COLUMNS = ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to")


def _interface(resource: Resource, columns: Mapping[str, str], is_open: bool) -> str:
    names = ",".join(columns)
    return f"{resource.id}|{resource.relation or resource.identifier}|{'open' if is_open else ''}|{names}"


def _parents_first(resources: Mapping[str, Resource]) -> Iterable[Resource]:
    graph = {r.id: [p for p in r.parents if p in resources] for r in resources.values()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError:
        # dbt refuses cycles itself; a manifest that has one anyway is read in any order.
        order = list(graph)
    return [resources[node] for node in order]


def _assemble(project: ProjectLineage) -> ColumnGraph:
    resources = project.manifest.resources
    columns = {r.id: project.columns(r) for r in resources.values()}
    edges: list[Edge] = []
    for node, lineage in project.models.items():
        _add_model(node, lineage, columns, edges)
    _add_unlisted(project, columns, edges)
    nodes = {node: _node(project, node, names) for node, names in columns.items()}
    return ColumnGraph(nodes, tuple(edges), {r.id: r.parents for r in resources.values()})


def _node(project: ProjectLineage, node: str, names: Mapping[str, str]) -> Node:
    lineage = project.models.get(node)
    resource = project.manifest.resources.get(node)
    unparsed = lineage.unparsed if lineage is not None else None
    may_use = resource.parents if resource is not None and unparsed is not None else ()
    missing = lineage.missing if lineage is not None else ()
    return Node(node, names, unparsed, may_use, missing)


def _add_model(node: str, lineage: ModelLineage, columns: dict[str, dict[str, str]], edges: list[Edge]) -> None:
    listed = set()
    for name, uses in lineage.columns:
        key = name.lower()
        listed.add(key)
        edges.extend(Edge(from_node, column, node, key, kind) for from_node, column, kind in uses)
    edges.extend(Edge(from_node, column, node, None, kind) for from_node, column, kind in lineage.rows)
    if lineage.opens or lineage.anything is not None:
        for key in columns[node]:
            if key not in listed:
                edges.extend(_unlisted_edges(node, key, lineage))


def _unlisted_edges(node: str, key: str, lineage: ModelLineage) -> list[Edge]:
    """Where a column comes from that only a star over an unknown table can give."""
    found = [Edge(opened, key, node, key, Kind.IDENTITY) for opened in lineage.opens]
    found += [Edge(n, column, node, key, kind) for n, column, kind in lineage.anything or ()]
    return found


def _add_unlisted(project: ProjectLineage, columns: dict[str, dict[str, str]], edges: list[Edge]) -> None:
    """Columns that are used somewhere and listed nowhere: they are inferred, up to the sources."""
    position = 0
    while position < len(edges):
        edge = edges[position]
        position += 1
        known = columns.setdefault(edge.from_node, {})
        if edge.from_column in known:
            continue
        known[edge.from_column] = edge.from_column
        lineage = project.models.get(edge.from_node)
        if lineage is not None:
            edges.extend(_unlisted_edges(edge.from_node, edge.from_column, lineage))
