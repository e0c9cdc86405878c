"""What was done to a file, in one line for people."""

from __future__ import annotations

from collections.abc import Iterable

from plugins.schema_drift.patching.sql.plan import TablePlan, Target


def told_of(plan: TablePlan, columns: Iterable[str], passed: frozenset[str] = frozenset()) -> list[str]:
    """A phrase for each column that was restored. passed: those whose new name goes on."""
    found = []
    for key in sorted(columns):
        target = plan.targets.get(key)
        if target is not None:
            found.append(
                f"passes on `{target.plain}`, once `{target.column}`"
                if key in passed
                else _told(target, plan.apart)
            )
    return found


def _told(target: Target, apart: Iterable[str]) -> str:
    """apart: columns by which rows of both times are told apart."""
    if target.is_null:
        return f"gives `{target.column}` as null of its type"
    if target.plain is not None:
        return f"reads `{target.plain}` as `{target.column}`"
    marks = {name.lower() for name in apart}
    made_of = [name for name in target.reads if name.lower() not in marks]
    if all(name.lower() == target.column.lower() for name in made_of):
        since = " in rows since the change" if marks & {name.lower() for name in target.reads} else ""
        return f"turns `{target.column}` back into what it was{since}"
    names = [f"`{name}`" for name in made_of if name.lower() != target.column.lower()]
    listed = " and ".join([", ".join(names[:-1]), names[-1]]) if names[1:] else "".join(names)
    return f"makes `{target.column}` from {listed}"
