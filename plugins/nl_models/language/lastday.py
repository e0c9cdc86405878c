"""The last day that the data knows of: "last month" is counted from there where the data has ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Limits, check, run
from plugins.nl_models.catalog.schema import Column
from plugins.nl_models.plan import ColumnRef, Comparison, Literals, Measure, Plan
from plugins.nl_models.subject import Subject

# Each is a query, which is not worth waiting for.
_MOST_COLUMNS, _LIMITS = 4, Limits(seconds=2.0, rows=1)


def last_day(subject: Subject, tables: Iterable[str], today: date) -> date | None:
    """The latest day, not after today, that metrics are counted by; without metrics, that these tables have."""
    columns = list(_metric_times(subject)) or [
        column
        for table in tables
        for column in subject.catalog.tables[table].columns.values()
        if column.kind == "time" and column.data_type.upper().startswith(("DATE", "TIMESTAMP"))
    ]
    days = [day for column in columns[:_MOST_COLUMNS] if (day := _latest(subject, column, today))]
    return max(days, default=None)


def _metric_times(subject: Subject) -> Iterator[Column]:
    """Columns behind the time dimensions by which measures are counted."""
    for model in subject.layer.models.values() if subject.layer is not None else ():
        table = subject.catalog.tables.get(model.relation)
        expr = next((expr for label, _, expr, _ in model.dimensions if label == model.time), None)
        if table is not None and expr is not None and expr in table.columns:
            yield table.columns[expr]


def _latest(subject: Subject, column: Column, today: date) -> date | None:
    ref = ColumnRef(table=column.table, name=column.name)
    # Dates far ahead stand for "never".
    past = Comparison(left=ref, operator="<=", right=Literals(values=(today.isoformat(),)))
    plan = Plan(select=(Measure(function="max", column=ref),), where=past)
    try:
        rows = run(subject.con, check(subject.sql(plan), subject.relations), _LIMITS).rows
    except SmeltError:
        return None
    value = rows[0][0] if rows else None
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None
