"""Which columns may show the source as it is now: rows laid beside what is made of them, and no others."""

from __future__ import annotations

import pytest

from plugins.core.lineage import ColumnGraph
from plugins.core.lineage.graph import Edge, Node
from plugins.core.lineage.kinds import Kind
from plugins.core.project import Manifest
from plugins.schema_drift.proving.raw_copies import raw_copies

SOURCE, STAGING, QUARANTINE, MART = "source.s.shop.lines", "model.s.stg", "model.s.quarantine", "model.s.mart"
COPY = Edge(SOURCE, "price", QUARANTINE, "price", Kind.IDENTITY)


def _found(
    *edges: Edge,
    raw_code: str = "select l.*, c.rules from {{ lines }} as l join {{ ref('stg') }} as c",
    parents: tuple[str, ...] = (SOURCE, STAGING),
    macro: str = "",
    exposed: bool = False,
    patched: frozenset[str] = frozenset({STAGING}),
) -> dict[str, frozenset[str]]:
    nodes = {
        SOURCE: Node(SOURCE, {"id": "id", "price": "price"}),
        STAGING: Node(STAGING, {"id": "id", "price": "price", "rules": "rules"}),
        QUARANTINE: Node(QUARANTINE, {"id": "id", "price": "price", "rules": "rules"}),
        MART: Node(MART, {"price": "price"}),
    }
    always = (
        Edge(SOURCE, "price", STAGING, "price", Kind.IDENTITY),
        Edge(SOURCE, "id", QUARANTINE, "id", Kind.IDENTITY),
        Edge(STAGING, "rules", QUARANTINE, "rules", Kind.IDENTITY),
    )
    above = {STAGING: (SOURCE,), QUARANTINE: parents, MART: (QUARANTINE,)}
    exposures = {"e": {"resource_type": "exposure", "depends_on": {"nodes": [QUARANTINE]}}} if exposed else {}
    manifest = Manifest(
        {
            "nodes": {QUARANTINE: {"raw_code": raw_code, "depends_on": {"macros": ["macro.s.quarantined"]}}},
            "macros": {"macro.s.quarantined": {"macro_sql": macro}},
            "sources": {},
            "exposures": exposures,
            "metadata": {},
        }
    )
    graph = ColumnGraph(nodes, (*always, *(edges or (COPY,))), above)
    return raw_copies(manifest, graph, frozenset({(SOURCE, "price")}), patched)


def test_rows_beside_what_is_made_of_them_are_copies() -> None:
    assert _found() == {QUARANTINE: frozenset({"price"})}


@pytest.mark.parametrize(
    ("why", "found"),
    [
        ("its text names the column", _found(raw_code="select l.price from {{ lines }} as l")),
        ("its macro does", _found(macro="select Price from x")),
        ("it reads nothing that is patched", _found(parents=(SOURCE,))),
        ("it is patched itself", _found(patched=frozenset({STAGING, QUARANTINE}))),
        ("a number is made of it", _found(Edge(SOURCE, "price", QUARANTINE, "price", Kind.TRANSFORMATION))),
        ("somebody reads it", _found(COPY, Edge(QUARANTINE, "price", MART, "price", Kind.IDENTITY))),
        ("it decides about rows below", _found(COPY, Edge(QUARANTINE, "price", MART, None, Kind.FILTER))),
        ("it decides about its own rows", _found(COPY, Edge(SOURCE, "price", QUARANTINE, None, Kind.JOIN))),
        ("something outside reads the model", _found(exposed=True)),
    ],
)
def test_any_other_use_is_none(why: str, found: dict[str, frozenset[str]]) -> None:
    assert found == {}, why
