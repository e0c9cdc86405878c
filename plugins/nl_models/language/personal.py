"""Which columns of a result hold personal data: those that come from a column marked so, or called so."""

from __future__ import annotations

import re
from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from plugins.core.privacy import is_pii_name
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.plan import ColumnRef, Measure, Plan, Term
from plugins.nl_models.render.around import column_names
from plugins.nl_models.subject import Subject

# (table, column) of all columns that a project marks as personal.
Marked = Collection[tuple[str, str]]
_SHOWING = ("min", "max", "median", "percentile")


def is_personal(table: str, column: str, marked: Marked) -> bool:
    """Whether values of a column may not be shown to anybody else."""
    return (table, column) in marked or is_pii_name(column)


def personal_positions(
    plan: Plan | Analysis, columns: tuple[str, ...], subject: Subject, marked: Marked
) -> set[int]:
    """Positions in a result of the plan, whose columns are these."""
    called = {number for number, name in enumerate(columns) if is_pii_name(name)}
    if isinstance(plan, Plan):
        return called | {n for n, term in enumerate(plan.select) if _is_personal_term(term, marked)}
    shown = column_names(plan)
    hidden = {
        shown[d.query_name]
        for d in plan.dimensions
        if d.query_name in shown and is_personal_dimension(d.shown_by or d.name, subject, marked)
    }
    showing = [metric for metric in plan.metrics if _shows_personal(metric, subject, marked)]
    hidden |= {name for name in columns for metric in showing if name == metric or name.startswith(f"{metric}_")}
    return called | {number for number, name in enumerate(columns) if name in hidden}


def is_personal_dimension(name: str, subject: Subject, marked: Marked) -> bool:
    """Whether a dimension shows a personal column of the table that its semantic model reads."""
    assert subject.layer is not None
    dimension = subject.layer.all_dimensions.get(name)
    if dimension is None:
        return False
    relation = subject.layer.models[dimension.model].relation
    return _holds_personal(dimension.expr, relation, marked) or is_pii_name(dimension.label)


def _holds_personal(expr: str, relation: str, marked: Marked) -> bool:
    """Whether an expression over a table shows one of its personal columns."""
    try:
        columns = {column.name for column in sqlglot.parse_one(expr, dialect="duckdb").find_all(exp.Column)}
    except SqlglotError:
        # Another dialect's: what is named like a personal column is taken for it.
        columns = set(re.findall(r"\w+", expr))
    return any(is_personal(relation, column, marked) for column in columns)


def _shows_personal(metric: str, subject: Subject, marked: Marked) -> bool:
    """Whether a metric is the smallest or largest value of a personal column; sums and counts show nobody's."""
    assert subject.layer is not None
    measures = [subject.layer.measures[name] for name in subject.layer.metrics[metric].measures]
    shown = [(one.expr, subject.layer.models[one.model].relation) for one in measures if one.agg in _SHOWING]
    return any(_holds_personal(expr, relation, marked) for expr, relation in shown)


def _is_personal_term(term: Term, marked: Marked) -> bool:
    if isinstance(term, ColumnRef):
        return is_personal(term.table, term.name, marked)
    return isinstance(term, Measure) and term.function in ("min", "max") and _of_personal(term.column, marked)


def _of_personal(column: ColumnRef | None, marked: Marked) -> bool:
    return column is not None and is_personal(column.table, column.name, marked)
