"""Columns that fell into others: what was said of them is said of these, and where they are made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ruamel.yaml.nodes import MappingNode, SequenceNode

from plugins.core.editing.yaml_places import child, items, plain, text_of
from plugins.core.lineage import Kind as Lineage
from plugins.schema_drift.change import Change, Kind
from plugins.schema_drift.patching.documents.describing import new_column
from plugins.schema_drift.patching.documents.document import Document, Plan
from plugins.schema_drift.patching.documents.fragments import has_braces
from plugins.schema_drift.patching.documents.shift import Shift

# What marks a column, as personal data for one: a part of it is no less so.
_MARKS = ("meta", "tags", "config", "policy_tags")


def part_of(
    document: Document, name: str, shift: Shift, columns: SequenceNode, known: Mapping[str, MappingNode]
) -> dict[str, object]:
    """The entry of a column that now holds what others held. known: the entries before, by name."""
    made = new_column(document.plan, name, shift, columns)
    olds = [old for old, news in shift.replaced.items() if name in news and old in known]
    words = " and ".join(f"`{old}`" for old in olds)
    said = [text for old in olds if (text := text_of(child(known[old], "description")).replace("\a", " ").strip())]
    own = str(made.get("description") or "")
    if olds and own.endswith(", as the source has it."):
        is_part = len(shift.replaced[olds[0]]) > 1
        lead = own.removesuffix(", as the source has it.")
        text = f"{lead}, {'a part of' if is_part else 'made of'} what was {words}"
        usable = [one for one in said if not has_braces(one) and "\n" not in one]
        made["description"] = f"{text} ({'; '.join(one.rstrip('.') for one in usable)})." if usable else f"{text}."
    for old in olds:
        made |= {key: plain(mark) for key in _MARKS if (mark := child(known[old], key)) is not None}
    return made


def keep_descriptions(document: Document, entry: MappingNode, nodes: tuple[str, ...]) -> None:
    """Where a model makes an old column again, it says what its source said of it, unless it says something."""
    columns = child(entry, "columns")
    if not isinstance(columns, SequenceNode):
        return
    listed = {text_of(child(one, "name")).lower(): one for one in items(columns) if isinstance(one, MappingNode)}
    for node, column, text in made_again(document.plan):
        if node not in nodes:
            continue
        known = listed.get(column)
        if known is None:
            done = document.editor.insert(columns, {"name": column, "description": text})
        elif not text_of(child(known, "description")).strip():
            done = document.editor.add_key(known, "description", text, after="name")
        else:
            continue
        if done:
            document.tell(f"`{column}` is described as its source was")


def made_again(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """(model, column, description at the source) of columns that are made of several now, or of another part."""
    for change in plan.drift.changes:
        if change.kind not in (Kind.COLUMN_SPLIT, Kind.COLUMNS_MERGED):
            continue
        for old, text in _said(plan, change):
            for edge in plan.project.graph.out_of.get((change.table, old.lower()), ()):
                if edge.kind is Lineage.IDENTITY and edge.to_column is not None:
                    yield edge.to_node, edge.to_column, text


def _said(plan: Plan, change: Change) -> Iterator[tuple[str, str]]:
    source = plan.project.manifest.document.get("sources", {}).get(change.table) or {}
    described = {
        str(one.get("name", "")).lower(): str(one.get("description") or "").strip()
        for one in (source.get("columns") or {}).values()
    }
    for old in change.before:
        text = described.get(old.lower(), "")
        # What is gone at the source is made again below it; what is still there says it itself.
        if text and old not in change.after and not has_braces(text):
            yield old, " ".join(text.split())
