"""The list of columns of a source table, model, seed or snapshot."""

from __future__ import annotations

from collections.abc import Iterable

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from plugins.core.editing.yaml_places import child, items, plain, text_of
from plugins.schema_drift.patching.documents.data_tests import TESTS, patch_tests
from plugins.schema_drift.patching.documents.describing import (
    add_note,
    is_code_like,
    new_column,
    rename_in_prose,
    styled_type,
)
from plugins.schema_drift.patching.documents.document import Document
from plugins.schema_drift.patching.documents.fragments import has_braces, is_plain_name
from plugins.schema_drift.patching.documents.parted import part_of
from plugins.schema_drift.patching.documents.shift import Shift


def patch_columns(document: Document, entry: MappingNode, nodes: tuple[str, ...], shift: Shift) -> None:
    """The columns of one entry. nodes: whose they are."""
    columns = child(entry, "columns")
    if not isinstance(columns, SequenceNode):
        return
    known = {text_of(child(one, "name")): one for one in items(columns) if isinstance(one, MappingNode)}
    for name, column in list(known.items()):
        if has_braces(name) and shift.gone:
            document.ask("this column's name is made by Jinja; is it one that changed?", column)
            continue
        _patch_column(document, columns, column, name, known, shift)
        patch_tests(document, column, nodes, shift, name)
        _constraints(document, column, shift)
        rename_in_prose(document, child(column, "description"), dict(shift.renamed))
    document.ask_of_comments(entry, [name for name in shift.gone if is_code_like(name)])
    _add(document, columns, nodes, known, shift)


def _patch_column(
    document: Document,
    columns: SequenceNode,
    column: MappingNode,
    name: str,
    known: dict[str, MappingNode],
    shift: Shift,
) -> None:
    editor = document.editor
    if (key := shift.find(name, shift.renamed)) is not None:
        new = shift.renamed[key]
        # Of two columns that change names, the other's entry goes its own way.
        if new in known and shift.find(new, shift.renamed) is None:
            _remove(document, column, name)
        elif document.set_name(_name_node(column), new):
            document.tell(f"`{name}` is `{new}`")
            _quote(document, column, key, new)
            set_type(document, column, shift.types.get(new), shift.before_types.get(key))
    elif (key := shift.find(name, shift.followed)) is not None:
        _follow(document, columns, column, key, known, shift)
    elif (key := shift.find(name, shift.replaced)) is not None:
        for new in shift.replaced[key]:
            if new not in known and not has_braces(new):
                made = part_of(document, new, shift, columns, known)
                if document.editor.insert(columns, made, column):
                    known[new] = column
                    document.tell(f"`{new}` is documented")
        _ask_of_tests(document, column, key, shift.replaced[key])
        _remove(document, column, name)
    elif shift.find(name, shift.removed) is not None:
        _remove(document, column, name)
    elif shift.find(name, shift.stale) is not None:
        add_note(document, column, _filled(shift, ()))
        _ask_of_nulls(document, column, name)
    elif (key := shift.find(name, shift.retyped)) is not None:
        set_type(document, column, shift.retyped[key], shift.before_types.get(key), must=True)
    if editor.is_shared(column):
        return


def _quote(document: Document, column: MappingNode, old: str, new: str) -> None:
    """dbt's tests write a column's name as it is, unless its entry says that it is quoted."""
    is_tested = any(child(column, key) is not None for key in TESTS)
    must = is_plain_name(old, document.plan.dialect) and not is_plain_name(new, document.plan.dialect)
    if must and is_tested and child(column, "quote") is None:
        document.editor.add_key(column, "quote", True, after="name")


def _name_node(column: MappingNode) -> Node:
    found = child(column, "name")
    if found is None:
        raise AssertionError("an entry was found by its name")
    return found


def _remove(document: Document, column: MappingNode, name: str) -> None:
    if document.editor.remove(column):
        document.tell(f"`{name}` is gone")
    else:
        document.ask(f"`{name}` is gone, and this cannot be taken out without changing other places", column)


def _filled(shift: Shift, news: Iterable[str]) -> str:
    """What a column of older rows says of itself."""
    until = f"until {shift.until}" if shift.until else "in older rows only"
    since = ", ".join(f"`{new}`" for new in news if not has_braces(new) and "`" not in new)
    return f"Filled {until}{f'; {since} since' if since else ''}."


def _follow(
    document: Document,
    columns: SequenceNode,
    column: MappingNode,
    name: str,
    known: dict[str, MappingNode],
    shift: Shift,
) -> None:
    """The old column stays, with a note, and the new one is documented beside it with its words and tests."""
    news = shift.followed[name]
    add_note(document, column, _filled(shift, news))
    for new in news:
        if new in known:
            continue
        if has_braces(new):
            document.ask("the column that follows this one has Jinja braces in its name; write it by hand", column)
            continue
        made = new_column(document.plan, new, shift, columns)
        if len(news) == 1 and (words := text_of(child(column, "description"))).strip():
            made["description"] = words.replace("\a", " ").strip()
        if len(news) == 1:
            made |= _tests_that_follow(document, column, shift)
        if document.editor.insert(columns, made, column):
            document.tell(f"`{new}` is documented beside `{name}`")
        else:
            document.ask(f"document `{new}`, which follows `{name}`", column, is_minor=True)
    if len(news) > 1:
        _ask_of_tests(document, column, name, news)


