"""Columns that show a source's rows as they came, such as those of a quarantine: they follow the source.

The patch restores at the boundary what was before. A model that reads the boundary, and lays rows of the source
beside it as they are, by a star, promises what the source has, and not what it had.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Set

from plugins.core.lineage.graph import ColumnGraph, Place
from plugins.core.lineage.kinds import Kind
from plugins.core.project import Manifest

_READERS = ("exposure", "semantic_model")
_WORD = re.compile(r"\w+")


def raw_copies(
    manifest: Manifest, graph: ColumnGraph, drifted: Set[Place], patched: Set[str]
) -> dict[str, frozenset[str]]:
    """By a node's id: columns, lower case, that are a drifted column as the source has it, and nothing else.

    manifest, graph: of the project before the patch. drifted: columns of sources. patched: ids of nodes.
    Such a column comes from the source by stars alone, through nodes that are not patched; neither the model nor
    its macros name it; nothing is made of it, and nothing outside reads the model; and the model reads a patched
    one as well, so that what was before is had there. Where a model uses a drifted column in any other way, too,
    none of its columns is such a copy.
    """
    outside = {node for one in manifest.of_type(*_READERS) for node in one.get("depends_on", {}).get("nodes", ())}
    found: dict[str, frozenset[str]] = {}
    for node in graph.descendants({table for table, _ in drifted}) - patched - outside:
        columns = _copied(graph, node, drifted, patched)
        if not columns or patched.isdisjoint(graph.ancestors([node])):
            continue
        columns -= _named(manifest, node)
        kept = frozenset(column for column in columns if not graph.out_of.get((node, column)))
        if kept and _only_copies(graph, node, drifted, kept):
            found[node] = kept
    return found


def _copied(graph: ColumnGraph, node: str, drifted: Collection[Place], patched: Collection[str]) -> frozenset[str]:
    """Columns of a node that are a drifted column, through identities of nodes that are not patched."""
    known = graph.nodes.get(node)
    if known is None or known.may_use:
        return frozenset()
    return frozenset(name for name in known.columns if _is_copy(graph, (node, name), drifted, patched))


def _is_copy(graph: ColumnGraph, place: Place, drifted: Collection[Place], patched: Collection[str]) -> bool:
    seen: set[Place] = set()
    while place not in drifted:
        edges = graph.into.get(place, ())
        if place[0] in patched or place in seen or len(edges) != 1 or edges[0].kind is not Kind.IDENTITY:
            return False
        seen.add(place)
        place = (edges[0].from_node, edges[0].from_column)
    return bool(seen)


def _only_copies(graph: ColumnGraph, node: str, drifted: Collection[Place], kept: Collection[str]) -> bool:
    used = (edge for place in drifted for edge in graph.out_of.get(place, ()) if edge.to_node == node)
    return all(edge.to_column in kept for edge in used)


def _named(manifest: Manifest, node: str) -> frozenset[str]:
    """Words, lower case, in the text of a model and of the macros that it calls."""
    document = manifest.document
    entry = document["nodes"].get(node, {})
    called = entry.get("depends_on", {}).get("macros", ())
    texts = [entry.get("raw_code") or entry.get("raw_sql") or ""]
    texts += [document.get("macros", {}).get(name, {}).get("macro_sql", "") for name in called]
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))
