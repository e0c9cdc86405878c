"""Lineage as plain JSON: what `smelt lineage --json` prints, and what the page and the diagram are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from plugins.core.lineage import Edge, Place, Reach
from plugins.lineage.load import Loaded


def summary(loaded: Loaded, edges: Iterable[Edge] | None = None) -> dict[str, Any]:
    """Edges, and counts of models, columns and unparsed models of the whole project."""
    graph = loaded.graph
    models = [r for r in loaded.manifest.resources.values() if r.kind in ("model", "snapshot")]
    return {
        "project": loaded.manifest.project_name,
        "models": len(models),
        "columns": graph.column_count,
        "unparsed": len(graph.unparsed),
        "unparsed_models": [{"node": n, "reason": reason} for n, reason in sorted(graph.unparsed.items())],
        "edges": [_edge(edge) for edge in (graph.edges if edges is None else edges)],
    }


def focus(loaded: Loaded, start: list[Place], up: Reach | None, down: Reach | None) -> dict[str, Any]:
    """Lineage of some columns: the places they reach, and the edges among these."""
    places = set(start)
    for reach in (up, down):
        if reach is not None:
            places |= reach.direct | reach.indirect
    edges = [edge for edge in loaded.graph.edges if _is_between(edge, places)]
    found = summary(loaded, edges)
    found["start"] = [_place(place) for place in start]
    for name, reach in (("upstream", up), ("downstream", down)):
        if reach is not None:
            found[name] = {
                "direct": [_place(place) for place in sorted(reach.direct)],
                "indirect": [_place(place) for place in sorted(reach.indirect)],
                "possible": sorted(reach.possible),
            }
    return found


def _is_between(edge: Edge, places: set[Place]) -> bool:
    if (edge.from_node, edge.from_column) not in places:
        return False
    if edge.to_column is not None:
        return (edge.to_node, edge.to_column) in places
    return any(node == edge.to_node for node, _ in places)


def document(loaded: Loaded) -> dict[str, Any]:
    """Everything the page shows: nodes with their columns, column edges, and model-level edges."""
    graph, resources = loaded.graph, loaded.manifest.resources
    nodes = []
    for node in graph.nodes.values():
        resource = resources.get(node.id)
        types = {name.lower(): kind for name, kind in loaded.known.get(node.id, {}).items()}
        descriptions = _descriptions(loaded.manifest.document, node.id)
        nodes.append(
            {
                "id": node.id,
                "name": resource.name if resource else node.id.removeprefix("external."),
                "kind": resource.kind if resource else "source",
                "path": resource.path if resource else "",
                "materialized": resource.materialized if resource else "",
                "description": resource.description if resource else "not in the project",
                "columns": [
                    {"name": name, "type": types.get(key), "description": descriptions.get(key, "")}
                    for key, name in node.columns.items()
                ],
                "unparsed": node.unparsed,
            }
        )
    consumers = [_consumer(n) for n in loaded.manifest.of_type("exposure", "metric")]
    parents = {**graph.parents, **{n["id"]: n.pop("parents") for n in consumers}}
    known = {n["id"] for n in nodes} | {n["id"] for n in consumers}
    return {
        "project": loaded.manifest.project_name,
        "nodes": nodes + consumers,
        "edges": [_edge(edge) for edge in graph.edges],
        "depends_on": [[p, node] for node, above in parents.items() for p in above if p in known],
    }


def _consumer(node: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": node["unique_id"],
        "name": node["name"],
        "kind": node["resource_type"],
        "path": node.get("original_file_path", ""),
        "materialized": "",
        "description": node.get("description") or "",
        "columns": [],
        "unparsed": None,
        "parents": tuple(node.get("depends_on", {}).get("nodes", ())),
    }


def _descriptions(manifest: Mapping[str, Any], node: str) -> dict[str, str]:
    entry = manifest["nodes"].get(node) or manifest.get("sources", {}).get(node) or {}
    return {c["name"].lower(): c.get("description") or "" for c in entry.get("columns", {}).values()}


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "from_node": edge.from_node,
        "from_column": edge.from_column,
        "to_node": edge.to_node,
        "to_column": edge.to_column,
        "kind": edge.kind.word,
    }


def _place(place: Place) -> dict[str, str]:
    return {"node": place[0], "column": place[1]}
