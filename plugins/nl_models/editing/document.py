"""The YAML of a model follows its text: columns, types, tests, the sentence about the grain."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.editing.yaml_places import YamlText, child, items, pairs, sequences, text_of
from plugins.core.editing.yaml_text import Flow, lines
from plugins.nl_models.editing.applying import Edited
from plugins.nl_models.models.conventions import Conventions
from plugins.nl_models.models.naming import ADVERBS

_GRAIN = re.compile(r"(?i)(one row (?:per|for each|for every)\s+)([^.;,]+(?:,[^.;]*?\band\b[^.;,]*)?)")


@dataclass(frozen=True)
class Column:
    """A column that is new in the YAML. after: the one that it stands behind in the model."""

    name: str
    description: str
    data_type: str
    is_never_null: bool
    after: str | None


def edit_yaml(
    text: str, model: str, edited: Edited, added: Sequence[Column], conventions: Conventions
) -> tuple[str, list[str]]:
    """The file as the model is now, and what could not be said in it. Raises SmeltError if it is no YAML."""
    questions: list[str] = []
    for column in added:
        text = _with_column(text, model, column, conventions)
    for step in (_renames, _removals, _grain, _uniqueness):
        document = YamlText.read(text)
        entry = document.named("models", model)
        if entry is None:
            return text, [f"{model} is not described in its YAML: should it be?"]
        edits = step(document, entry, model, edited, conventions, questions)
        text = apply_edits(text, edits)
    return text, questions


def _with_column(text: str, model: str, column: Column, conventions: Conventions) -> str:
    document = YamlText.read(text)
    listed = child(document.named("models", model), "columns")
    if not isinstance(listed, SequenceNode):
        return text
    known = {text_of(child(one, "name")).lower(): one for one in items(listed)}
    after = known.get((column.after or "").lower())
    like = after or (listed.value[-1] if listed.value else None)
    return apply_edits(text, document.append(listed, [_described(column, like, conventions)], after))


def _described(column: Column, like: Node | None, conventions: Conventions) -> dict[str, Any]:
    """An entry with the keys of its neighbours, in their order."""
    order = [*conventions.column_keys, *pairs(like)]
    tests = next((key for key in pairs(like) if key in ("tests", "data_tests")), conventions.data_tests)
    has_types = conventions.is_contracted or "data_type" in pairs(like)
    parts: dict[str, Any] = {"name": column.name, "description": column.description}
    if has_types:
        parts["data_type"] = column.data_type
    if column.is_never_null:
        parts[tests] = ["not_null"]
    order = [tests if key == "data_tests" else key for key in order]
    if set(parts) <= set(pairs(like)):
        order = [*pairs(like)]
    ranked = [key for key in dict.fromkeys([*order, *parts]) if key in parts]
    return {key: parts[key] for key in ranked}


def _renames(
    document: YamlText,
    entry: MappingNode,
    model: str,
    edited: Edited,
    conventions: Conventions,
    questions: list[str],
) -> list[Edit]:
    """The column's name wherever the file says it of this model: entries, tests, unit tests, semantic models."""
    edits: list[Edit] = []
    for old, new in edited.renamed.items():
        for one in items(child(entry, "columns")):
            name = child(one, "name")
            if name is not None and text_of(name).lower() == old:
                edits.append(document.set_scalar(name, new))
                edits += _bucket_words(document, one, edited)
        for key in ("data_tests", "tests", "constraints", "config"):
            edits += _scalars(document, child(entry, key), old, new)
        for test in items(child(document.root, "unit_tests")):
            if text_of(child(test, "model")) == model:
                edits += _row_keys(document, child(child(test, "expect"), "rows"), old, new)
        for semantic in items(child(document.root, "semantic_models")):
            if re.search(rf"\b{re.escape(model)}\b", text_of(child(semantic, "model"))):
                edits += _semantic(document, semantic, old, new)
    return list(dict.fromkeys(edits))


def _bucket_words(document: YamlText, column: Node, edited: Edited) -> list[Edit]:
    """`First day of the month` → `Monday of the week`."""
    described = child(column, "description")
    if described is None or edited.grain is None:
        return []
    old = next((g for g in ADVERBS if re.search(rf"\b{g}\b", text_of(described))), None)
    if old is None:
        return []
    start, end = described.start_mark.index, document.end(described)
    text = document.text[start:end]
    first = "Monday of" if edited.grain.new == "week" else "First day of"
    text = re.sub(r"\b(First day of|Monday of)\b", first, text)
    return [Edit(start, end, re.sub(rf"\b{old}\b", edited.grain.new, text))]


