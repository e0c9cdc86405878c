"""Unit tests: given and expected rows, in the file or in fixtures of their own, with the columns of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.editing.yaml_places import child, items, plain, text_of
from plugins.core.editing.yaml_scalars import value_of
from plugins.schema_drift.change import Supplied
from plugins.schema_drift.patching.documents.csv_rows import csv_parts
from plugins.schema_drift.patching.documents.document import Document, Plan
from plugins.schema_drift.patching.documents.fixtures import Move, Unconvertible, is_plain, move_row
from plugins.schema_drift.patching.documents.fragments import has_braces, mentions
from plugins.schema_drift.patching.documents.shift import Shift
from plugins.schema_drift.patching.documents.sql_rows import sql_parts
from plugins.schema_drift.patching.patch import Question


def patch_unit_tests(document: Document) -> None:
    """The section `unit_tests` of a file."""
    for test in items(child(document.editor.root, "unit_tests")):
        tested = document.plan.named.get(("model", text_of(child(test, "model"))), ())
        for given in items(child(test, "given")):
            source = text_of(child(given, "input"))
            nodes = tested if source.strip() == "this" else document.plan.nodes(source)
            _rows(document, given, document.plan.shift(nodes))
        _rows(document, child(test, "expect"), document.plan.shift(tested))
        _overrides(document, child(test, "overrides"), tested)


def _is_touched(shift: Shift) -> bool:
    return bool(shift.gone or (shift.supplies and not shift.is_kept))


def _rows(document: Document, given: Node | None, shift: Shift | None) -> None:
    if shift is None or not _is_touched(shift):
        return
    rows = child(given, "rows")
    kind = text_of(child(given, "format")) or "dict"
    if isinstance(rows, ScalarNode) and text_of(rows):
        if kind == "csv":
            _csv(document, rows, shift)
        else:
            _sql(document, rows, shift)
        return
    for row in items(rows):
        if isinstance(row, MappingNode):
            _row(document, row, shift)


def _sql(document: Document, rows: ScalarNode, shift: Shift) -> None:
    """Rows as SQL: names of columns, and literals where values are given differently."""
    parts: list[tuple[int, int, str]] = []
    if any(not _only_renames(shift, one) for one in shift.supplies):
        try:
            parts = sql_parts(value_of(rows), shift)
        except Unconvertible as error:
            document.ask(str(error), rows)
    if document.set_sql(rows, shift, also_followed=False, with_aliases=True, more=parts):
        document.tell("rows of its unit tests")


def _only_renames(shift: Shift, supply: Supplied) -> bool:
    return supply.column in shift.renamed.values() and is_plain(supply)


def _row(document: Document, row: MappingNode, shift: Shift) -> None:
    if document.editor.is_shared(row):
        document.ask("this row stands below a YAML anchor that is used elsewhere too", row)
        return
    nodes = {text_of(key): (key, value) for key, value in row.value}
    try:
        move = move_row({name: _value(value) for name, (_, value) in nodes.items()}, shift)
    except Unconvertible as error:
        document.ask(str(error), row)
        return
    if any(has_braces(str(name)) for name in (*move.names.values(), *move.added)):
        document.ask("a column of these rows has Jinja braces in its name now; write it by hand", row)
        return
    _apply(document, row, nodes, move)


def _apply(document: Document, row: MappingNode, nodes: Mapping[str, tuple[Node, Node]], move: Move) -> None:
    for name, new in move.names.items():
        if new is None:
            document.editor.remove(nodes[name][0])
        else:
            document.editor.set_text(nodes[name][0], new)
    for name, value in move.values.items():
        node = nodes[name][1]
        if isinstance(node, ScalarNode) and node.style in ("'", '"') and value is not None:
            document.editor.set_text(node, str(value))
        else:
            document.editor.set_value(node, value)
    for name, value in move.added.items():
        document.editor.add_key(row, name, value, after=move.behind[name])
    if move.names or move.values or move.added:
        document.tell("rows of its unit tests")


def _value(node: Node) -> Any:
    """A value of a row; what is a number or a time in YAML as it is written."""
    if not isinstance(node, ScalarNode):
        return str(plain(node))
    value = plain(node)
    return value if value is None or isinstance(value, (bool, int)) else value_of(node)


def _csv(document: Document, rows: ScalarNode, shift: Shift) -> None:
    try:
        parts = csv_parts(value_of(rows), shift)
    except Unconvertible as error:
        document.ask(str(error), rows)
        return
    if parts and not document.editor.set_parts(rows, parts):
        document.ask("columns of these rows are called differently now; change them by hand", rows)
    elif parts:
        document.tell("rows of its unit tests")


def _overrides(document: Document, overrides: Node | None, tested: Sequence[str]) -> None:
    """What stands in for macros and variables may be a list of columns; nobody can tell of which table."""
    if overrides is None:
        return
    parents = {parent for node in tested for parent in document.plan.project.manifest.resources[node].parents}
    for node in (*tested, *sorted(parents)):
        shift = document.plan.shifts.get(node)
        names = mentions(str(plain(overrides)), list(shift.gone)) if shift is not None else []
        if names:
            document.ask(f"does this override mean `{names[0]}`, which is gone?", overrides)
            return


def patch_fixtures(plan: Plan) -> tuple[dict[str, str], list[Question]]:
    """Fixture files by path as they are now, and questions."""
    used = _uses(plan)
    changed: dict[str, str] = {}
    questions: list[Question] = []
    for name, nodes in used.items():
        shifts = [plan.shifts.get(node) for node in nodes]
        touched = [one for one in shifts if one is not None and _is_touched(one)]
        paths = [path for path in plan.project.paths if _is_fixture(path, name)]
        if not touched or not paths:
            continue
        if len(touched) < len(shifts) or any(one != touched[0] for one in touched):
            questions.append(Question("these rows stand for several tables, of which some changed", paths[0]))
            continue
        for path in paths:
            text = plan.project.read(path)
            try:
                parts = csv_parts(text, touched[0]) if path.endswith(".csv") else []
            except Unconvertible as error:
                questions.append(Question(str(error), path, 1))
                continue
            if parts:
                changed[path] = apply_edits(text, [Edit(*part) for part in parts])
            elif not path.endswith(".csv") and (lost := mentions(text, list(touched[0].gone))):
                questions.append(Question(f"`{lost[0]}` is gone, and these rows name it", path, 1))
    return changed, questions


def _is_fixture(path: str, name: str) -> bool:
    folder, _, file = path.rpartition("/")
    return file in (f"{name}.csv", f"{name}.sql") and "fixtures" in folder.split("/")


def _uses(plan: Plan) -> dict[str, list[str]]:
    """Nodes by the fixtures whose rows stand for them."""
    found: dict[str, list[str]] = {}
    for test in plan.project.manifest.of_type("unit_test"):
        model = (test.get("depends_on") or {}).get("nodes") or plan.named.get(("model", test.get("model", "")), ())
        tested = list(plan.named.get(("model", test.get("model", "")), model))
        for given in test.get("given") or ():
            if given.get("fixture"):
                source = str(given.get("input"))
                nodes = tested if source.strip() == "this" else plan.nodes(source)
                found.setdefault(given["fixture"], []).extend(nodes)
        expected = (test.get("expect") or {}).get("fixture")
        if expected:
            found.setdefault(expected, []).extend(tested)
    return {name: list(dict.fromkeys(nodes)) for name, nodes in found.items()}
