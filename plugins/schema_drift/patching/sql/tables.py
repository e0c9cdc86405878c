"""Tables that are gone, that fell into parts, or that have another name."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.core.editing.edits import Edit, apply_edits
from plugins.schema_drift.change import Change, Kind
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql.files import SqlFiles
from plugins.schema_drift.patching.sql.reading import Tables, read_part
from plugins.schema_drift.patching.sql.scope import Read, Relation
from plugins.schema_drift.patching.sql.work import Work
from plugins.schema_drift.patching.sql.writing import Style, UnsafeName
from plugins.schema_drift.table import Table


def ask_about_table(work: Work, before: Table, changes: Sequence[Change]) -> bool:
    """Questions about a table that is gone or in parts, one for each place that reads it; whether it is so."""
    for change in changes:
        if change.kind not in (Kind.TABLE_REMOVED, Kind.TABLE_SPLIT):
            continue
        if change.kind == Kind.TABLE_REMOVED:
            below = _below(work, before)
            told = f"On it depend {below}. " if below else ""
            what = f"{before.name} is gone, and this reads it. {told}What shall take its place?"
        else:
            parts = ", ".join(f"`{name}`" for name in change.after)
            what = (
                f"{before.name} fell into {parts}. Once these are declared as sources, this can read "
                "all of them with `union all`; which of them belong to it?"
            )
        if change.question:
            what = f"{what} {change.question}"
        places = _places(work, before)
        for path, at, _ in places:
            work.ask(what, path, work.text(path).count("\n", 0, at) + 1)
        if not places:
            work.ask(what)
        return True
    return False


def _below(work: Work, before: Table) -> str:
    """Everything made of a table, for people: models, metrics, exposures."""
    manifest = work.project.manifest
    reached = {before.id, *work.project.graph.descendants([before.id])}
    listed: dict[str, list[str]] = {}
    for kind in ("model", "snapshot", "semantic_model", "metric", "exposure"):
        entries = {str(entry["unique_id"]): entry for entry in manifest.of_type(kind)}
        # A metric may be made of another one.
        grown = True
        while grown:
            more = {
                key
                for key, entry in entries.items()
                if key not in reached and reached.intersection((entry.get("depends_on") or {}).get("nodes", ()))
            }
            reached |= more
            grown = bool(more)
        names = sorted(str(entry["name"]) for key, entry in entries.items() if key in reached)
        if names:
            listed[kind.replace("_", " ")] = names
    return "; ".join(
        f"the {kind}{'s' if names[1:] else ''} {', '.join(f'`{name}`' for name in names)}"
        for kind, names in listed.items()
    )


def rename_table(work: Work, before: Table, after: Table, changes: Sequence[Change]) -> None:
    """Edit the table's own name where SQL writes it without `source()`."""
    if not any(change.kind == Kind.TABLE_RENAMED for change in changes) or before.relation == after.relation:
        return
    for path, template in list(work.files.naming(before.id, before.relation)):
        text = work.text(path)
        edits: dict[int, Edit] = {}
        for _, _, read in (place for place in _places(work, before) if place[0] == path):
            if text[read.start : read.start + 2] == "{{":
                continue
            style = Style.of(text, work.project.manifest.dialect)
            for part, name in zip(reversed(read.table.parts), reversed(after.relation), strict=False):
                start, end = part.meta["start"], part.meta["end"] + 1
                if part.name.lower() == name.lower():
                    continue
                try:
                    edits[start] = Edit(start, end, style.name(name, like=text[start:end]))
                except UnsafeName as error:
                    work.ask(f"{before.name} has another name now: {error}", path, template.line(start))
        if edits:
            work.keep(path, apply_edits(text, list(edits.values())), [f"reads `{'.'.join(after.relation)}`"])


def reads_by_name(project: PatchedProject, table: Table) -> list[tuple[str, int]]:
    """Path and line of each place of SQL that reads a table without `source()`."""
    work = Work(project, SqlFiles(project))
    places = [(path, at) for path, at, _ in _places(work, table) if work.text(path)[at : at + 2] != "{{"]
    return [(path, work.text(path).count("\n", 0, at) + 1) for path, at in places]


def _places(work: Work, before: Table) -> list[tuple[str, int, Read]]:
    """Path and place of each read of a table."""
    found: dict[tuple[str, int], Read] = {}
    dialect = work.project.manifest.dialect
    for path, template in work.files.naming(before.id, before.relation):
        tables = Tables(work.project, template.masks, None, before.id, template.set_tables)
        for part in template.parts:
            part_read = read_part(template, part, tables, lambda _: Relation(is_open=True), dialect)
            for reading in part_read.readings:
                found |= {(path, read.start): read for read in reading.bound.reads if read.start >= 0}
    return [(path, start, read) for (path, start), read in found.items()]
