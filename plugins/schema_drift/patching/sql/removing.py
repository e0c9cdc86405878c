"""Whether a column that is gone may be null from now on, or whether something would be wrong by it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plugins.core.lineage import Kind
from plugins.core.lineage.graph import Place
from plugins.schema_drift.patching.project import PatchedProject

_WORDS = {
    Kind.JOIN: "joins by it",
    Kind.FILTER: "filters by it",
    Kind.GROUP_BY: "groups by it",
    Kind.SORT: "takes rows in its order",
}


@dataclass(frozen=True)
class Consumer:
    """Who uses a column. harm: what would be wrong if it were null; "" if nothing."""

    name: str
    column: str = ""
    harm: str = ""

    def __str__(self) -> str:
        place = f"{self.name}.{self.column}" if self.column else self.name
        return f"`{place}`" + (f" ({self.harm})" if self.harm else "")


def consumers_of(project: PatchedProject, table: str, column: str, key: tuple[str, ...]) -> list[Consumer]:
    """Everything that uses a column of a source, nearest first."""
    graph, start = project.graph, (table, column.lower())
    found: dict[Consumer, None] = {}
    if column.lower() in {name.lower() for name in key}:
        found[Consumer(table.split(".")[-1], column, "it is a part of the key")] = None
    reached: dict[Place, None] = {start: None}
    queue = deque(reached)
    while queue:
        for edge in graph.out_of.get(queue.popleft(), ()):
            name = edge.to_node.split(".")[-1]
            if edge.to_column is None:
                found[Consumer(name, "", _WORDS.get(edge.kind, "its rows depend on it"))] = None
                continue
            found[Consumer(name, edge.to_column, _harm_of(project, edge.to_node, edge.to_column, edge.kind))] = (
                None
            )
            if (edge.to_node, edge.to_column) not in reached:
                reached[(edge.to_node, edge.to_column)] = None
                queue.append((edge.to_node, edge.to_column))
    for node in sorted({node for node, _ in reached} | set(graph.downstream([start]).possible)):
        known = graph.nodes.get(node)
        if known is not None and known.may_use:
            found[Consumer(node.split(".")[-1], "", f"its SQL cannot be read: {known.unparsed}")] = None
    found |= dict.fromkeys(_checks(project, reached))
    return list(found)


def _harm_of(project: PatchedProject, node: str, column: str, kind: Kind) -> str:
    if kind == Kind.AGGREGATION:
        return "it is aggregated"
    others = [e for e in project.graph.into.get((node, column), ()) if e.kind != Kind.IDENTITY]
    if kind == Kind.TRANSFORMATION and len(others) > 1:
        return "it is reckoned with other columns"
    return ""


def _checks(project: PatchedProject, reached: Mapping[Place, None]) -> Iterator[Consumer]:
    """Tests, constraints, keys and metrics that speak of a column."""
    document = project.manifest.document
    by_node: dict[str, set[str]] = {}
    for node, column in reached:
        by_node.setdefault(node, set()).add(column)
    for test in project.manifest.of_type("test"):
        for node in (test.get("depends_on") or {}).get("nodes", ()):
            for column in sorted(by_node.get(node, ())):
                if _tests(test, node, column):
                    yield Consumer(node.split(".")[-1], column, f"it is tested: {test['name']}")
    nodes = {**document.get("sources", {}), **document["nodes"]}
    for node, columns in by_node.items():
        entry = nodes.get(node, {})
        for name, declared in (entry.get("columns") or {}).items():
            kinds = {str(one.get("type", "")) for one in declared.get("constraints") or ()}
            if name.lower() in columns and kinds & {"not_null", "unique", "primary_key", "foreign_key"}:
                yield Consumer(node.split(".")[-1], name, "its contract forbids null")
        unique = (entry.get("config") or {}).get("unique_key") or ()
        for name in (unique,) if isinstance(unique, str) else unique:
            if str(name).lower() in columns:
                yield Consumer(node.split(".")[-1], str(name), "it is a part of the unique key")
    for model in document.get("semantic_models", {}).values():
        for node in (model.get("depends_on") or {}).get("nodes", ()):
            for column in sorted(by_node.get(node, ())):
                if _speaks_of(model, column):
                    yield Consumer(f"semantic model {model['name']}", column, "metrics are made of it")


def _tests(test: Mapping[str, Any], node: str, column: str) -> bool:
    metadata = test.get("test_metadata")
    if not metadata:
        return _has_word(test.get("raw_code") or "", column)
    if str(test.get("attached_node") or node) != node:
        return False
    arguments = {key: value for key, value in (metadata.get("kwargs") or {}).items() if key != "model"}
    return str(test.get("column_name") or "").lower() == column or _has_word(str(arguments), column)


def _speaks_of(model: Mapping[str, Any], column: str) -> bool:
    parts = [one for kind in ("entities", "dimensions", "measures") for one in model.get(kind) or ()]
    return any(_has_word(str(one.get("expr") or one.get("name")), column) for one in parts)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(word)}(?![\w$])", text, re.IGNORECASE) is not None