def _scalars(document: YamlText, node: Node | None, old: str, new: str) -> list[Edit]:
    found = [one for listed in sequences(node) for one in listed.value if text_of(one).lower() == old]
    for key, (_, value) in pairs(node).items():
        if key == "unique_key" and text_of(value).lower() == old:
            found.append(value)
    return [document.set_scalar(one, new) for one in found]


def _row_keys(document: YamlText, rows: Node | None, old: str, new: str) -> list[Edit]:
    return [
        document.set_scalar(k, new)
        for row in items(rows)
        for name, (k, _) in pairs(row).items()
        if name.lower() == old
    ]


def _semantic(document: YamlText, semantic: Node, old: str, new: str) -> list[Edit]:
    """What metrics call it stays; what it is made from follows."""
    edits: list[Edit] = []
    for section in ("entities", "dimensions", "measures"):
        for one in items(child(semantic, section)):
            expr, name = child(one, "expr"), child(one, "name")
            if expr is not None and re.search(rf"\b{re.escape(old)}\b", text_of(expr)):
                start, end = expr.start_mark.index, document.end(expr)
                edits.append(Edit(start, end, re.sub(rf"\b{re.escape(old)}\b", new, document.text[start:end])))
            elif (
                expr is None and name is not None and text_of(name).lower() == old and isinstance(one, MappingNode)
            ):
                edits.append(document.add_key(one, "expr", new))
    return edits


def _removals(
    document: YamlText,
    entry: MappingNode,
    model: str,
    edited: Edited,
    conventions: Conventions,
    questions: list[str],
) -> list[Edit]:
    edits: list[Edit] = []
    for name in edited.removed:
        listed = child(entry, "columns")
        for one in items(listed):
            if text_of(child(one, "name")).lower() == name:
                assert isinstance(listed, SequenceNode)
                edits.append(document.remove(listed, one))
        for test in items(child(document.root, "unit_tests")):
            if text_of(child(test, "model")) == model:
                edits += _without_key(document, child(child(test, "expect"), "rows"), name)
        for key in ("data_tests", "tests", "constraints", "config"):
            for found in sequences(child(entry, key)):
                gone = [one for one in found.value if text_of(one).lower() == name]
                edits += [document.remove(found, one) for one in gone if len(found.value) > 1]
    return edits


def _without_key(document: YamlText, rows: Node | None, name: str) -> list[Edit]:
    edits = []
    for row in items(rows):
        values = [*pairs(row).items()]
        for place, (key, (node, value)) in enumerate(values):
            if key.lower() != name or not isinstance(row, MappingNode):
                continue
            if row.flow_style:
                if place:
                    edits.append(Edit(document.end(values[place - 1][1][1]), document.end(value), ""))
                elif len(values) > 1:
                    edits.append(Edit(node.start_mark.index, values[1][1][0].start_mark.index, ""))
            elif place:
                start = document.text.rfind("\n", 0, node.start_mark.index)
                edits.append(Edit(start, document.line_end(document.end(value)), ""))
    return edits


def _grain(
    document: YamlText,
    entry: MappingNode,
    model: str,
    edited: Edited,
    conventions: Conventions,
    questions: list[str],
) -> list[Edit]:
    """The sentence of the grain: `One row per month.`"""
    described = child(entry, "description")
    if described is None:
        return []
    start, end = described.start_mark.index, document.end(described)
    text = document.text[start:end]
    changed = text
    for key in edited.keys:
        changed = _GRAIN.sub(lambda m, key=key: m[1] + _with(m[2], key.replace("_", " ")), changed, count=1)
    if edited.grain is not None:
        old = edited.grain.old or _said_grain(text)
        if old:
            swap = {old: edited.grain.new, ADVERBS[old]: ADVERBS[edited.grain.new]}
            words = re.compile(rf"\b({old}|{ADVERBS[old]})\b", re.IGNORECASE)
            changed = words.sub(lambda m: _cased(m[1], swap[m[1].lower()]), changed)
    for key in [name for name in edited.removed if name in edited.grain_before]:
        words_of_key = key.replace("_", " ")
        changed = re.sub(rf"(?:,? and |, ){words_of_key}\b|\b{words_of_key}(?:, | and )", "", changed, count=1)
    if changed == text and (edited.keys or edited.grain):
        questions.append(
            "The model's description says nothing of its grain that could be changed: is it still right?"
        )
    return [Edit(start, end, changed)] if changed != text else []


