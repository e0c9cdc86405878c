"""Data tests of dbt: what of their arguments names columns, and of which table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugins.core.editing.yaml_places import child, items, pairs, text_of
from plugins.schema_drift.patching.documents.document import Document
from plugins.schema_drift.patching.documents.fragments import mentions
from plugins.schema_drift.patching.documents.shift import Shift

TESTS = ("data_tests", "tests")
# Arguments by the words in their names: of dbt's own tests, dbt_utils, dbt_expectations and elementary.
_COLUMNS = re.compile(r"(?:^|_)(?:columns?|cols?|fields?|keys?|by|combination|partition|timestamp)(?:_|$)", re.I)
_SQL = re.compile(
    r"expression|condition|(?:^|_)(?:where|filter|having|predicate|sql|formula|clause|(?:min|max)_value)(?:_|$)",
    re.I,
)
_NOT_NAMES = frozenset(
    [
        "name",
        "description",
        "severity",
        "values",
        "value_set",
        "to",
        "model",
        "compare_model",
        "tags",
        "meta",
        "error_if",
        "warn_if",
        "limit",
        "quote",
        "regex",
        "test_name",
        "fail_calc",
        "store_failures",
        "store_failures_as",
        "strictly",
        "interval",
        "datepart",
        "alias",
    ]
)
_OTHERS = ("to", "to_model", "compare_model", "reference_model", "other_model", "model")


def patch_tests(
    document: Document, entry: MappingNode, nodes: tuple[str, ...], shift: Shift | None, column: str | None
) -> None:
    """Tests of one entry. shift: of the node that they are tests of, None if it did not change."""
    for key in TESTS:
        for test in items(child(entry, key)):
            if isinstance(test, MappingNode):
                patch_test(document, test, nodes, shift, column)


def patch_test(
    document: Document, test: MappingNode, nodes: tuple[str, ...], shift: Shift | None, column: str | None
) -> None:
    """One test, in either of dbt's forms: `{name: {…}}`, or with `test_name` beside its arguments."""
    is_flat = child(test, "test_name") is not None
    bodies = [test] if is_flat else [value for _, value in test.value if isinstance(value, MappingNode)]
    for body in bodies:
        arguments = child(body, "arguments")
        inner = arguments if isinstance(arguments, MappingNode) else None
        others = {
            key: document.plan.nodes(text_of(value))
            for one in (body, inner)
            for key, (_, value) in pairs(one).items()
            if key in _OTHERS
        }
        for key, value in _arguments(body, inner):
            owner_shift, owner = _owner(document, key, nodes, shift, others)
            if owner_shift is not None:
                _argument(document, key, value, owner_shift, owner, column)


def _arguments(body: MappingNode, inner: MappingNode | None) -> Iterator[tuple[str, Node]]:
    for key, (_, value) in pairs(body).items():
        if key == "config" and isinstance(value, MappingNode):
            yield from ((name, one) for name, (_, one) in pairs(value).items() if name == "where")
        elif key != "arguments":
            yield key, value
    if inner is not None:
        yield from ((name, value) for name, (_, value) in pairs(inner).items())


def _owner(
    document: Document,
    key: str,
    nodes: tuple[str, ...],
    shift: Shift | None,
    others: dict[str, tuple[str, ...]],
) -> tuple[Shift | None, tuple[str, ...]]:
    """Whose columns an argument names: the tested table's, or those of the table that `to` names."""
    target = others.get("to") or others.get("to_model")
    if target and (key in ("field", "pk_field") or key.startswith(("to_", "parent_"))):
        return document.plan.shift(target), target
    compared = next((found for name, found in others.items() if name not in ("to", "to_model") and found), ())
    if compared and shift is None:
        return document.plan.shift(compared), compared
    return shift, nodes


def _argument(
    document: Document, key: str, value: Node, shift: Shift, nodes: tuple[str, ...], column: str | None
) -> None:
    if key in _NOT_NAMES:
        return
    names = {**shift.renamed, **dict.fromkeys((*shift.replaced, *shift.removed), "")}
    for node in _scalars(value):
        text = text_of(node)
        if (_SQL.search(key) or _COLUMNS.search(key)) and (old := mentions(text, list(shift.followed))):
            document.ask(f"`{old[0]}` is filled in older rows only; what is to be tested now?", node)
        if not mentions(text, list(names)):
            continue
        if _SQL.search(key):
            document.set_sql(node, shift, document.plan.tables(nodes), also_followed=False)
        elif _COLUMNS.search(key):
            exact = shift.find(text, names)
            if exact is None:
                document.set_sql(node, shift, document.plan.tables(nodes), also_followed=False)
            elif names[exact] and not document.is_writable(names[exact]):
                document.ask(
                    f"`{exact}` has a name now that must be quoted in SQL; does this test quote it?", node
                )
            else:
                document.set_column(node, shift, also_followed=False)
        elif shift.find(text, names) is not None:
            document.ask(f"is this the column `{text}`, which is called differently now?", node)


def _scalars(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, SequenceNode):
        for one in node.value:
            yield from _scalars(one)
    elif isinstance(node, MappingNode):
        for _, value in node.value:
            yield from _scalars(value)
