"""Who uses a column of a source: models by their columns, tests, metrics, semantic models, exposures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plugins.core.lineage.graph import Place
from plugins.schema_drift.patching.documents.fragments import mentions
from plugins.schema_drift.patching.project import PatchedProject


@dataclass(frozen=True)
class Consumer:
    """One use. kind: model, snapshot, test, semantic_model, metric or exposure. column: of it; "": its rows.

    path: columns from the source to here, the last one included. file: where it is written.
    is_sure: False for what can't be read, or of which nobody knows which columns it reads.
    """

    kind: str
    id: str
    name: str
    column: str
    path: tuple[Place, ...]
    file: str = ""
    is_sure: bool = True

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.name}{f'.{self.column}' if self.column else ''}"


def consumers(project: PatchedProject, table_id: str, column: str) -> tuple[Consumer, ...]:
    """Every use of a source's column, kind by kind and nearest first; column: in any case."""
    paths = _paths(project, (table_id, column.lower()))
    found = dict.fromkeys(_models(project, paths))
    found |= dict.fromkeys(_unread(project, paths))
    found |= dict.fromkeys(_tests(project, paths))
    found |= dict.fromkeys(_semantic(project, paths))
    found |= dict.fromkeys(_exposures(project, paths, found))
    kinds = list(dict.fromkeys(one.kind for one in found))
    return tuple(sorted(found, key=lambda one: (kinds.index(one.kind), len(one.path), one.name)))


def _paths(project: PatchedProject, start: Place) -> dict[Place, tuple[Place, ...]]:
    """Columns that a column reaches, with the shortest way; ("node", "") where it decides about rows."""
    paths: dict[Place, tuple[Place, ...]] = {start: (start,)}
    queue = deque([start])
    while queue:
        place = queue.popleft()
        for edge in project.graph.out_of.get(place, ()):
            target = (edge.to_node, edge.to_column or "")
            if target not in paths:
                paths[target] = (*paths[place], target)
                if edge.to_column is not None:
                    queue.append(target)
    return paths


def _models(project: PatchedProject, paths: Mapping[Place, tuple[Place, ...]]) -> Iterator[Consumer]:
    for (node, column), path in paths.items():
        resource = project.manifest.resources.get(node)
        if len(path) > 1 and resource is not None:
            known = project.graph.nodes.get(node)
            written = known.columns.get(column, column) if known is not None else column
            yield Consumer(resource.kind, node, resource.name, written, path, resource.path)


def _unread(project: PatchedProject, paths: Mapping[Place, tuple[Place, ...]]) -> Iterator[Consumer]:
    """What can't be read, and reads a table that the column reaches."""
    reached = _by_node(paths)
    for node in project.graph.nodes.values():
        place = next((reached[one] for one in node.may_use if one in reached), None)
        resource = project.manifest.resources.get(node.id)
        if place is not None and resource is not None:
            path = (*place, (node.id, ""))
            yield Consumer(resource.kind, node.id, resource.name, "", path, resource.path, False)


def _by_node(paths: Mapping[Place, tuple[Place, ...]]) -> dict[str, tuple[Place, ...]]:
    found: dict[str, tuple[Place, ...]] = {}
    for (node, _), path in paths.items():
        found.setdefault(node, path)
    return found


def _tests(project: PatchedProject, paths: Mapping[Place, tuple[Place, ...]]) -> Iterator[Consumer]:
    for test in project.manifest.of_type("test"):
        nodes = set((test.get("depends_on") or {}).get("nodes", ()))
        for (node, column), path in paths.items():
            if column and node in nodes and _reads(test, node, column):
                yield _consumer("test", test, column, path)
                break


def _reads(test: Mapping[str, Any], node: str, column: str) -> bool:
    metadata = test.get("test_metadata")
    if not metadata:
        return bool(mentions(str(test.get("raw_code") or ""), [column]))
    arguments = dict(metadata.get("kwargs") or {})
    own = test.get("attached_node") in (None, node)
    if str(test.get("column_name") or "").lower() == column and own:
        return True
    if own:
        return bool(mentions(str({k: v for k, v in arguments.items() if k not in ("model", "to")}), [column]))
    return bool(mentions(str(arguments.get("field") or ""), [column]))


def _semantic(project: PatchedProject, paths: Mapping[Place, tuple[Place, ...]]) -> Iterator[Consumer]:
    """Semantic models whose parts are made from the column, and the metrics of those measures."""
    measures: dict[str, tuple[Place, ...]] = {}
    for model in project.manifest.of_type("semantic_model"):
        nodes = set((model.get("depends_on") or {}).get("nodes", ()))
        for (node, column), path in paths.items():
            if node not in nodes or not column:
                continue
            parts = [p for key in ("entities", "dimensions", "measures") for p in model.get(key) or ()]
            used = [p["name"] for p in parts if mentions(str(p.get("expr") or p["name"]), [column])]
            if used:
                yield _consumer("semantic_model", model, ", ".join(used), path)
            own = {one["name"] for one in model.get("measures") or ()}
            measures |= {name: path for name in used if name in own and name not in measures}
    for metric in project.manifest.of_type("metric"):
        inputs = [one.get("name") for one in (metric.get("type_params") or {}).get("input_measures") or ()]
        path = next((measures[name] for name in inputs if name in measures), None)
        if path is not None:
            yield _consumer("metric", metric, "", path)


def _exposures(
    project: PatchedProject, paths: Mapping[Place, tuple[Place, ...]], found: Iterable[Consumer]
) -> Iterator[Consumer]:
    """What is outside the warehouse: of a reached table it may read any column; of a reached metric it does."""
    reached = _by_node(paths)
    metrics = {one.id: one.path for one in found if one.kind == "metric"}
    for exposure in project.manifest.of_type("exposure"):
        nodes = (exposure.get("depends_on") or {}).get("nodes", ())
        sure = next((metrics[node] for node in nodes if node in metrics), None)
        path = sure or next((reached[node] for node in nodes if node in reached), None)
        if path is not None:
            yield _consumer("exposure", exposure, "", path, is_sure=sure is not None)


def _consumer(
    kind: str, node: Mapping[str, Any], column: str, path: tuple[Place, ...], *, is_sure: bool = True
) -> Consumer:
    file = node.get("original_file_path") or ""
    return Consumer(kind, node["unique_id"], node.get("label") or node["name"], column, path, file, is_sure)
