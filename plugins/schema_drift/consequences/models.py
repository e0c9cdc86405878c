"""The project's models, read as far as a change needs it and no earlier."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from plugins.core.errors import SmeltError
from plugins.core.project import Manifest, Project
from plugins.core.project.compiled import OWN_TARGET, compiled_manifest
from plugins.schema_drift.change import Change, Drift, Kind
from plugins.schema_drift.observing import source_manifest

if TYPE_CHECKING:
    from plugins.core.lineage import ColumnGraph, Columns

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Models:
    """drift: what the warehouse's columns of now differ by from those that the models were written for.

    known: a manifest that is right about sources and tests; None: it is read when it is needed.
    """

    project: Project
    drift: Drift
    known: Manifest | None = None

    @cached_property
    def parsed(self) -> Manifest:
        """Sources, models and tests; raises SmeltError if the project does not parse."""
        return self.known or source_manifest(self.project)

    @cached_property
    def compiled(self) -> Manifest | None:
        """The same with SQL; None if it does not compile, which whoever builds it will hear."""
        try:
            return compiled_manifest(self.project)
        except SmeltError as error:
            _log.debug("not compiled: %s", error)
            return None

    def below(self, table: str) -> set[str]:
        """What is built from a table, tests included."""
        return _closure([table], self._children)

    def above(self, node: str) -> set[str]:
        """A node and all that it is built from."""
        return {node, *_closure([node], self._parents)}

    @cached_property
    def _parents(self) -> Mapping[str, Sequence[str]]:
        return {key: parents_of(node) for key, node in self.parsed.document["nodes"].items()}

    @cached_property
    def _children(self) -> Mapping[str, Sequence[str]]:
        children: dict[str, list[str]] = {}
        for node, parents in self._parents.items():
            for parent in parents:
                children.setdefault(parent, []).append(node)
        return children

    def graph(self, nodes: Collection[str]) -> tuple[Manifest, ColumnGraph] | None:
        """Column lineage of some models and all that they are built from; None if nothing can be read."""
        whole = self.compiled
        if whole is None:
            return None
        from plugins.core.lineage import LineageCache, ProjectLineage

        everything = whole.resources
        kept = set(nodes) | _closure(nodes, {key: one.parents for key, one in everything.items()})
        part = Manifest({**whole.document, **_only(whole.document, kept & everything.keys())})
        cache = LineageCache(self.project.folder / OWN_TARGET / "lineage.db")
        try:
            return part, ProjectLineage(part, self.columns(part), cache).read()
        finally:
            cache.close()

    def columns(self, manifest: Manifest) -> dict[str, Columns]:
        """Columns with their types by node id, of what drifted as they were before."""
        from plugins.core.lineage import known_columns

        project = self.project
        warehouse = project.warehouse if manifest.adapter == "duckdb" else None
        known = known_columns(manifest, project.folder, project.artifacts / "catalog.json", warehouse)
        return {node: _before(columns, self.drift.of(node)) for node, columns in known.items()}


def _before(columns: Columns, changes: Sequence[Change]) -> dict[str, str | None]:
    """Columns of now as they were before some changes."""
    added = {name for one in changes if not one.before for name in one.after}
    known = {name: kind for name, kind in columns.items() if name not in added}
    for one in changes:
        kind = one.detail.get("type_before")
        is_column = len(one.before) == 1 and len(one.after) <= 1
        if is_column and one.kind is not Kind.TABLE_RENAMED and (kind or one.before != one.after):
            known[one.before[0]] = kind or known.get("".join(one.after))
    return known


def parents_of(node: Mapping[str, Any]) -> list[str]:
    """Ids of what a node of a manifest reads."""
    return (node.get("depends_on") or {}).get("nodes") or []


def _only(document: Mapping[str, Any], kept: Collection[str]) -> dict[str, Any]:
    return {
        section: {key: node for key, node in document.get(section, {}).items() if key in kept}
        for section in ("nodes", "sources")
    }


def _closure(start: Iterable[str], step: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    left = list(start)
    while left:
        for other in step.get(left.pop(), ()):
            if other not in found:
                found.add(other)
                left.append(other)
    return found
