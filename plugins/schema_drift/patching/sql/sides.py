"""What the drifted table gave before, and gives now."""

from __future__ import annotations

from plugins.schema_drift.patching.sql.plan import TablePlan
from plugins.schema_drift.patching.sql.scope import Relation


def before_relation(plan: TablePlan, number: int) -> Relation:
    """What the table gave, with the columns that matter marked, and the names that it has only now."""
    tracked = {*plan.targets, *plan.failed}
    columns = {name.lower(): (number, name.lower()) if name.lower() in tracked else None for name in plan.before}
    return Relation(
        columns,
        {name.lower(): number for name in plan.fresh},
        False,
        {name.lower(): name for name in plan.before},
        {number},
    )


def after_relation(plan: TablePlan) -> Relation:
    """What the table gives now."""
    written = {name.lower(): name for name in plan.after}
    return Relation(dict.fromkeys(written), {}, False, written, {0})
