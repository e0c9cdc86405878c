"""Snapshots in YAML: they take a table as it is, so that a model must come between the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node

from plugins.core.editing.yaml_editor import YamlEditor
from plugins.core.editing.yaml_places import child, items, text_of
from plugins.core.errors import SmeltError
from plugins.schema_drift.patching.sql.between import Between
from plugins.schema_drift.patching.sql.files import SqlFiles
from plugins.schema_drift.patching.sql.plan import TablePlan
from plugins.schema_drift.patching.sql.work import Work


def yaml_snapshots(files: SqlFiles, node: str) -> list[Mapping[str, Any]]:
    """Snapshots that take a node's rows without a query of their own."""
    entries = (files.nodes[one] for one in files.readers(node))
    return [
        one
        for one in entries
        if one.get("resource_type") == "snapshot" and not str(one.get("original_file_path", "")).endswith(".sql")
    ]


def is_snapshotted(files: SqlFiles, node: str) -> bool:
    """Whether a snapshot in YAML takes a node's rows."""
    return bool(yaml_snapshots(files, node))


def put_between(work: Work, plan: TablePlan) -> dict[str, set[str]] | None:
    """A model that gives the columns of before to the snapshots of a table, which then take their rows from it.

    What was kept has the old columns and what comes would have the new ones. Returns what the model restores, by
    its path; None: there can be no such model, which was asked about, so that nothing else may be changed.
    """
    wanted = [*(target.column for target in plan.targets.values()), *plan.failed]
    found = yaml_snapshots(work.files, plan.table.id) if wanted else []
    if not found:
        return {}
    between = Between(work, plan)
    pointed = _pointed(work, found, between.model() or "")
    if between.model() is None or pointed is None:
        for entry in found:
            _ask(work, plan, entry, wanted)
        return None
    for path, after in pointed.items():
        work.keep(path, after, [f"takes its rows from `{between.model()}`"])
    return {between.path: set(plan.targets)}


def _pointed(work: Work, found: Iterable[Mapping[str, Any]], model: str) -> dict[str, str] | None:
    """The documents of snapshots, pointing to the model; None: one of them can't be edited."""
    texts: dict[str, str] = {}
    for entry in found:
        path = str(entry.get("original_file_path", ""))
        if path not in work.project.paths:
            return None
        try:
            editor = YamlEditor(texts.get(path) or work.text(path))
            relation = _relation(editor, str(entry["name"]))
            if relation is None or not editor.set_text(relation, f"ref('{model}')"):
                return None
            texts[path] = editor.result()
        except SmeltError:
            return None
    return texts


def _relation(editor: YamlEditor, name: str) -> Node | None:
    for entry in items(child(editor.root, "snapshots")):
        if isinstance(entry, MappingNode) and text_of(child(entry, "name")) == name:
            return child(entry, "relation")
    return None


def _ask(work: Work, plan: TablePlan, entry: Mapping[str, Any], wanted: Iterable[str]) -> None:
    name, path = str(entry["name"]), str(entry.get("original_file_path", ""))
    text = work.text(path) if path in work.project.paths else ""
    at = text.find(f"name: {name}")
    below = sorted(work.project.graph.children.get(str(entry["unique_id"]), ()))
    readers = _listed(one.split(".")[-1] for one in below)
    work.ask(
        f"the snapshot `{name}` takes {plan.table.name} as it is: it will add new columns beside the old "
        f"ones, and {_listed(wanted)} will not be filled or not mean the same. A model between the two, of which "
        "it takes its rows, keeps its history consistent; until there is one nothing was changed"
        f"{f', and {readers} must not take new rows from it' if readers else ''}. What shall it give?",
        path,
        text.count("\n", 0, at) + 1 if at >= 0 else 0,
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))
