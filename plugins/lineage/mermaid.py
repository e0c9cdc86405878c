"""Lineage as a mermaid flowchart, for pull requests and terminals. Names are data: none can end the diagram."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Everything else in a label is written as a character reference (mermaid.js.org/syntax/flowchart.html).
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_. -→")
_INDIRECT = frozenset({"join", "filter", "group_by", "sort"})


def render_mermaid(
    document: Mapping[str, Any], *, focus: Iterable[tuple[str, str]] | None = None, max_nodes: int = 40
) -> str:
    """A `flowchart LR` of columns, or without `focus` of models.

    focus: (node id, column in lower case) of the columns to show, with the edges among them. Direct edges
    are solid, indirect ones dotted. More than `max_nodes` boxes are folded into one that says how many.
    """
    names = {node["id"]: node["name"] for node in document["nodes"]}
    if focus is None:
        boxes = {node: names[node] for node in names}
        edges = {(a, b): False for a, b in document["depends_on"] if a in names and b in names}
    else:
        places = {tuple(place) for place in focus}
        boxes = {place: f"{names.get(place[0], place[0])}.{place[1]}" for place in sorted(places)}
        edges = _column_edges(document["edges"], places)
    return _draw(boxes, edges, max_nodes)


def _column_edges(edges: Iterable[Mapping[str, Any]], places: set[tuple[Any, ...]]) -> dict[tuple, bool]:
    """(from, to) → whether it is only indirect."""
    found: dict[tuple, bool] = {}
    for edge in edges:
        start = (edge["from_node"], edge["from_column"])
        if start not in places:
            continue
        is_indirect = edge["kind"] in _INDIRECT
        targets = [(edge["to_node"], edge["to_column"])]
        if edge["to_column"] is None:
            targets = [place for place in places if place[0] == edge["to_node"]]
        for target in targets:
            if target in places and target != start:
                found[(start, target)] = found.get((start, target), True) and is_indirect
    # An indirect edge to each column of a model says nothing where a direct one leads there.
    direct = {(start, target[0]) for (start, target), is_indirect in found.items() if not is_indirect}
    return {
        (start, target): is_indirect
        for (start, target), is_indirect in found.items()
        if not is_indirect or (start, target[0]) not in direct
    }


def _draw(boxes: Mapping[Any, str], edges: Mapping[tuple, bool], max_nodes: int) -> str:
    shown = _nearest(list(boxes), list(edges), max_nodes)
    ids = {box: f"n{position}" for position, box in enumerate(shown)}
    lines = ["flowchart LR"]
    lines += [f'    {ids[box]}["{_label(boxes[box])}"]' for box in shown]
    for (start, target), is_indirect in sorted(edges.items(), key=repr):
        if start in ids and target in ids:
            lines.append(f"    {ids[start]} {'-.->' if is_indirect else '-->'} {ids[target]}")
    left_out = len(boxes) - len(shown)
    if left_out:
        lines.append(f'    more["and {left_out} more"]')
    return "\n".join(lines)


def _nearest(boxes: Sequence[Any], edges: Sequence[tuple], limit: int) -> list[Any]:
    """The boxes closest to where the graph starts (those that nothing leads to), in that order."""
    targets = {target for _, target in edges}
    following: dict[Any, list[Any]] = {}
    for start, target in edges:
        following.setdefault(start, []).append(target)
    queue = deque([box for box in boxes if box not in targets] or list(boxes[:1]))
    seen: dict[Any, None] = dict.fromkeys(queue)
    while queue:
        for target in following.get(queue.popleft(), ()):
            if target not in seen:
                seen[target] = None
                queue.append(target)
    return [*seen, *(box for box in boxes if box not in seen)][:limit]


def _label(text: str) -> str:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return "".join(c if c in _PLAIN else f"#{ord(c)};" for c in shown)
