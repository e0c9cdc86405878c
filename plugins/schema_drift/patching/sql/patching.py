"""From a drift to the edits of every SQL and Python file of a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plugins.schema_drift.change import Change, Drift, Kind, Severity
from plugins.schema_drift.patching.patch import Mode, Patch
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql.asking import ask_about_changes, ask_about_kept, ask_about_keys
from plugins.schema_drift.patching.sql.files import SqlFiles
from plugins.schema_drift.patching.sql.nodes import NodePatching
from plugins.schema_drift.patching.sql.plan import TablePlan, plan_table
from plugins.schema_drift.patching.sql.removing import consumers_of
from plugins.schema_drift.patching.sql.snapshots import put_between
from plugins.schema_drift.patching.sql.tables import ask_about_table, rename_table
from plugins.schema_drift.patching.sql.work import Work
from plugins.schema_drift.table import Table

_MOST_NAMED = 5


def patch_sql(project: PatchedProject, drift: Drift, mode: Mode) -> Patch:
    """Edits of every SQL and Python file that names what changed; what cannot be edited surely is a question.

    absorb: what the table gave before is had again where it is read. propagate: plain renames go on through the
    models that only hand the column on; all else is absorbed.
    """
    work = Work(project, SqlFiles(project))
    for before in project.before:
        changes = drift.of(before.id)
        if changes:
            _patch_table(work, before, _after(project, before, changes), changes, mode)
    return work.patch()


def _after(project: PatchedProject, before: Table, changes: Sequence[Change]) -> Table | None:
    names = {name for change in changes if change.kind == Kind.TABLE_RENAMED for name in change.after}
    same = next((table for table in project.after if table.id == before.id), None)
    renamed = (
        table
        for table in project.after
        if names & {table.id, table.name, table.relation[1], ".".join(table.relation)}
    )
    return same or next(renamed, None)


def _patch_table(work: Work, before: Table, after: Table | None, changes: Sequence[Change], mode: Mode) -> None:
    if ask_about_table(work, before, changes):
        work.unpatched.add(before.id)
        return
    if after is None:
        return
    rename_table(work, before, after, changes)
    removed, held = _removable(work, before, changes)
    # What is sure is patched all the same: a person then has one thing less to do.
    rest = [one for one in changes if not _is_held(one, held)]
    if held and all(one.severity.rank < Severity.BREAKING.rank for one in rest):
        work.unpatched.add(before.id)
        return
    work.waiting |= {(before.id, name) for name in held}
    changes = rest
    plan = _with_known_columns(work, plan_table(before, after, changes, removed))
    # What reads a held column is patched as if it were there still.
    plan = replace(plan, after=(*plan.after, *(name for name in plan.before if name.lower() in held)))
    ask_about_keys(work, before, changes)
    between = put_between(work, plan)
    if between is None:
        work.unpatched.add(before.id)
        return
    patched = between | NodePatching(work, plan, before.id).patch(mode)
    ask_about_changes(work, plan, changes, patched)
    ask_about_kept(work, plan, patched)


def _is_held(change: Change, held: set[str]) -> bool:
    return change.kind == Kind.COLUMN_REMOVED and not held.isdisjoint(name.lower() for name in change.before)


def _removable(work: Work, before: Table, changes: Sequence[Change]) -> tuple[set[str], set[str]]:
    """Columns (lower case) that may be null from now on, and those by which something would be wrong: it asks."""
    found: set[str] = set()
    held: set[str] = set()
    for change in changes:
        if change.kind != Kind.COLUMN_REMOVED or change.restores:
            continue
        for name in change.before:
            consumers = consumers_of(work.project, before.id, name, before.key)
            if not any(one.harm for one in consumers):
                found.add(name.lower())
                continue
            held.add(name.lower())
            listed = "; ".join(dict.fromkeys(map(str, consumers)))
            path, line = _first_place(work, before, name)
            work.ask(
                f"`{name}` is gone from {before.name}. If it were null from now on, something would be wrong, so "
                f"what reads it was not changed for that. It is used by: {listed}. {_came(changes)}"
                "What shall take its place?",
                path,
                line,
            )
    return found, held


def _came(changes: Sequence[Change]) -> str:
    """The columns that came when another one went: what is in them may tell a person more than the data did."""
    names = [f"`{one.after[0]}`" for one in changes if one.kind == Kind.COLUMN_ADDED]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"At the same time came {', '.join(names[:_MOST_NAMED])}{more}. " if names else ""


def _first_place(work: Work, before: Table, name: str) -> tuple[str, int]:
    """The first file and line that read a column."""
    import re

    word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.IGNORECASE)
    for path, template in work.files.naming(before.id, before.relation):
        found = word.search(template.text)
        if found is not None:
            return path, template.line(found.start())
    return "", 0


def _with_known_columns(work: Work, plan: TablePlan) -> TablePlan:
    """The plan with columns that the project knows of the relation and that nobody compared, such as a load's."""
    known = work.project.graph.nodes.get(plan.table.id)
    listed = {name.lower() for name in (*plan.before, *plan.after)}
    more = tuple(name for key, name in known.columns.items() if key not in listed) if known is not None else ()
    return replace(plan, before=(*plan.before, *more), after=(*plan.after, *more))
