"""Collects the evidence: lays both scratch databases side by side, and asks each kind."""

from __future__ import annotations

from typing import Any

import duckdb

from plugins.core import duck
from plugins.core.settings import Settings
from plugins.lineage import Loaded
from plugins.review.evidence.change import ReviewedChange
from plugins.review.evidence.comparison import ComparedModel, Comparison, Limits
from plugins.review.evidence.finding import Finding
from plugins.review.evidence.kinds import CHANGE_EVIDENCE, DATA_EVIDENCE
from plugins.review.evidence.relationships import judge_relationships
from plugins.review.evidence.taken import judge_taken
from plugins.review.keys import find_key, find_pii, find_timed
from plugins.review.sandbox.production import Production
from plugins.review.sandbox.session import Copied
from plugins.review.sandbox.tasks import KEPT_SCHEMA


def collect(change: ReviewedChange, settings: Settings, production: Production) -> list[Finding]:
    """Ask every kind of evidence. production: what the sides read besides inputs of their own."""
    findings = [finding for kind in CHANGE_EVIDENCE for finding in kind.collect(change)]
    findings = judge_relationships(findings, change, production)
    findings = judge_taken(findings, change, production)
    with duckdb.connect() as con:
        comparison = _comparison(con, change, settings)
        for kind in DATA_EVIDENCE:
            findings += kind.collect(comparison)
    return findings


def _comparison(con: duckdb.DuckDBPyConnection, change: ReviewedChange, settings: Settings) -> Comparison:
    """A connection that reads both scratch databases and nothing else."""
    tables: dict[str, set[tuple[str, str]]] = {}
    for name, side in (("base", change.base.side), ("head", change.head.side)):
        if side.warehouse.is_file():
            con.execute(f"attach {duck.literal(str(side.warehouse))} as {name} (read_only)")
            rows = con.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = ?", [name]
            ).fetchall()
            tables[name] = {(schema, table) for schema, table in rows}
    con.execute("set enable_external_access = false")
    con.execute("set timezone = 'UTC'")
    review = settings.review
    limits = Limits(review.exact_rows, review.sample_rows, review.samples)
    nodes = sorted(change.selection.nodes | change.changes.removed)
    return Comparison(con, tuple(_compared(change, node, tables) for node in nodes), limits)


def _compared(change: ReviewedChange, node: str, tables: dict[str, set[tuple[str, str]]]) -> ComparedModel:
    names = {
        side: _relation(loaded, node, side, tables.get(side, set()))
        for side, loaded in (("base", change.base.loaded), ("head", change.head.loaded))
    }
    loaded = change.head.loaded if node in change.head.loaded.manifest.resources else change.base.loaded
    manifest, columns = loaded.manifest, loaded.graph.nodes[node].columns
    return ComparedModel(
        name=manifest.resources[node].name,
        unique_id=node,
        base=names["base"],
        head=names["head"],
        key=find_key(manifest, node, columns),
        pii=find_pii(manifest, node),
        changed_columns=change.selection.columns.get(node),
        unbuilt=_unbuilt(change, node, names),
        timed=find_timed(manifest, node),
        **_copied(change, node),
    )


def _copied(change: ReviewedChange, node: str) -> dict[str, Any]:
    """What is known of a model that was built in a server, of which a part may have been copied."""
    sides = [change.built[side].copied.get(node, Copied(0)) for side in ("base", "head")]
    one_in = max(side.one_in for side in sides)
    return {
        "counts": (sides[0].rows, sides[1].rows) if one_in > 1 else None,
        "copied_one_in": one_in,
        "types": (sides[0].types, sides[1].types),
    }


def _relation(loaded: Loaded, node: str, side: str, tables: set[tuple[str, str]]) -> str | None:
    """The built table, or the table that a built view was kept as."""
    entry = loaded.manifest.document["nodes"].get(node)
    if entry is None:
        return None
    schema, name = entry["schema"], entry.get("alias") or entry["name"]
    for place in ((schema, name), (KEPT_SCHEMA, f"{schema}.{name}")):
        if place in tables:
            return ".".join(map(duck.quote, (side, *place)))
    return None


def _unbuilt(change: ReviewedChange, node: str, names: dict[str, str | None]) -> str | None:
    for side, compiled in (("base", change.base), ("head", change.head)):
        if names[side] is not None or node not in compiled.loaded.manifest.resources:
            continue
        built = change.built[side]
        copied = built.copied.get(node)
        reason = built.plan.unbuilt.get(node) or (copied.error if copied else None) or built.error
        failed = next((r["message"] for r in built.nodes if r["id"] == node and r["status"] != "success"), None)
        return f"not built at {side}: {reason or ' '.join((failed or 'it was skipped').split())[:300]}"
    return None