def _tests_that_follow(document: Document, column: MappingNode, shift: Shift) -> dict[str, object]:
    """Tests of the old column for the new one; what must not be null is filled in its own rows only."""
    for key in TESTS:
        tests = child(column, key)
        if tests is None:
            continue
        made = []
        for test in items(tests):
            value = plain(test)
            if value == "not_null":
                if shift.since is None:
                    document.ask("this column is not filled in newer rows, and must not be null", test)
                    return {}
                document.editor.remove(test)
                _insert_test(document, tests, {"not_null": {"config": {"where": f"not ({shift.since})"}}}, test)
                made.append({"not_null": {"config": {"where": shift.since}}})
            elif "not_null" in str(value):
                document.ask("this column is not filled in newer rows, and must not be null", test)
            else:
                made.append(value)
        return {key: made} if made else {}
    return {}


def _insert_test(document: Document, tests: Node, test: object, after: Node) -> None:
    if isinstance(tests, SequenceNode):
        document.editor.insert(tests, test, after)


def _ask_of_tests(document: Document, column: MappingNode, name: str, news: tuple[str, ...]) -> None:
    tests = next((child(column, key) for key in TESTS if child(column, key) is not None), None)
    if tests is not None and items(tests):
        others = ", ".join(f"`{new}`" for new in news)
        document.ask(f"`{name}` had tests, and its values are in {others} now; what is to be tested there?", tests)


def _ask_of_nulls(document: Document, column: MappingNode, name: str) -> None:
    for key in TESTS:
        for test in items(child(column, key)):
            if "not_null" in str(plain(test)):
                document.ask(f"`{name}` is not filled in newer rows, and must not be null", test)


def set_type(
    document: Document, entry: MappingNode, kind: str | None, before: str | None, *, must: bool = False
) -> None:
    """The declared type, where it is declared and differs."""
    node = child(entry, "data_type")
    if node is None or not kind or (not must and before is not None and _same_type(before, kind)):
        return
    declared = text_of(node)
    if _same_type(declared, kind):
        return
    if has_braces(declared):
        document.ask(f"the type is `{kind}` now, and Jinja says it here", node)
    elif document.editor.set_text(node, styled_type(kind, [declared])):
        document.tell(f"`{text_of(child(entry, 'name'))}` has the type {kind}")
    else:
        document.ask(f"the type is `{kind}` now", node)


def _same_type(one: str, other: str) -> bool:
    return "".join(one.lower().split()) == "".join(other.lower().split())


def _constraints(document: Document, entry: MappingNode, shift: Shift) -> None:
    for constraint in items(child(entry, "constraints")):
        for key in ("columns", "warn_unenforced"):
            for column in items(child(constraint, key)):
                document.set_column(column, shift, also_followed=False)
        expression = child(constraint, "expression")
        if expression is not None and text_of(child(constraint, "type")) != "foreign_key":
            document.set_sql(expression, shift, also_followed=False)
        target = document.plan.shift(document.plan.nodes(text_of(child(constraint, "to"))))
        if target is not None:
            for column in items(child(constraint, "to_columns")):
                document.set_column(column, target, also_followed=False)


def patch_constraints(document: Document, entry: MappingNode, shift: Shift) -> None:
    """Constraints of a model as a whole."""
    _constraints(document, entry, shift)


def _add(
    document: Document,
    columns: SequenceNode,
    nodes: tuple[str, ...],
    known: dict[str, MappingNode],
    shift: Shift,
) -> None:
    """New columns, each behind the column that stands before it, where columns are listed at all."""
    resources = [document.plan.project.manifest.resources[node] for node in nodes]
    lowered = {name.lower() for name in known}
    listed = sum(name.lower() in lowered for name in shift.before)
    is_listed = any(one.is_contracted for one in resources) or 2 * listed > len(shift.before)
    if not is_listed:
        return
    for name in shift.added:
        if name.lower() in lowered:
            continue
        if has_braces(name):
            document.ask("a new column has Jinja braces in its name; document it by hand", columns)
            continue
        made = new_column(document.plan, name, shift, columns)
        if document.editor.insert(columns, made, _before(name, known, shift)):
            document.tell(f"`{name}` is documented")
        else:
            document.ask(f"document the new column `{name}`", columns, is_minor=True)


def _before(name: str, known: dict[str, MappingNode], shift: Shift) -> MappingNode | None:
    """The entry behind which a new column is documented; None: at the end."""
    order = list(shift.order)
    earlier = order[: order.index(name)] if name in order else order
    back = {new: old for old, new in shift.newest.items()}
    found = [known[one] for one in (back.get(n, n) for n in earlier) if one in known]
    if found:
        return found[-1]
    own = [entry for one, entry in known.items() if not one.startswith("_smelt_")]
    return own[-1] if own else None
