"""Blocks of documentation in markdown: names in backticks and tables, where they mean a column that changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from plugins.core.editing.edits import Edit, apply_edits
from plugins.schema_drift.patching.documents.describing import is_code_like
from plugins.schema_drift.patching.documents.document import Plan
from plugins.schema_drift.patching.documents.fragments import has_braces, mentions
from plugins.schema_drift.patching.documents.places import is_below, property_folders
from plugins.schema_drift.patching.patch import Question

_BLOCK = re.compile(r"\{%-?\s*docs\s+(\w+)\s*-?%\}(.*?)\{%-?\s*enddocs\s*-?%\}", re.DOTALL)
_USE = re.compile(r"\{\{\s*doc\(\s*['\"](?:[\w.-]+['\"]\s*,\s*['\"])?(\w+)['\"]\s*\)\s*\}\}")


def patch_prose(plan: Plan) -> tuple[dict[str, str], list[Question]]:
    """Markdown files with docs blocks, by path as they are now, and questions."""
    renamed = {node: dict(shift.renamed) for node, shift in plan.shifts.items() if shift.renamed}
    everything = {old: new for names in renamed.values() for old, new in names.items()}
    changed: dict[str, str] = {}
    questions: list[Question] = []
    if not everything:
        return changed, questions
    users: dict[str, set[str]] | None = None
    folders = property_folders(plan.project)
    for path in plan.project.paths:
        if not path.endswith(".md") or not is_below(path, folders):
            continue
        text = plan.project.read(path)
        if not mentions(text, list(everything)) or not _BLOCK.search(text):
            continue
        users = _users(plan) if users is None else users
        edits: list[Edit] = []
        for block in _BLOCK.finditer(text):
            nodes = users.get(block[1], set())
            sure = _sure(plan, nodes, renamed)
            edits += _edits(block, sure)
            left = _unedited(block[2], sure)
            for old in mentions(left, [old for old in everything if is_code_like(old) or f"`{old}`" in left]):
                line = text.count("\n", 0, block.start(2) + left.lower().index(old.lower())) + 1
                question = f"does this speak of `{old}`, which is `{everything[old]}` now?"
                questions.append(Question(question, path, line, True))
        if edits:
            changed[path] = apply_edits(text, edits)
    return changed, questions


def _sure(plan: Plan, nodes: set[str], renamed: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """New names of columns that every table of which the block speaks has lost."""
    if not nodes:
        return {}
    first, *others = [dict(renamed.get(node, {})) for node in nodes]
    known = {
        name.lower()
        for node in nodes
        if node not in renamed and (found := plan.project.graph.nodes.get(node)) is not None
        for name in found.columns
    }
    return {
        old: new
        for old, new in first.items()
        if old.lower() not in known and all(o.get(old) == new for o in others) and not has_braces(new)
    }


def _edits(block: re.Match[str], names: Mapping[str, str]) -> Iterator[Edit]:
    for old, new in names.items():
        if re.search(r"[`|\n]", new):
            continue
        for found in re.finditer(rf"(?<=`){re.escape(old)}(?=`)|(?<=\|)(\s*){re.escape(old)}(?=\s*\|)", block[2]):
            start = block.start(2) + found.start() + len(found[1] or "")
            yield Edit(start, block.start(2) + found.end(), new)


def _unedited(text: str, names: Mapping[str, str]) -> str:
    """The text without what is edited, of the same length."""
    for old in names:
        text = re.sub(
            rf"(?<=`){re.escape(old)}(?=`)|(?<=\|)\s*{re.escape(old)}(?=\s*\|)", lambda f: " " * len(f[0]), text
        )
    return text


def _users(plan: Plan) -> dict[str, set[str]]:
    """Nodes by the docs blocks that their descriptions, or their columns', are made of."""
    found: dict[str, set[str]] = {}
    for path in plan.project.paths:
        if not path.endswith((".yml", ".yaml")):
            continue
        text = plan.project.read(path)
        if "doc(" not in text:
            continue
        for name, node in _named_in(plan, text):
            found.setdefault(name, set()).add(node)
    return found


def _named_in(plan: Plan, text: str) -> Iterator[tuple[str, str]]:
    """(block, node) of each use in a YAML file: by the entry that the use stands in."""
    from plugins.core.editing.yaml_editor import YamlEditor
    from plugins.core.editing.yaml_places import child, items, text_of
    from plugins.core.errors import SmeltError
    from plugins.schema_drift.patching.documents.nodes import SECTIONS

    try:
        editor = YamlEditor(text)
    except SmeltError:
        return
    entries = [
        (plan.named.get((kind, text_of(child(entry, "name"))), ()), entry)
        for section, kind in SECTIONS.items()
        for entry in items(child(editor.root, section))
    ]
    for source in items(child(editor.root, "sources")):
        for table in items(child(source, "tables")):
            name = f"{text_of(child(source, 'name'))}.{text_of(child(table, 'name'))}"
            entries.append((plan.named.get(("source", name), ()), table))
    for nodes, entry in entries:
        start, end = editor.span(entry)
        for use in _USE.finditer(text, start, end):
            yield from ((use[1], node) for node in nodes)
