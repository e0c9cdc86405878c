"""What a build leaves alone while proposals wait: nodes that are made from streams that are held back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from plugins.build.result import HeldStream
from plugins.core.lake import Lake, Pin
from plugins.core.ledger import TABLES, Hold, Ledger, open_holds
from plugins.core.settings import Settings
from plugins.core.warehouse.held import count_held
from plugins.core.warehouse.published import PublishedRun, PublishedTable, StaleTable
from plugins.core.warehouse.reader import open_built

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from plugins.core.project import Project

# Nodes that are left out carry it, so that dbt's own selection leaves them out, and its artifacts say so.
TAG = "smelt_stale"
ACCOUNTING = ("silver", "row_accounting")


@dataclass(frozen=True)
class Holding:
    """Streams that are held back, and the nodes (unique ids) that are stale for it, with the holds to blame."""

    holds: tuple[Hold, ...] = ()
    stale: Mapping[str, tuple[Hold, ...]] = field(default_factory=dict)

    def datasets(self, manifest: Manifest) -> dict[str, tuple[Hold, ...]]:
        """`schema.table` of the stale models."""
        nodes = {key: manifest.nodes[key] for key in self.stale if key in manifest.nodes}
        return {f"{node.schema}.{node.alias}": self.stale[key] for key, node in nodes.items() if _is_model(node)}


def find_holding(ledger: Ledger, project: Project, target: str | None) -> Holding:
    """What is held back now, and what is stale for it in this target's warehouse; marks it in the manifest."""
    holds = tuple(one for one in open_holds(ledger) if one.is_blocking)
    if not holds:
        return Holding()
    manifest = project.manifest
    stale = stale_nodes(manifest, holds)
    spared = _accounting(manifest, stale, holds, project.warehouse, _built_from(ledger, target))
    stale = {key: found for key, found in stale.items() if key not in spared}
    _mark(manifest, stale)
    return Holding(holds, stale)


def hold_pins(pins: Iterable[Pin], holds: Sequence[Hold]) -> list[Pin]:
    """`pins`, those of held streams as they were before; a stream that had no snapshot then has no pin."""
    before = {one.table: one.pin for one in holds}
    kept = ((pin, before.get(pin.table, pin)) for pin in pins)
    return [replace(held, key=pin.key, unsent=pin.unsent) for pin, held in kept if held is not None]


def stale_nodes(manifest: Manifest, holds: Sequence[Hold]) -> dict[str, tuple[Hold, ...]]:
    """Nodes that descend from the bronze table of a hold, by dbt's graph; tests of such nodes among them."""
    children: dict[str, list[str]] = defaultdict(list)
    for key, node in [*manifest.nodes.items(), *manifest.unit_tests.items()]:
        for parent in node.depends_on_nodes:
            children[parent].append(key)
    found: dict[str, dict[str, Hold]] = defaultdict(dict)
    for held in holds:
        waiting = [
            key for key, one in manifest.sources.items() if (one.schema, one.identifier) == ("bronze", held.table)
        ]
        while waiting:
            for child in children[waiting.pop()]:
                if held.name not in found[child]:
                    found[child][held.name] = held
                    waiting.append(child)
    return {key: tuple(by_name.values()) for key, by_name in found.items()}


def _mark(manifest: Manifest, stale: Iterable[str]) -> None:
    for key in stale:
        node: Any = manifest.nodes.get(key) or manifest.unit_tests[key]
        # Of a unit test, `tags` is made anew from its configuration each time.
        add_tag(node.config if key in manifest.unit_tests else node, TAG)


def add_tag(owner: Any, tag: str) -> None:
    """Give a node of dbt's manifest another tag."""
    tags = [owner.tags] if isinstance(owner.tags, str) else owner.tags
    owner.tags = [*tags, tag]


