"""A table that fell into parts: a model puts them together again, and whatever read the table reads the model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from ruamel.yaml.nodes import MappingNode, ScalarNode

from plugins.core.editing.edits import Edit, apply_edits
from plugins.core.editing.yaml_editor import YamlEditor
from plugins.core.editing.yaml_places import child, items, text_of
from plugins.core.errors import SmeltError
from plugins.review import FileChange
from plugins.schema_drift.change import Change, Drift, Kind
from plugins.schema_drift.patching.patch import Patch, Question
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql import base_name, base_path, pointed, reads_by_name
from plugins.schema_drift.patching.sql.writing import Style
from plugins.schema_drift.table import Table

# A name that can stand anywhere as it is.
_PLAIN = re.compile(r"[A-Za-z_]\w*")
_SKIPPED = {"target", "dbt_packages", "dbt_modules", "logs", ".venv", "node_modules"}


def put_together(project: PatchedProject, drift: Drift) -> tuple[Patch, Drift]:
    """Files that read the parts of split tables, and what is left of the drift for others to answer."""
    texts: dict[str, str] = {}
    told: dict[str, str] = {}
    questions: list[Question] = []
    done: list[Change] = []
    for change in drift.changes:
        split = _split(project, drift, change)
        if split is None:
            continue
        try:
            files, asked = _patched(project, split, texts)
        except SmeltError:
            # Whoever asks about split tables has the place.
            continue
        done.append(change)
        questions += asked
        told |= {path: _told(project, split, path) for path in files}
        texts |= files
    changes = tuple(
        FileChange(path=path, before=project.read(path) if path in project.paths else None, after=text)
        for path, text in sorted(texts.items())
    )
    left = Drift(tuple(one for one in drift.changes if one not in done), drift.notes)
    return Patch(changes, told, tuple(questions)), left


class _Split:
    """A source table, and the tables that hold its rows now."""

    def __init__(self, before: Table, parts: Sequence[Table]) -> None:
        """parts: in their order; the table itself is among them if it still holds some."""
        self.before, self.parts = before, parts
        self.source, self.name = before.id.split(".")[2:4]

    def called(self, part: Table) -> str:
        """The name that a part has in the project."""
        return part.id.split(".")[3] if part.id.startswith("source.") else part.relation[1]

    @property
    def is_kept(self) -> bool:
        """Whether the table itself is one of the parts."""
        return any(part.id == self.before.id for part in self.parts)


def _split(project: PatchedProject, drift: Drift, change: Change) -> _Split | None:
    """What can be put together surely; None: it is asked about."""
    before = next((one for one in project.before if one.id == change.table), None)
    known = project.manifest.resources.get(change.table)
    is_alone = len(drift.of(change.table)) == 1
    if change.kind is not Kind.TABLE_SPLIT or change.detail.get("is_merge") or before is None or not is_alone:
        return None
    ids = [str(one) for one in change.detail.get("after_ids") or ()]
    parts = [one for wanted in ids for one in project.after if one.id == wanted]
    columns = {(one.name.lower(), one.type) for one in before.columns}
    is_whole = len(parts) == len(ids) > 1 and all(
        columns <= {(one.name.lower(), one.type) for one in part.columns}
        and part.relation[0] == before.relation[0]
        and _PLAIN.fullmatch(part.relation[1])
        for part in parts
    )
    if known is None or known.kind != "source" or not is_whole or "'" in "".join(change.table.split(".")[2:4]):
        return None
    # Where Smelt loads a table, its streams are to be set up by a person.
    return (
        None if any(PurePosixPath(path).name == "source.yml" for path in project.paths) else _Split(before, parts)
    )


def _patched(
    project: PatchedProject, split: _Split, texts: Mapping[str, str]
) -> tuple[dict[str, str], list[Question]]:
    """All files that change; raises SmeltError if the source's own document can't be edited."""

    def read(path: str) -> str:
        return found[path] if path in found else texts[path] if path in texts else project.read(path)

    found: dict[str, str] = {}
    declared = project.manifest.resources[split.before.id].path
    found[declared] = _declared(read(declared), split)
    model, path = base_name(project, split.before.id), base_path(project, split.before.id)
    for other in _files(project):
        text = read(other)
        after = pointed(text, split.source, split.name, model)
        if after != text:
            found[other] = after
    found[path] = _union(project, split)
    return {p: t for p, t in found.items() if p == path or t != project.read(p)}, _asked(project, split, found)


def _files(project: PatchedProject) -> Iterator[str]:
    for path in project.paths:
        pure = PurePosixPath(path)
        if pure.suffix in (".sql", ".py", ".yml", ".yaml", ".md") and not _SKIPPED.intersection(pure.parts):
            yield path


def _union(project: PatchedProject, split: _Split) -> str:
    """The model that has all rows; by name, where the parts' columns are not the same in the same order."""
    style = Style.of("select * from x", project.manifest.dialect)
    orders = {tuple(one.name.lower() for one in part.columns) for part in split.parts}
    names = ["*"] if len(orders) == 1 else [style.name(one.name) for one in split.before.columns]
    listed = f" {names[0]}" if len(names) == 1 else ",".join(f"\n    {name}" for name in names)
    between = " " if len(names) == 1 else "\n"
    selects = [
        f"select{listed}{between}from {{{{ source('{split.source}', '{split.called(part)}') }}}}"
        for part in split.parts
    ]
    return "{{ config(materialized='view') }}\n\n" + "\n\nunion all\n\n".join(selects) + "\n"


