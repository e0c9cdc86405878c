"""Columns that show a source's rows as they came, such as those of a quarantine: they follow the source.

The patch restores at the boundary what was before. A model that reads the boundary, and lays rows of the source
beside it as they are, by a star, promises what the source has, and not what it had.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence, Set

from plugins.core.lineage.graph import ColumnGraph, Edge, Place
from plugins.core.lineage.kinds import Kind
from plugins.core.project import Manifest

_READERS = ("exposure", "semantic_model")
_WORD = re.compile(r"\w+")


def raw_copies(
    manifest: Manifest, graph: ColumnGraph, drifted: Set[Place], patched: Set[str]
) -> dict[str, frozenset[str]]:
    """By a node's id: columns, lower case, that are a drifted column as the source has it, and nothing else.

    manifest, graph: of the project before the patch. drifted: columns of sources. patched: ids of nodes.
    Such a column comes straight from the source, by a star; neither the model, which is not patched, nor its
    macros name it; nothing is made of it, and nothing outside reads the model; and the model reads a patched one
    as well, so that what was before is had there. Where a model uses a drifted column in any other way, too, none
    of its columns is such a copy.
    """
    outside = {node for one in manifest.of_type(*_READERS) for node in one.get("depends_on", {}).get("nodes", ())}
    found: dict[str, frozenset[str]] = {}
    for node in graph.descendants({table for table, _ in drifted}) - patched - outside:
        columns = _copied(graph, node, drifted)
        if not columns or patched.isdisjoint(graph.ancestors([node])):
            continue
        columns -= _named(manifest, node)
        kept = frozenset(column for column in columns if not graph.out_of.get((node, column)))
        if kept and _only_copies(graph, node, drifted, kept):
            found[node] = kept
    return found


def _copied(graph: ColumnGraph, node: str, drifted: Collection[Place]) -> frozenset[str]:
    """Columns of a node that are a drifted column of the source, as it is."""
    known = graph.nodes.get(node)
    if known is None or known.may_use:
        return frozenset()
    return frozenset(name for name in known.columns if _is_copy(graph.into.get((node, name), ()), drifted))


def _is_copy(edges: Sequence[Edge], drifted: Collection[Place]) -> bool:
    if len(edges) != 1:
        return False
    (edge,) = edges
    return edge.kind is Kind.IDENTITY and (edge.from_node, edge.from_column) in drifted


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
