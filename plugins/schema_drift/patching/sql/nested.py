"""Fields inside a column that have another place now, where they are read by their path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlglot import exp

from plugins.core.editing.edits import Edit
from plugins.schema_drift.patching.sql.plan import Target
from plugins.schema_drift.patching.sql.scope import Reference

Path = tuple[str, ...]


def new_path(one: Reference, target: Target) -> Path | None:
    """The path, column first, by which a field is read now; the same one where it did not move.

    None: it is no field, or more of the column is read than what moved, so that the column must be made again.
    """
    moved = moved_fields(target)
    path = (target.column, *one.path, *_written_behind(one.node)) if moved else ()
    if len(path) < 2 or target.change.detail.get("retyped_fields"):
        return None
    lowered = tuple(part.lower() for part in path)
    for length in range(len(path), 0, -1):
        found = moved.get(lowered[:length])
        if found is not None:
            new = (*found, *path[length:])
            # Names in brackets stay where they stand.
            return new if len(path) in (1 + len(one.path), len(new)) else None
    if any(field[: len(lowered)] == lowered for field in moved):
        return None
    # A field that is left of the column is where it was, as long as the column is there.
    return None if target.is_gone else path


def moved_fields(target: Target) -> Mapping[Path, Path]:
    """Paths of before (lower case) and of now; none where names go round, or where nothing says how they moved."""
    fields = target.change.detail.get("fields") or {}
    found = {tuple(old.lower().split(".")): tuple(str(new).split(".")) for old, new in dict(fields).items()}
    own = {old: new for old, new in found.items() if old[0] == target.column.lower() and len(old) > 1}
    now = {tuple(part.lower() for part in new) for new in own.values()}
    return {} if now & set(own) else own


def behind(text: str, one: Reference, path: Sequence[str]) -> list[Edit] | None:
    """Edits of the names in brackets, or in calls of a function, behind a column; None: they are not seen."""
    at, edits = one.end, []
    for old, new in zip(_written_behind(one.node), path[1 + len(one.path) :], strict=True):
        found = re.compile(rf"\s*[\[,]\s*'{re.escape(old)}'\s*[\])]").match(text, at)
        if found is None:
            return None
        if old.lower() != new.lower():
            start = text.index("'", found.start()) + 1
            edits.append(Edit(start, start + len(old), new.replace("'", "''")))
        at = found.end()
    return edits


def is_same(one: Reference, target: Target, path: Sequence[str]) -> bool:
    """Whether a reference is read by this path already."""
    written = (target.column, *one.path, *_written_behind(one.node))
    return [part.lower() for part in path] == [part.lower() for part in written]


def _written_behind(node: exp.Expr) -> Path:
    """Fields that are named in brackets or by a function right behind a column."""
    found: list[str] = []
    while True:
        parent = node.parent
        name: exp.Expr | None = None
        if isinstance(parent, exp.Bracket) and parent.this is node and len(parent.expressions) == 1:
            name = parent.expressions[0]
        elif isinstance(parent, exp.StructExtract) and parent.this is node:
            name = parent.expression
        if parent is None or not isinstance(name, exp.Literal) or not name.is_string:
            return tuple(found)
        found.append(name.name)
        node = parent
