"""Rules about values: what may stand in a column, whether it may be null, and what identifies a row."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugins.core.editing.yaml_places import child, items, pairs, plain, text_of
from plugins.core.editing.yaml_text import Quoted
from plugins.core.lineage import ColumnGraph, holders
from plugins.core.lineage import Kind as Lineage
from plugins.core.lineage.graph import Place
from plugins.schema_drift.change import Change, Kind
from plugins.schema_drift.patching.documents.contracts import nodes_of
from plugins.schema_drift.patching.documents.data_tests import TESTS
from plugins.schema_drift.patching.documents.document import Document, Plan
from plugins.schema_drift.patching.documents.fixtures import Unconvertible, evaluate
from plugins.schema_drift.patching.documents.fragments import has_braces
from plugins.schema_drift.patching.documents.nodes import SECTIONS

_LISTS = ("values", "value_set", "valid_values")
_LIMITS = (
    "min_value",
    "max_value",
    "regex",
    "regex_list",
    "valid_min",
    "valid_max",
    "valid_format",
    "valid_length",
)
_REWRITTEN = (Kind.FORMAT_CHANGED, Kind.UNIT_CHANGED, Kind.TYPE_CHANGED)
_RESCALED = (Kind.UNIT_CHANGED, Kind.FORMAT_CHANGED, Kind.MEANING_CHANGED)


@dataclass(frozen=True)
class _Rule:
    """A change that a rule about a column may contradict. is_own: the column is the source's own.

    column: of the source, as people call it. is_sure: whether the rule sees the values as the source has them.
    """

    change: Change
    is_own: bool
    column: str
    is_sure: bool = True


def patch_rules(document: Document) -> None:
    """Tests and checks of the columns whose values changed, and of those that only pass them on."""
    rules = _rules(document)
    for nodes, entry, key in _entries(document):
        for test, name in _tests_of_columns(entry):
            for node in nodes:
                for rule in rules.get((node, name), ()):
                    _test(document, test, rule, name)
        for change in document.plan.drift.changes:
            if change.kind is Kind.KEY_CHANGED and change.table in nodes:
                _key(document, entry, change, key)


def _rules(document: Document) -> dict[Place, list[_Rule]]:
    found: dict[Place, list[_Rule]] = {}
    tables = {table.id: table.name for table in document.plan.project.before}
    for change in document.plan.drift.changes:
        for column in change.before or change.after:
            start = (change.table, column.lower())
            called = f"`{column}` of {tables[change.table]}" if change.table in tables else f"`{column}`"
            found.setdefault(start, []).append(_Rule(change, True, called))
            # What staging restores is as it was; what it does not reaches all that pass the column on.
            if not change.restores:
                for place, is_sure in carriers(document.plan, change, start).items():
                    found.setdefault(place, []).append(_Rule(change, False, called, is_sure))
    return found


def carriers(plan: Plan, change: Change, start: Place) -> Mapping[Place, bool]:
    """Columns downstream of which a rule may be contradicted by a change of this one, and whether that is sure."""
    graph = plan.project.graph
    if change.kind is Kind.VALUES_ADDED:
        return holders(plan.project.manifest, graph, start)
    return _same(graph, start) if change.kind is Kind.NULLABILITY_CHANGED else {}


def _same(graph: ColumnGraph, start: Place) -> dict[Place, bool]:
    """Columns downstream that are this one under whatever name."""
    found: dict[Place, bool] = {}
    queue = deque([start])
    while queue:
        for edge in graph.out_of.get(queue.popleft(), ()):
            if edge.kind is Lineage.IDENTITY and edge.to_column is not None:
                place = (edge.to_node, edge.to_column)
                if place not in found and place != start:
                    found[place] = True
                    queue.append(place)
    return found


def _entries(document: Document) -> Iterator[tuple[tuple[str, ...], MappingNode, str]]:
    """(nodes, entry with `columns`, the key of its rules) of a file."""
    root, plan = document.editor.root, document.plan
    if child(root, "dataset") is not None:
        yield nodes_of(plan, text_of(child(root, "dataset"))), root, "checks"
        return
    for source in items(child(root, "sources")):
        for table in items(child(source, "tables")):
            name = f"{text_of(child(source, 'name'))}.{text_of(child(table, 'name'))}"
            if isinstance(table, MappingNode):
                yield plan.named.get(("source", name), ()), table, "tests"
    for section, kind in SECTIONS.items():
        for entry in items(child(root, section)):
            if isinstance(entry, MappingNode):
                yield plan.named.get((kind, text_of(child(entry, "name"))), ()), entry, "tests"


def _tests(entry: Node) -> Iterator[Node]:
    for key in (*TESTS, "checks"):
        yield from items(child(entry, key))


def _tests_of_columns(entry: Node) -> Iterator[tuple[Node, str]]:
    """Tests and the column that each is about, in lower case: below the column, or named by an argument."""
    for column in items(child(entry, "columns")):
        for test in _tests(column):
            yield test, text_of(child(column, "name")).lower()
    for test in _tests(entry):
        for key, value in _deep(test):
            if key == "column_name" and isinstance(value, ScalarNode):
                yield test, text_of(value).lower()


def _test(document: Document, test: Node, rule: _Rule, column: str) -> None:
    kind = rule.change.kind
    if kind is Kind.NULLABILITY_CHANGED:
        _nulls(document, test, rule)
        return
    # Of tests such as `not_accepted_values`, lists say what may not stand there.
    is_refusing = any("not_" in name for name in (*pairs(test), text_of(child(test, "test_name"))))
    for key, value in _deep(test):
        if key in _LISTS and isinstance(value, SequenceNode):
            if kind is Kind.VALUES_ADDED and is_refusing:
                continue
            if kind is Kind.VALUES_ADDED:
                _accept(document, value, list(rule.change.detail.get("added_values") or ()), rule, column)
            elif kind is Kind.VALUES_RENAMED:
                _renamed_values(document, value, rule, column)
            elif kind in _REWRITTEN and rule.is_own:
                _rewritten_values(document, value, rule, column)
        elif kind in _RESCALED and (key in _LIMITS or "expression" in key) and rule.is_own:
            document.ask(f"`{column}` is given differently now; is this still right?", value)


def _deep(node: Node) -> Iterator[tuple[str, Node]]:
    for key, (_, value) in pairs(node).items():
        yield key, value
        yield from _deep(value)


def _accept(document: Document, values: SequenceNode, new: list[Any], rule: _Rule, column: str) -> None:
    known = {str(plain(one)) for one in items(values)}
    fresh = [value for value in new if str(value) not in known]
    if not fresh:
        return
    said = ", ".join(f"`{value}`" for value in fresh)
    if not rule.is_sure:
        text = f"{said} is new in {rule.column}, and may come here too, or changed; is it to be accepted?"
        document.ask(text, values)
        return
    if any(has_braces(str(value)) for value in fresh):
        document.ask(f"`{column}` has new values, which hold Jinja braces", values)
        return
    is_quoted = any(isinstance(one, ScalarNode) and one.style in ("'", '"') for one in items(values))
    written = [Quoted(value) if is_quoted and isinstance(value, str) else value for value in fresh]
    if not all([document.editor.insert(values, value) for value in written]):  # noqa: C419 - all are inserted
        document.ask(f"`{column}` has the new values {said}", values)
        return
    document.tell(f"{said} in `{column}`")
    if not rule.is_own:
        document.ask(f"is {said} to be accepted here, or held back? It is new in {rule.column}", values)


def _renamed_values(document: Document, values: SequenceNode, rule: _Rule, column: str) -> None:
    moved = {str(old): new for old, new in dict(rule.change.detail.get("values") or {}).items()}
    shift = document.plan.shifts.get(rule.change.table)
    if shift is not None and shift.is_kept:
        _accept(document, values, [new for old, new in moved.items() if str(new) != old], rule, column)
        return
    listed = {str(plain(node)): node for node in items(values)}
    # What became null is no value any more.
    wanted = dict.fromkeys(str(new) for old in listed if (new := moved.get(old, old)) is not None)
    # Names that were exchanged are both there already.
    missing = iter([new for new in wanted if new not in listed])
    for old, node in listed.items():
        if old in wanted:
            continue
        new = next(missing, None)
        if new is None:
            document.editor.remove(node)
        elif has_braces(new):
            document.ask(f"`{old}` is called differently now, with Jinja braces", node)
        elif document.editor.set_value(node, next(m for m in moved.values() if str(m) == new)):
            document.tell(f"`{new}` is a value of `{column}`")


def _rewritten_values(document: Document, values: SequenceNode, rule: _Rule, column: str) -> None:
    """Values as the source writes them now, of a column of which every value is written otherwise."""
    shift = document.plan.shifts.get(rule.change.table)
    supply = next((one for one in rule.change.supplies if [n.lower() for n in one.reads] == [column]), None)
    if shift is None or supply is None:
        document.ask(f"`{column}` is given differently now; are these still its values?", values)
        return
    written: list[tuple[Node, Any]] = []
    for node in items(values):
        try:
            new = evaluate(supply, {supply.reads[0]: plain(node)}, shift)
        except Unconvertible as error:
            document.ask(str(error), values)
            return
        if new is not None and str(new) != str(plain(node)):
            written.append((node, new))
    if any(has_braces(str(new)) for _, new in written):
        document.ask(f"`{column}` is given differently now, with Jinja braces", values)
    elif shift.is_kept:
        _accept(document, values, [new for _, new in written], rule, column)
    else:
        for node, new in written:
            is_quoted = isinstance(node, ScalarNode) and node.style in ("'", '"')
            (document.editor.set_text if is_quoted else document.editor.set_value)(
                node, str(new) if is_quoted else new
            )
            document.tell(f"`{new}` is a value of `{column}`")


def _nulls(document: Document, test: Node, rule: _Rule) -> None:
    may_be_null = rule.change.detail.get("nullable_after", True)
    names = {text_of(test), *pairs(test)}
    if may_be_null and names & {"not_null", "missing"}:
        # As long as none comes nothing breaks, and when one comes the test says so.
        document.ask(f"{rule.column} may be null now; is null still to be refused here?", test, is_minor=True)


def _key(document: Document, entry: MappingNode, change: Change, kind: str) -> None:
    """Tests of what identified a row: the list of columns is the new key's, where it was the old one's."""
    old = {str(name).lower() for name in change.detail.get("key_before") or change.before}
    new = [str(name) for name in change.detail.get("key_after") or change.after]
    for test in _tests(entry):
        for key, value in _deep(test):
            if "column" not in key and key != "columns":
                continue
            if isinstance(value, SequenceNode) and {text_of(one).lower() for one in items(value)} == old:
                set_key(document, value, new)
    for column in items(child(entry, "columns")):
        name = text_of(child(column, "name")).lower()
        for test in _tests(column):
            if {text_of(test), *pairs(test)} & {"unique", "duplicate"} and {name} != {n.lower() for n in new}:
                now = ", ".join(f"`{one}`" for one in new)
                document.ask(f"rows are identified by {now} now; is `{name}` still unique?", test)


def set_key(document: Document, listed: SequenceNode, new: list[str]) -> None:
    """A list of columns that holds these, with those that stay where they stand."""
    if any(has_braces(name) for name in new):
        document.ask("the key has Jinja braces in its names now; write it by hand", listed)
        return
    known = {text_of(one).lower() for one in items(listed)}
    done = [document.editor.insert(listed, name) for name in new if name.lower() not in known]
    gone = [node for node in items(listed) if text_of(node).lower() not in {name.lower() for name in new}]
    done += [document.editor.remove(node) for node in gone]
    if done and all(done):
        document.tell(f"the key is {', '.join(f'`{name}`' for name in new)}")
    elif done:
        document.ask(f"the key is {', '.join(new)} now", listed)
