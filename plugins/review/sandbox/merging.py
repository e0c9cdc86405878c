"""What is built to see what a change does once it is merged: tables that go on from base's, and row accounting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.review.keys import find_key
from plugins.review.sandbox.inputs import ChangedSources
from plugins.review.sandbox.plan import plan_build
from plugins.review.sandbox.selection import Selection
from plugins.review.sandbox.session import Compiled, Later, Sandbox

# plugins/build/accounting.py reads the same.
_ACCOUNTING = "row_accounting"


def build_later(
    sandbox: Sandbox, base: Compiled, head: Compiled, selection: Selection, sources: ChangedSources
) -> Later | None:
    """Continue what is incremental, and account for rows, on all that the sources hold; None: there is neither.

    Where rows were left out of the comparison, everything is built and tested on them, too.
    """
    manifest, graph = head.loaded.manifest, head.loaded.graph
    nodes = [
        node
        for node in sorted(selection.nodes)
        if node in base.loaded.manifest.resources and _goes_on(manifest.document["nodes"].get(node, {}))
    ]
    below = graph.descendants(sources.ids)
    accounting = next(
        (r for r in manifest.resources.values() if r.name == _ACCOUNTING and r.kind == "model" and r.id in below),
        None,
    )
    is_tested = bool(sources.left_out)
    if sandbox.sources is None or not sandbox.is_closed or not (nodes or accounting or is_tested):
        return None
    above = graph.ancestors(nodes) & selection.nodes
    if accounting is not None:
        # All terms of a stream's account are of the same rows.
        above |= graph.ancestors([accounting.id]) & below
    wanted = {*nodes, *above, *([accounting.id] if accounting is not None else [])}
    tests: list[str] = []
    if is_tested:
        wanted |= selection.nodes
        tests = [one["unique_id"] for one in manifest.of_type("test") if not sources.ids.isdisjoint(_parents(one))]
    given = sources.of("later").given(manifest)
    plan = plan_build(manifest, wanted, tests, sandbox.production, given, touched=sources.ids)
    keys = {node: find_key(manifest, node, graph.nodes[node].columns) for node in nodes}
    entry = manifest.document["nodes"][accounting.id] if accounting is not None else None
    told = (accounting.id, entry["schema"], entry["alias"]) if accounting is not None and entry else None
    return sandbox.build_later(base.side, head.side, plan, nodes, keys, told, is_tested)


def _parents(test: Mapping[str, Any]) -> list[str]:
    return test.get("depends_on", {}).get("nodes", [])


def _goes_on(entry: dict) -> bool:
    config = entry.get("config", {})
    is_batched = config.get("incremental_strategy") == "microbatch"
    return entry.get("resource_type") == "snapshot" or (
        config.get("materialized") == "incremental" and not is_batched
    )
