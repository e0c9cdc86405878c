"""Column lineage facets of dbt's datasets, from Smelt's own column graph (OpenLineage spec, facet 1-2-0)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from openlineage.client.facet_v2 import column_lineage_dataset as facet

from plugins.core.lineage import ColumnGraph, Edge, Kind
from plugins.core.lineage.kinds import through

Dataset = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class ColumnFacets:
    """Facets of nodes. dataset_of: a node's dataset, or None for one that is none (ephemeral, unknown)."""

    graph: ColumnGraph
    dataset_of: Callable[[str], Dataset | None]

    def of(self, node: str) -> facet.ColumnLineageDatasetFacet | None:
        """Where each column of a node comes from, and which columns decide about its rows; None: not known."""
        known = self.graph.nodes.get(node)
        if known is None or known.unparsed is not None:
            return None
        fields = {
            written: facet.Fields(inputFields=inputs)
            for column, written in known.columns.items()
            if (inputs := self._inputs(self._direct(node, column)))
        }
        rows = self._inputs(self._rows(node))
        return facet.ColumnLineageDatasetFacet(fields=fields, dataset=rows) if fields or rows else None

    def _direct(self, node: str, column: str) -> list[Edge]:
        """Edges into a column; an ephemeral model is looked through, for it is no dataset."""
        found: list[Edge] = []
        for edge in self.graph.into.get((node, column), ()):
            if self.dataset_of(edge.from_node) is not None:
                found.append(edge)
                continue
            found += [
                Edge(e.from_node, e.from_column, node, column, through(e.kind, edge.kind))
                for e in self._direct(edge.from_node, edge.from_column)
            ]
        return found

    def _rows(self, node: str) -> list[Edge]:
        found: list[Edge] = []
        for edge in self.graph.rows_of.get(node, ()):
            if self.dataset_of(edge.from_node) is not None:
                found.append(edge)
                continue
            above = self._direct(edge.from_node, edge.from_column)
            found += [Edge(e.from_node, e.from_column, node, None, edge.kind) for e in above]
        for parent in self.graph.parents.get(node, ()):
            if self.dataset_of(parent) is None:
                found += self._rows(parent)
        return found

    def _inputs(self, edges: Iterable[Edge]) -> list[facet.InputField]:
        kinds: dict[tuple[str, str], set[Kind]] = {}
        for edge in edges:
            kinds.setdefault((edge.from_node, edge.from_column), set()).add(edge.kind)
        fields: list[facet.InputField] = []
        for (node, column), found in sorted(kinds.items()):
            dataset = self.dataset_of(node)
            if dataset is not None:
                written = self.graph.nodes[node].columns.get(column, column)
                fields.append(facet.InputField(*dataset, written, [_transformation(k) for k in sorted(found)]))
        return fields


def _transformation(kind: Kind) -> facet.Transformation:
    return facet.Transformation("DIRECT" if kind.is_direct else "INDIRECT", kind.name, masking=False)