def _accounting(
    manifest: Manifest,
    stale: Mapping[str, tuple[Hold, ...]],
    holds: Sequence[Hold],
    warehouse: Path,
    built_from: Mapping[str, Mapping[str, int | None]],
) -> set[str]:
    """The model of row accounting and its tests, if they can be judged while streams are held back.

    They can where all that is stale before them is there, as it was built from the very snapshots at which
    the streams are held: then both sides of the balance are of the same time.
    """
    model = next(
        (k for k, n in manifest.nodes.items() if _is_model(n) and (n.schema, n.alias) == ACCOUNTING), None
    )
    if model is None or model not in stale or not warehouse.is_file():
        return set()
    with open_built(warehouse) as con:
        tables = con.execute("select table_schema || '.' || table_name from information_schema.tables").fetchall()
    there = {name for (name,) in tables}
    for key in _stale_ancestors(manifest, model, stale):
        node = manifest.nodes[key]
        if node.config.materialized == "ephemeral":
            continue
        pinned = built_from.get(key, {})
        if f"{node.schema}.{node.alias}" not in there or any(
            pinned.get(held.table, -1) != (held.pin.snapshot_id if held.pin else None) for held in stale[key]
        ):
            return set()
    tests = {k for k, n in manifest.nodes.items() if set(n.depends_on_nodes) == {model} and not _is_model(n)}
    return {model, *tests}


def _stale_ancestors(manifest: Manifest, model: str, stale: Mapping[str, Any]) -> set[str]:
    seen: set[str] = set()
    waiting = [model]
    while waiting:
        for parent in manifest.nodes[waiting.pop()].depends_on_nodes:
            if parent in stale and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return seen


def _built_from(ledger: Ledger, target: str | None) -> dict[str, dict[str, int | None]]:
    """Of each model, the bronze snapshots that it was last built from in this target, by bronze table."""
    events, nodes, pins = TABLES["run_events"], TABLES["node_runs"], TABLES["pins"]
    begun = ledger.read(select(events).where(events.c.kind == "build", events.c.event == "start"))
    # A build of an earlier time writes a file of its own.
    ours = {
        row["run_id"]
        for row in begun
        if (row["detail"] or {}).get("target") == target and not (row["detail"] or {}).get("as_of")
    }
    last: dict[str, str] = {}
    succeeded: Any = select(nodes.c.unique_id, nodes.c.run_id).where(nodes.c.status == "success")
    for row in ledger.read(succeeded.order_by(nodes.c.at, nodes.c.event_id)):
        if row["run_id"] in ours:
            last[row["unique_id"]] = row["run_id"]
    found: dict[str, dict[str, int | None]] = defaultdict(dict)
    for row in ledger.read(select(pins).where(pins.c.run_id.in_(sorted(set(last.values()))))):
        found[row["run_id"]][row["table_name"]] = row["snapshot_id"]
    return {key: found[run_id] for key, run_id in last.items()}


def _is_model(node: Any) -> bool:
    return str(node.resource_type) == "model"


def held_streams(settings: Settings, holds: Sequence[Hold]) -> tuple[HeldStream, ...]:
    """What is held back, with the rows that wait in bronze."""
    rows = count_held(Lake(settings), holds)
    return tuple(
        HeldStream(one.name, one.since, one.proposal_id, told(one), rows.get(one.name, 0)) for one in holds
    )


def told(hold: Hold) -> str:
    """What changed, in a line: `column renamed: unit_price → price_gbp`."""
    return "; ".join(_told(change) for change in hold.changes) or "its source changed"


def _told(change: Mapping[str, Any]) -> str:
    kind = str(change.get("kind", "changed")).replace("_", " ")
    before, after = (", ".join(change.get(side) or ()) for side in ("before", "after"))
    names = " → ".join(dict.fromkeys(name for name in (before, after) if name))
    return f"{kind}: {names}" if names else kind


def keep_stale(
    stale: Mapping[str, Sequence[Hold]], current: PublishedRun | None
) -> tuple[tuple[PublishedTable, ...], tuple[StaleTable, ...]]:
    """Of stale datasets, the tables that readers have now, and what readers are told about them."""
    kept, marks = [], []
    known = {one.dataset: one for one in current.stale} if current else {}
    for dataset, holds in sorted(stale.items()):
        table = current.table(dataset) if current else None
        earlier = known.get(dataset)
        published_by = (earlier.published_by if earlier else current.id) if current and table else None
        if table is not None:
            kept.append(table)
        marks.append(
            StaleTable(
                dataset=dataset,
                since=min(one.since for one in holds),
                streams=tuple(one.name for one in holds),
                reason="; ".join(f"{one.name}: {told(one)}" for one in holds),
                proposal_id=next((one.proposal_id for one in holds if one.proposal_id), None),
                published_by=published_by,
            )
        )
    return tuple(kept), tuple(marks)
