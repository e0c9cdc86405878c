"""Which groups are kept: by what is asked of them, and by what is known of them apart from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from sqlglot import exp

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import TIME, Analysis, Dimension, Grain, MetricFilter, TimeRange
from plugins.nl_models.render.periods import moved, start_of

_COMPARE = {"=": exp.EQ, ">": exp.GT, ">=": exp.GTE, "<": exp.LT, "<=": exp.LTE}


def condition_query(analysis: Analysis, part: MetricFilter) -> Analysis:
    """What must be asked of the semantic layer to know which groups meet a condition."""
    dimensions = [Dimension(name=d.name, grain=d.grain) for d in analysis.dimensions if d.query_name in part.of]
    if part.each is not None:
        dimensions.append(Dimension(name=TIME, grain=part.each))
    return Analysis(
        metrics=(part.metric,),
        dimensions=tuple(dimensions),
        filters=(*analysis.filters, *part.filters),
        time_range=part.time_range or analysis.time_range,
    )


def condition_name(number: int) -> str:
    """What the step of the nth condition is called."""
    return f"condition_{number}"


def held(analysis: Analysis, columns: Mapping[str, str]) -> Iterator[exp.Expr]:
    """What must hold of a row. columns: those that hold what is asked, by metric."""
    number = 0
    for part in analysis.having:
        if part.of:
            number += 1
            yield _meets(analysis, part, condition_name(number))
        else:
            name = f"{part.metric}_change" if part.is_change else columns[part.metric]
            yield _compared(exp.column(exp.to_identifier(name)), part)


def _meets(analysis: Analysis, part: MetricFilter, source: str) -> exp.Expr:
    """Whether the group is among those of a step; where nothing counts as 0, that it is not among the others."""
    keys = [exp.column(exp.to_identifier(name)) for name in part.of]
    found = exp.select(*keys).from_(source)
    value = exp.Coalesce(this=exp.column(exp.to_identifier(part.metric)), expressions=[exp.Literal.number(0)])
    known = [exp.Not(this=exp.Is(this=key.copy(), expression=exp.Null())) for key in keys]
    if _holds_for_nothing(part) and part.each is None:
        others = found.where(exp.Not(this=exp.Paren(this=_compared(value, part))), *known)
        return exp.Not(this=exp.In(this=_row(keys), query=exp.Subquery(this=others)))
    found = found.where(_compared(value, part))
    if part.each is not None:
        count = exp.EQ(
            this=exp.Count(this=exp.Star()), expression=exp.convert(_buckets(analysis, part, part.each))
        )
        found = found.group_by(*(key.copy() for key in keys)).having(count)
    return exp.In(this=_row(keys), query=exp.Subquery(this=found))


def _row(keys: Sequence[exp.Expr]) -> exp.Expr:
    copies = [key.copy() for key in keys]
    return copies[0] if len(copies) == 1 else exp.Tuple(expressions=copies)


def _compared(left: exp.Expr, part: MetricFilter) -> exp.Expr:
    value = exp.convert(int(part.value) if part.value == int(part.value) else part.value)
    return _COMPARE[part.operator](this=left, expression=value)


def _holds_for_nothing(part: MetricFilter) -> bool:
    """Whether 0 meets it."""
    return {
        "=": part.value == 0,
        ">": part.value < 0,
        ">=": part.value <= 0,
        "<": part.value > 0,
        "<=": part.value >= 0,
    }[part.operator]


def _buckets(analysis: Analysis, part: MetricFilter, grain: Grain) -> int:
    """How many months, or other buckets, the period has. Raises SmeltError for a period without end."""
    span = part.time_range or analysis.time_range or TimeRange(label="")
    if span.start is None or span.end is None:
        raise SmeltError(f"every {grain} of which time is not known", "say from when to when")
    last = start_of(span.end - timedelta(days=1), grain)
    at, count = start_of(span.start, grain), 1
    while at < last:
        at, count = moved(at, grain, 1), count + 1
    return count
