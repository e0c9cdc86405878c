"""Soda contracts: columns with their types, checks, and the SQL in them."""

from __future__ import annotations

import re

import sqlglot
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core.editing.yaml_places import child, items, pairs, text_of
from plugins.core.editing.yaml_scalars import value_of
from plugins.schema_drift.patching.documents.columns import set_type
from plugins.schema_drift.patching.documents.describing import rename_in_prose, styled_type
from plugins.schema_drift.patching.documents.document import Document, Plan
from plugins.schema_drift.patching.documents.fragments import has_braces, mentions
from plugins.schema_drift.patching.documents.shift import Shift

_TYPE = re.compile(r"\s*([^()]+?)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)\s*(.*)", re.DOTALL)
_SQL = ("expression", "filter", "column_expression")
_NUMBERS = ("numeric_precision", "numeric_scale", "character_maximum_length", "datetime_precision")


def patch_contract(document: Document) -> None:
    """A contract, if the file is one: what its dataset is called and how it is checked now."""
    root = document.editor.root
    dataset = text_of(child(root, "dataset"))
    if not dataset:
        return
    nodes = nodes_of(document.plan, dataset)
    shift = document.plan.shift(nodes)
    if shift is not None:
        _columns(document, root, shift, nodes)
        rename_in_prose(document, child(root, "description"), dict(shift.renamed))
        _sql(document, child(root, "filter"), shift, nodes)
    for holder in (root, *items(child(root, "columns"))):
        for check in items(child(holder, "checks")):
            for _, body in pairs(check).values():
                if isinstance(body, MappingNode):
                    _check(document, body, shift, nodes)


def nodes_of(plan: Plan, dataset: str) -> tuple[str, ...]:
    """The nodes whose relation a dataset `source/schema/table` is."""
    *_, schema, table = ["", "", *re.split(r"[/.]", dataset.lower())]
    found = [
        resource
        for resource in plan.project.manifest.resources.values()
        if resource.relation is not None and resource.identifier == table
    ]
    exact = [one for one in found if one.relation is not None and one.relation[1] == schema]
    if exact:
        return tuple(one.id for one in exact)
    # A target may write to schemas of its own, `dbt_ada_silver`; the name alone must then be unmistakable.
    near = [one for one in found if one.relation is not None and one.relation[1].endswith(f"_{schema}")]
    return (near[0].id,) if len(near) == 1 else ()


def _columns(document: Document, root: MappingNode, shift: Shift, nodes: tuple[str, ...]) -> None:
    columns = child(root, "columns")
    if not isinstance(columns, SequenceNode):
        return
    known = {text_of(child(one, "name")): one for one in items(columns) if isinstance(one, MappingNode)}
    for name, column in known.items():
        node = child(column, "name")
        if node is None:
            continue
        if (key := shift.find(name, shift.renamed)) is not None:
            if shift.renamed[key] in known and shift.find(shift.renamed[key], shift.renamed) is None:
                document.editor.remove(column)
            elif document.set_name(node, shift.renamed[key]):
                _set_shape(document, column, shift.types.get(shift.renamed[key]), shift.before_types.get(key))
            document.tell(f"`{name}` is `{shift.renamed[key]}`")
        elif shift.find(name, {*shift.removed, *shift.replaced}) is not None:
            if document.editor.remove(column):
                document.tell(f"`{name}` is gone")
            _insert(document, columns, column, shift.replaced.get(name, ()), known, shift)
        elif (key := shift.find(name, shift.followed)) is not None:
            _insert(document, columns, column, shift.followed[key], known, shift)
            _ask_of_missing(document, column, name)
        elif shift.find(name, shift.stale) is not None:
            _ask_of_missing(document, column, name)
        elif (key := shift.find(name, shift.retyped)) is not None:
            _set_shape(document, column, shift.retyped[key], None)
        for part in _SQL:
            _sql(document, child(column, part), shift, nodes)
        rename_in_prose(document, child(column, "description"), dict(shift.renamed))
    last = [one for one, entry in known.items() if not one.startswith("_smelt_")]
    _insert(document, columns, known[last[-1]] if last else None, tuple(shift.added), known, shift)


