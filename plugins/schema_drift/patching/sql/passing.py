"""What changes for nodes below without any edit: types that come through, and tables that keep their history."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from plugins.core.lineage import Kind
from plugins.schema_drift.patching.project import PatchedProject


def retyped(project: PatchedProject, table: str, columns: Iterable[str]) -> dict[str, set[tuple[str, str]]]:
    """(column there, column of the table) by node, for columns that are handed on as they are."""
    found: dict[str, set[tuple[str, str]]] = {}
    for start in columns:
        queue, seen = deque([(table, start.lower())]), {(table, start.lower())}
        while queue:
            for edge in project.graph.out_of.get(queue.popleft(), ()):
                if edge.to_column is None or edge.kind != Kind.IDENTITY:
                    continue
                place = (edge.to_node, edge.to_column)
                if place not in seen:
                    seen.add(place)
                    queue.append(place)
                    known = project.graph.nodes.get(edge.to_node)
                    name = known.columns.get(edge.to_column, edge.to_column) if known else edge.to_column
                    found.setdefault(edge.to_node, set()).add((name, start))
    return found


def keeping_history(project: PatchedProject, table: str, columns: Iterable[str]) -> list[str]:
    """Incremental models and snapshots below that columns of the table reach."""
    reach = project.graph.downstream([(table, column.lower()) for column in columns])
    resources = project.manifest.resources
    kept = [
        node
        for node in reach.nodes
        if node in resources
        and (resources[node].materialized == "incremental" or resources[node].kind == "snapshot")
    ]
    return sorted(kept)
