"""What a build need not do again: nodes that nothing new has reached since the published run was built."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from plugins.build.holding import TAG, add_tag
from plugins.core.lake import Pin
from plugins.core.settings import Settings
from plugins.core.warehouse.published import PublishedRun, current_run, run_path
from plugins.core.warehouse.reader import open_built

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from plugins.core.project import Project

_TABLES = ("model", "seed", "snapshot")


def spare(settings: Settings, project: Project, pins: Sequence[Pin]) -> dict[str, str]:
    """Leave out what is as it was: nodes (id → `schema.table`, "" for tests) that no newer bronze row reaches.

    They are marked in the manifest, so that dbt's own selection leaves them out, and keep their compiled SQL.
    Empty, so that everything is built, if a file of the project changed, if the warehouse lacks a table, and on
    another day than the published run's: models may ask for today's date.
    """
    current = current_run(settings)
    if current is None or current.target != project.target_name or current.at.date() != datetime.now(UTC).date():
        return {}
    path = run_path(settings, current.id).with_suffix("") / "manifest.json"
    if not path.is_file():
        return {}
    before, manifest = json.loads(path.read_bytes()), project.manifest
    if _code(before["nodes"].values(), before["macros"].values()) != _code_of(manifest):
        return {}
    reached = _reached(manifest, _moved(current, pins))
    spared = {
        key: f"{node.schema}.{node.alias}" if str(node.resource_type) in _TABLES else ""
        for key, node in manifest.nodes.items()
        if key not in reached
    }
    if not _are_there(project, manifest, spared):
        return {}
    for key in spared:
        node: Any = manifest.nodes[key]
        add_tag(node, TAG)
        if sql := before["nodes"][key].get("compiled_code"):
            node.compiled, node.compiled_code = True, sql
    return spared


def layers_left(manifest: Manifest, left_out: Collection[str]) -> tuple[str, ...]:
    """The layers in which a table is left to build; dbt opens no warehouse for a selection without any."""
    left = {
        "silver" if _is_silver(node) else "gold"
        for key, node in manifest.nodes.items()
        if str(node.resource_type) in _TABLES and key not in left_out
    }
    return tuple(layer for layer in ("silver", "gold") if layer in left)


def _is_silver(node: Any) -> bool:
    return str(node.resource_type) == "seed" or node.original_file_path.startswith(("models/silver/", "sources/"))


def _moved(current: PublishedRun, pins: Sequence[Pin]) -> set[str]:
    """Bronze tables that are at another snapshot than the published run's, or may be: their rows are elsewhere."""
    was = {pin.table: pin.snapshot_id for pin in current.pins}
    return {pin.table for pin in pins if pin.in_place or was.get(pin.table, -1) != pin.snapshot_id}


def _reached(manifest: Manifest, moved: Iterable[str]) -> set[str]:
    """Nodes that descend from `moved`, or from a source that isn't bronze: who knows whether that moved."""
    children: dict[str, list[str]] = defaultdict(list)
    for key, node in manifest.nodes.items():
        for parent in node.depends_on_nodes:
            children[parent].append(key)
    tables = set(moved)
    waiting = [
        key for key, source in manifest.sources.items() if source.schema != "bronze" or source.identifier in tables
    ]
    reached: set[str] = set()
    while waiting:
        for child in children[waiting.pop()]:
            if child not in reached:
                reached.add(child)
                waiting.append(child)
    return reached


def _are_there(project: Project, manifest: Manifest, spared: Mapping[str, str]) -> bool:
    """Whether the warehouse has the tables that are not built."""
    if not project.warehouse.is_file():
        return False
    with open_built(project.warehouse) as con:
        rows = con.execute("select table_schema || '.' || table_name from information_schema.tables").fetchall()
    there = {name for (name,) in rows}
    return all(
        name in there
        for key, name in spared.items()
        if name and manifest.nodes[key].config.materialized != "ephemeral"
    )


def _code(nodes: Iterable[Mapping[str, Any]], macros: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    """What nodes and macros consist of: id, checksum, configuration."""
    made_of = {
        (node["unique_id"], str((node.get("checksum") or {}).get("checksum")), node.get("raw_code") or "")
        for node in nodes
    }
    return made_of | {(macro["unique_id"], "", macro["macro_sql"]) for macro in macros}


def _code_of(manifest: Manifest) -> set[tuple[str, str, str]]:
    nodes = [
        {
            "unique_id": key,
            "checksum": {"checksum": getattr(getattr(node, "checksum", None), "checksum", None)},
            "raw_code": getattr(node, "raw_code", ""),
        }
        for key, node in manifest.nodes.items()
    ]
    macros = [{"unique_id": key, "macro_sql": macro.macro_sql} for key, macro in manifest.macros.items()]
    return _code(nodes, macros)
