"""Sets what a commit declares of the sources beside the warehouse as it is now."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from plugins.core.project import Project
from plugins.schema_drift.observing.against_snapshot import Sides, read_now
from plugins.schema_drift.observing.declared import Declared, as_table, declared_at
from plugins.schema_drift.observing.found import Found, Warehouse
from plugins.schema_drift.observing.looking import Look
from plugins.schema_drift.observing.watched import Watched
from plugins.schema_drift.table import SeenTable


def compare_with_commit(
    con: duckdb.DuckDBPyConnection,
    project: Project,
    commit: str,
    seen: Look,
    warehouse: Warehouse,
    dialect: str,
    sample_rows: int,
) -> Sides:
    """Tables of which the commit lists columns, then and now. Raises SmeltError if there is no repository."""
    declared, notes = declared_at(project, commit)
    sides = Sides(notes=[*notes, "a commit has no rows: only columns, keys and what may be null are compared"])
    found = [found for _, found in seen.tables if found is not None]
    counted = {one.place: one for one in warehouse.count(found)}
    for watched, now in seen.tables:
        sides.looked_at += 1
        then = declared.get(watched.name)
        if then is None:
            sides.notes.append(f"{watched.name}: that commit does not declare it")
            continue
        if not then.columns:
            sides.notes.append(f"{watched.name}: that commit lists no columns of it")
            continue
        unlisted = _unlisted(then, watched, now)
        table = as_table(then, watched, now, dialect)
        sides.before.append(SeenTable(replace(table, unlisted=frozenset(name.lower() for name in unlisted))))
        if now is not None:
            read_now(con, warehouse, sample_rows, sides, watched, counted[now.place])
        if unlisted:
            shown = ", ".join(unlisted[:5]) + (f" and {len(unlisted) - 5} more" if len(unlisted) > 5 else "")
            told = f"{shown} may have been there before; the project's YAML never listed them"
            sides.notes.append(f"{watched.name}: {told}")
    return sides


def _unlisted(then: Declared, watched: Watched, now: Found | None) -> list[str]:
    """Columns of now that the YAML names neither then nor now: they may always have been there."""
    if now is None or then.is_whole:
        return []
    known = {column.name.lower() for column in then.columns} | {name.lower() for name in watched.declared}
    return [column.name for column in now.columns if column.name.lower() not in known]
