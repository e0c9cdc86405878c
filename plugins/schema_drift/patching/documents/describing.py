"""Descriptions of new columns, and what documents say in words of columns that are called differently now."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from plugins.core.editing.yaml_places import child, items, text_of
from plugins.core.editing.yaml_scalars import value_of
from plugins.core.privacy import is_pii_name
from plugins.schema_drift.patching.documents.document import Document, Plan
from plugins.schema_drift.patching.documents.fragments import has_braces, mentions
from plugins.schema_drift.patching.documents.shift import Shift

_CODE_LIKE = re.compile(r"[_\d]|[a-z][A-Z]")
_WORDS = re.compile(r"\w+")


def described(plan: Plan, name: str) -> str:
    """What the project says of columns of this name, if it always says the same; else that it is new."""
    known = plan.descriptions.get(name.lower(), set())
    if len(known) == 1 and not has_braces(text := next(iter(known))) and "\n" not in text:
        return text
    words = " ".join(_WORDS.findall(name.replace("_", " "))).strip()
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,60}", name) is not None
    return f"{words[:1].upper()}{words[1:]}, as the source has it." if plain and words else "New at the source."


def new_column(plan: Plan, name: str, shift: Shift, beside: Node | None) -> dict[str, object]:
    """The entry of a column that is new, written like those beside it. beside: the list of columns."""
    siblings = [one for one in items(beside) if isinstance(one, MappingNode)]
    entry: dict[str, object] = {"name": name}
    if not siblings or any(child(one, "description") is not None for one in siblings):
        entry["description"] = described(plan, name)
    kind = shift.types.get(name) or shift.added.get(name)
    typed = [text_of(child(one, "data_type")) for one in siblings if child(one, "data_type") is not None]
    if kind and typed:
        entry["data_type"] = styled_type(kind, typed)
    if name in shift.pii or is_pii_name(name):
        entry |= _personal(plan, siblings)
    return entry


def _personal(plan: Plan, siblings: list[MappingNode]) -> dict[str, object]:
    """The mark of personal data, as the columns beside it carry it, or others; none where nobody marks any."""
    for one in siblings:
        config = child(one, "config")
        if child(child(config, "meta"), "pii") is not None:
            return {"config": {"meta": {"pii": True}}}
        if child(child(one, "meta"), "pii") is not None:
            return {"meta": {"pii": True}}
        if any(text_of(tag) == "pii" for tag in items(child(one, "tags"))):
            return {"tags": ["pii"]}
        if any(text_of(tag) == "pii" for tag in items(child(config, "tags"))):
            return {"config": {"tags": ["pii"]}}
    if plan.marks_personal_data == "tag":
        return {"config": {"tags": ["pii"]}}
    return {"config": {"meta": {"pii": True}}} if plan.marks_personal_data == "meta" else {}


def styled_type(kind: str, others: list[str]) -> str:
    """A data type in the letters and spaces of others.

    >>> styled_type("DECIMAL(12,4)", ["varchar", "decimal(10, 2)"])
    'decimal(12, 4)'
    """
    is_upper = bool(others) and sum(one.isupper() for one in others) * 2 > len(others)
    is_tight = any(re.search(r",\S", one) for one in others)
    shape = re.sub(r"\s*,\s*", "," if is_tight else ", ", kind.strip())
    return shape.upper() if is_upper else shape.lower()


def add_note(document: Document, entry: MappingNode, note: str) -> None:
    """A further sentence of an entry's description, or its description."""
    known = child(entry, "description")
    if known is None:
        if not document.editor.add_key(entry, "description", note, after="name"):
            document.ask(f"say of this column: {note}", entry, is_minor=True)
        return
    if not isinstance(known, ScalarNode) or note in value_of(known):
        return
    text = value_of(known)
    if not text.strip():
        document.editor.set_text(known, note)
        return
    end = len(text.rstrip())
    last = text.rstrip()[-1]
    # Written behind the last word: the lines of a folded text stay as they are.
    if not document.editor.set_parts(known, [(end - 1, end, f"{last}{'' if last in '.!?}' else '.'} {note}")]):
        document.ask(f"say of this column: {note}", known, is_minor=True)


def rename_in_prose(document: Document, node: Node | None, names: Mapping[str, str]) -> None:
    """Names in backticks are replaced; a name that is no everyday word and stands without them is asked about."""
    if not isinstance(node, ScalarNode) or not names:
        return
    text = value_of(node)
    parts = []
    for old, new in names.items():
        if f"`{old}`" not in text:
            continue
        for found in re.finditer(rf"`{re.escape(old)}`", text):
            if has_braces(new) or "`" in new or "\n" in new:
                continue
            parts.append((found.start() + 1, found.end() - 1, new))
    if parts and not document.editor.set_parts(node, sorted(parts)):
        document.ask("this text names a column that is called differently now", node, is_minor=True)
        return
    bare = re.sub(r"`[^`]*`", "", text)
    for old in mentions(bare, [old for old in names if is_code_like(old)]):
        document.ask(f"this text speaks of `{old}`, which is `{names[old]}` now", node, is_minor=True)


def is_code_like(name: str) -> bool:
    """Whether a name is hardly ever an everyday word: it has underscores, digits or humps."""
    return _CODE_LIKE.search(name) is not None