def _told(project: PatchedProject, split: _Split, path: str) -> str:
    if path == base_path(project, split.before.id):
        return f"puts the parts of {split.before.name} together"
    if path == project.manifest.resources[split.before.id].path:
        return f"declares the parts of {split.before.name}"
    return f"reads `{base_name(project, split.before.id)}`"


def _declared(text: str, split: _Split) -> str:
    """The document of the source, with an entry for each part that is as that of the table; raises SmeltError."""
    editor = YamlEditor(text)
    table = next(
        (
            one
            for source in items(child(editor.root, "sources"))
            if text_of(child(source, "name")) == split.source
            for one in items(child(source, "tables"))
            if text_of(child(one, "name")) == split.name
        ),
        None,
    )
    start, end = editor.span(table) if isinstance(table, MappingNode) else (0, 0)
    line = text.rfind("\n", 0, start) + 1
    if not isinstance(table, MappingNode) or text[line:start].strip() != "-" or editor.is_shared(table):
        raise SmeltError("its entry cannot be copied", "write it by hand")
    known = [part for part in split.parts if part.id.startswith("source.") and part.id != split.before.id]
    written = [_renamed(text, line, end, table, part.relation[1]) for part in split.parts if part not in known]
    if split.is_kept:
        written = [text[line:end], *(one for one in written if one != text[line:end])]
    blank = (
        "\n\n" if re.search(r"\n[ \t]*\n[ \t]*$", text[:line]) and text[:line].rstrip()[-7:] != "tables:" else "\n"
    )
    return text[:line] + blank.join(written) + text[end:]


def _renamed(text: str, start: int, end: int, table: MappingNode, name: str) -> str:
    """An entry under another name, and of that identifier."""
    edits = []
    for key in ("name", "identifier"):
        node = child(table, key)
        if isinstance(node, ScalarNode):
            edits.append(Edit(node.start_mark.index - start, node.end_mark.index - start, name))
    return apply_edits(text[start:end], edits)


def _asked(project: PatchedProject, split: _Split, found: Mapping[str, str]) -> list[Question]:
    """Places that read the table by its name in the warehouse, or in a way that was not found."""
    names = ", ".join(f"`{split.called(part)}`" for part in split.parts)
    told = f"{split.before.name} is in {names} now"
    questions = [
        Question(f"{told}, and this reads it by its name in the warehouse. Shall it read all of them?", path, line)
        for path, line in reads_by_name(project, split.before)
    ]
    asked = {question.path for question in questions} | set(found)
    for node in project.manifest.document["nodes"].values():
        path = str(node.get("original_file_path") or "")
        reads = split.before.id in (node.get("depends_on") or {}).get("nodes", ())
        if reads and "test_metadata" not in node and path not in asked:
            questions.append(Question(f"{told}, and this reads it. Shall it read all of them?", path))
    return questions