def _insert(
    document: Document,
    columns: SequenceNode,
    after: MappingNode | None,
    names: tuple[str, ...],
    known: dict[str, MappingNode],
    shift: Shift,
) -> None:
    typed = [text_of(child(one, "data_type")) for one in known.values() if child(one, "data_type") is not None]
    for name in names:
        if name.lower() in {one.lower() for one in known}:
            continue
        if has_braces(name):
            document.ask("a new column has Jinja braces in its name; write it by hand", columns)
            continue
        kind = shift.types.get(name) or shift.added.get(name) or ""
        entry: dict[str, object] = {"name": name}
        if kind and typed:
            base, numbers = split_type(kind)
            entry["data_type"] = styled_type(base, typed)
            entry |= numbers
        if document.editor.insert(columns, entry, after):
            document.tell(f"`{name}` is in the contract")
        else:
            document.ask(f"`{name}` is a new column", columns)


def split_type(kind: str) -> tuple[str, dict[str, int]]:
    """A type as Soda has it: its name, and its numbers by Soda's keys.

    >>> split_type("decimal(12, 4)")
    ('decimal', {'numeric_precision': 12, 'numeric_scale': 4})
    """
    found = _TYPE.fullmatch(kind)
    if found is None:
        return kind, {}
    base = f"{found[1]} {found[4]}".strip()
    if re.match(r"(?:dec|num)", base, re.IGNORECASE):
        return base, {"numeric_precision": int(found[2]), "numeric_scale": int(found[3] or 0)}
    if re.search(r"char|text|string", base, re.IGNORECASE):
        return base, {"character_maximum_length": int(found[2])}
    return kind, {}


def _set_shape(document: Document, column: MappingNode, kind: str | None, before: str | None) -> None:
    """The type and its numbers, where the contract says them."""
    if not kind or (before is not None and before.replace(" ", "") == kind.replace(" ", "")):
        return
    base, numbers = split_type(kind)
    set_type(document, column, base, None, must=True)
    for key in _NUMBERS:
        node = child(column, key)
        if node is None:
            continue
        if key not in numbers:
            document.editor.remove(node)
        elif text_of(node) != str(numbers[key]) and not document.editor.set_raw(node, str(numbers[key])):
            document.ask(f"`{key}` is {numbers[key]} now", node)


def _ask_of_missing(document: Document, column: MappingNode, name: str) -> None:
    for check in items(child(column, "checks")):
        if "missing" in pairs(check):
            document.ask(f"`{name}` is not filled in newer rows, and may not be missing", check)


def _check(document: Document, body: MappingNode, shift: Shift | None, nodes: tuple[str, ...]) -> None:
    for key, (_, value) in pairs(body).items():
        if key == "valid_reference_data":
            _reference(document, value)
        elif shift is None:
            continue
        elif key in ("columns", "group_by"):
            for node in items(value):
                _name(document, node, shift, nodes)
        elif key == "column":
            _name(document, value, shift, nodes)
        elif key in _SQL or key == "query":
            _sql(document, value, shift, nodes)
        elif isinstance(value, MappingNode):
            _check(document, value, shift, nodes)


def _name(document: Document, node: Node, shift: Shift, nodes: tuple[str, ...]) -> None:
    if mentions(text_of(node), list(shift.followed)):
        document.ask(f"`{text_of(node)}` is filled in older rows only; what is to be checked now?", node)
    elif shift.find(text_of(node), {*shift.renamed, *shift.gone}) is not None:
        document.set_column(node, shift, also_followed=False)
    else:
        document.set_sql(node, shift, document.plan.tables(nodes), also_followed=False)


def _sql(document: Document, node: Node | None, shift: Shift, nodes: tuple[str, ...]) -> None:
    if not isinstance(node, ScalarNode):
        return
    text = value_of(node)
    if old := mentions(text, list(shift.followed)):
        document.ask(f"`{old[0]}` is filled in older rows only; what is to be checked now?", node)
    if mentions(text, list(shift.renamed)) and len(_tables(text, document.plan.dialect)) > 1:
        document.ask("this query reads several tables; which of its columns are called differently now?", node)
        return
    document.set_sql(node, shift, document.plan.tables(nodes), also_followed=False)


def _tables(sql: str, dialect: str) -> set[str]:
    """Tables that a query reads; none of an expression, or of what cannot be read."""
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect)
    except SqlglotError:
        return set()
    return {table.sql() for table in tree.find_all(exp.Table)}


def _reference(document: Document, value: Node) -> None:
    """A check that values exist in a column of another dataset."""
    target = document.plan.shift(nodes_of(document.plan, text_of(child(value, "dataset"))))
    column = child(value, "column")
    if target is not None and column is not None:
        document.set_column(column, target)
