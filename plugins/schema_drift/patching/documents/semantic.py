"""Semantic models: what is measured keeps its name, so that metrics, saved queries and dashboards stay."""

from __future__ import annotations

from collections.abc import Iterator

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugins.core.editing.yaml_places import child, items, text_of
from plugins.schema_drift.patching.documents.describing import rename_in_prose
from plugins.schema_drift.patching.documents.document import Document
from plugins.schema_drift.patching.documents.fragments import has_braces, mentions, sql_name
from plugins.schema_drift.patching.documents.shift import Shift

_PARTS = ("entities", "dimensions", "measures")


def patch_semantic_models(document: Document) -> None:
    """Entities, dimensions and measures read the columns of now under the names that they have."""
    for model in items(child(document.editor.root, "semantic_models")):
        nodes = document.plan.nodes(text_of(child(model, "model")))
        shift = document.plan.shift(nodes)
        if shift is None:
            continue
        tables = document.plan.tables(nodes)
        for section in _PARTS:
            for part in items(child(model, section)):
                if isinstance(part, MappingNode):
                    _part(document, part, shift, tables)
        rename_in_prose(document, child(model, "description"), dict(shift.renamed))


def _part(document: Document, part: MappingNode, shift: Shift, tables: set[str]) -> None:
    expression = child(part, "expr")
    name = text_of(child(part, "name"))
    rename_in_prose(document, child(part, "description"), dict(shift.renamed))
    if expression is not None and text_of(expression):
        if document.set_sql(expression, shift, tables, also_followed=False):
            document.tell(f"`{name}` reads the new name")
        return
    if shift.find(name, {*shift.removed, *shift.replaced}) is not None:
        document.ask(f"`{name}` is gone from the model, and this is made from it", part)
    new = shift.renamed_to(name)
    if new is None:
        return
    if has_braces(new) or not document.editor.add_key(
        part, "expr", sql_name(new, "", document.plan.dialect), after=_behind(part)
    ):
        document.ask(f"`{name}` of this semantic model is the column `{new}` now", part)
    else:
        document.tell(f"`{name}` reads the new name")


def _behind(part: MappingNode) -> str:
    """Behind what says what it is: where people write `expr`."""
    keys = [str(key.value) for key, _ in part.value]
    return next(key for key in ("agg", "type", "label", "description", "name", *keys) if key in keys)


def patch_metrics(document: Document) -> None:
    """Filters that name a column of a model directly; those through `Dimension('…')` keep what they name."""
    renamed = {old: new for shift in document.plan.shifts.values() for old, new in shift.renamed.items()}
    if not renamed:
        return
    for section in ("metrics", "saved_queries"):
        for entry in items(child(document.editor.root, section)):
            for node in _filters(entry):
                text = text_of(node)
                outside = "".join(part.partition("}}")[2] for part in ("}}" + text).split("{{"))
                for name in mentions(outside, list(renamed)):
                    document.ask(f"does this filter mean `{name}`, which is `{renamed[name]}` now?", node)


def _filters(entry: Node) -> Iterator[ScalarNode]:
    if isinstance(entry, MappingNode):
        for key, value in entry.value:
            if str(key.value) in ("filter", "where"):
                yield from (one for one in (value, *items(value)) if isinstance(one, ScalarNode))
            else:
                yield from _filters(value)
    elif isinstance(entry, SequenceNode):
        for one in entry.value:
            yield from _filters(one)


def patch_exposures(document: Document) -> None:
    """Descriptions that name a column of what they depend on."""
    for exposure in items(child(document.editor.root, "exposures")):
        names: dict[str, str] = {}
        doubtful: set[str] = set()
        for reference in items(child(exposure, "depends_on")):
            nodes = document.plan.nodes(text_of(reference))
            shift = document.plan.shift(nodes)
            if shift is not None:
                names |= shift.renamed
            else:
                for node in nodes:
                    known = document.plan.project.graph.nodes.get(node)
                    doubtful |= set(known.columns if known else ())
        sure = {old: new for old, new in names.items() if old.lower() not in doubtful}
        rename_in_prose(document, child(exposure, "description"), sure)
        for name in mentions(text_of(child(exposure, "description")), [n for n in names if n not in sure]):
            document.ask(f"does this speak of `{name}`, which is `{names[name]}` now?", exposure, is_minor=True)