def _said_grain(text: str) -> str | None:
    found = _GRAIN.search(text)
    return next((g for g in ADVERBS if found and re.search(rf"\b{g}\b", found[2])), None)


def _with(listed: str, more: str) -> str:
    """`month and country` with `channel`: `month, country and channel`."""
    body = listed.rstrip()
    tail = listed[len(body) :]
    head, separator, last = body.rpartition(" and ")
    return f"{head}, {last} and {more}{tail}" if separator else f"{body} and {more}{tail}"


def _cased(like: str, word: str) -> str:
    return word.capitalize() if like[:1].isupper() else word


def _uniqueness(
    document: YamlText,
    entry: MappingNode,
    model: str,
    edited: Edited,
    conventions: Conventions,
    questions: list[str],
) -> list[Edit]:
    """What says that the grain occurs once names all of it."""
    if not edited.keys:
        return []
    before = [edited.renamed.get(key, key) for key in edited.grain_before]
    found = []
    for key in ("data_tests", "tests", "constraints"):
        found += [s for s in sequences(child(entry, key)) if _texts(s) and set(_texts(s)) == set(before)]
    edits = [edit for listed in found for edit in document.append(listed, list(edited.keys))]
    for name in ("unique_key",):
        edits += _wider_key(document, child(entry, "config"), name, edited.keys)
    unique = [(column, test) for column in items(child(entry, "columns")) for test in _unique_tests(column)]
    if unique and not found:
        edits += _instead_of_unique(document, entry, unique, [*before, *edited.keys], conventions, questions)
    if not found and not unique:
        questions.append(
            f"No test says that {' and '.join([*before, *edited.keys])} occur once together: is one wanted?"
        )
    return edits


def _texts(listed: SequenceNode) -> list[str]:
    return [text_of(one).lower() for one in listed.value]


def _wider_key(document: YamlText, config: Node | None, name: str, keys: Sequence[str]) -> list[Edit]:
    value = child(config, name)
    if isinstance(value, SequenceNode):
        return document.append(value, list(keys))
    if value is None:
        return []
    start, end = value.start_mark.index, document.end(value)
    return [Edit(start, end, f"[{document.text[start:end]}, {', '.join(keys)}]")]


def _unique_tests(column: Node) -> list[tuple[SequenceNode, Node]]:
    found = []
    for key in ("data_tests", "tests"):
        listed = child(column, key)
        for test in items(listed):
            if text_of(test) == "unique" or "unique" in pairs(test):
                assert isinstance(listed, SequenceNode)
                found.append((listed, test))
    return found


def _instead_of_unique(
    document: YamlText,
    entry: MappingNode,
    unique: Sequence[tuple[Node, tuple[SequenceNode, Node]]],
    keys: Sequence[str],
    conventions: Conventions,
    questions: list[str],
) -> list[Edit]:
    """A key of one column that no longer is one."""
    edits: list[Edit] = []
    for column, (listed, test) in unique:
        if len(listed.value) > 1:
            edits.append(document.remove(listed, test))
        else:
            key = next(k for k, v in column.value if v is listed)
            start = document.text.rfind("\n", 0, key.start_mark.index)
            edits.append(Edit(start, document.line_end(document.end(listed)), ""))
    if conventions.uniqueness is None:
        questions.append(
            f"The project has no test on several columns: should {' and '.join(keys)} be tested to occur once?"
        )
        return edits
    argument = "combination_of_columns" if "dbt_utils" in conventions.uniqueness else "columns"
    arguments: Mapping[str, Any] = Flow({argument: list(keys)})
    inner = {"arguments": arguments} if conventions.has_arguments else dict(arguments)
    test_entry = {conventions.uniqueness: inner}
    tests = child(entry, "data_tests") or child(entry, "tests")
    if isinstance(tests, SequenceNode) and not tests.flow_style:
        return [*edits, *document.append(tests, [test_entry])]
    edits.append(_new_section(document, entry, conventions.data_tests, test_entry))
    return edits


def _new_section(document: YamlText, entry: MappingNode, key: str, value: Mapping[str, Any]) -> Edit:
    """A list of tests before the columns, as the house has it; at the end of an entry without columns."""
    indent = entry.start_mark.column
    body = "\n".join(lines({key: [value]}, indent))
    columns = next((k for k, _ in entry.value if k.value == "columns"), None)
    if columns is None:
        at = document.line_end(document.end(entry))
        return Edit(at, at, f"\n{body}")
    at = columns.start_mark.index
    return Edit(at, at, f"{body.lstrip()}\n{' ' * indent}")
