"""What MetricFlow has no words for, as SQL around its query: comparisons, shares, running totals, ranks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from plugins.nl_models.analysis import Analysis, AnalysisOrdering, Dimension, DimensionFilter, PeriodComparison
from plugins.nl_models.render.conditions import condition_name, held

_SUFFIXES = {
    "share": "_share",
    "running total": "_running_total",
    "average": "_average",
    "moving average": "_moving_average",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def around(
    analysis: Analysis, asked: exp.Query, before: exp.Query | None, conditions: Sequence[exp.Query] = ()
) -> exp.Query:
    """The whole query. asked: dimensions and metrics. before: the same of the earlier period, where no time
    dimension tells the periods apart. conditions: what those of the analysis are about, in their order."""
    steps: list[tuple[str, exp.Query]] = [(condition_name(n), query) for n, query in enumerate(conditions, 1)]
    steps.append(("asked", asked))
    if before is not None:
        steps.append(("before", before))
    if analysis.comparison is not None:
        steps.append(("compared", _compared(analysis, analysis.comparison, before is not None)))
    if analysis.calculation not in (None, "count"):
        steps.append(("calculated", _calculated(analysis, steps[-1][0])))
    query = _ordered(_kept(analysis, steps[-1][0]), analysis)
    if analysis.calculation == "count":
        steps.append(("kept", _kept(analysis, steps[-1][0])))
        query = _counted(analysis)
    if analysis.together is not None:
        steps.append(("kept", query))
        query = _together(analysis)
    for name, step in steps:
        query = query.with_(name, as_=step, copy=False)
    return query


def _counted(analysis: Analysis) -> exp.Select:
    """How many there are of the last dimension, for each of the others."""
    *others, counted = column_names(analysis).values()
    columns = [_column(name) for name in others]
    count = exp.Count(this=exp.Star()).as_(f"{counted}_count")
    query = exp.select(*columns, count).from_("kept")
    return query.group_by(*columns).order_by(*columns) if columns else query


def _together(analysis: Analysis) -> exp.Select:
    """All rows that are kept as one."""
    one = exp.Sum if analysis.together == "sum" else exp.Avg
    return exp.select(*(one(this=_column(name)).as_(name) for name in measure_names(analysis))).from_("kept")


def grouped_by(analysis: Analysis) -> list[str]:
    """Names of all that MetricFlow groups by: what is asked, what it is shown by, what a share is a part by."""
    names = [name for d in analysis.dimensions for name in (d.query_name, d.shown_by) if name]
    if analysis.calculation == "share":
        names += [part.dimension for part in analysis.only]
    return list(dict.fromkeys(names))


def asked_names(analysis: Analysis) -> list[str]:
    """The same as MetricFlow takes them: what its columns are called is no name of a part of a date."""
    parts = {
        d.query_name: f"TimeDimension('{d.name}', date_part_name='dow')" for d in analysis.dimensions if d.part
    }
    return [parts.get(name, name) for name in grouped_by(analysis)]


def measured(analysis: Analysis) -> dict[str, str]:
    """By metric, the column that holds what was asked of it, without those that only compare."""
    if analysis.calculation == "ratio":
        return {analysis.metrics[0]: "_per_".join(analysis.metrics)}
    return {metric: metric + _SUFFIXES.get(analysis.calculation or "", "") for metric in analysis.metrics}


def measure_names(analysis: Analysis) -> list[str]:
    """The names of the columns that hold what was asked."""
    return list(measured(analysis).values())


def column_names(analysis: Analysis) -> dict[str, str]:
    """By query name, what a dimension's column is called: its own name, or the grain; both where two are alike."""
    kept = [dimension.query_name for dimension in _kept_dimensions(analysis)]
    parts = {dimension.query_name: dimension.part for dimension in analysis.dimensions}
    short = {name: parts[name] or name.split("__")[-1] for name in kept}
    return {name: own if list(short.values()).count(own) == 1 else name for name, own in short.items()}


def previous(comparison: PeriodComparison) -> str:
    """What the earlier period is called in a column's name."""
    if comparison.count == 1:
        return f"previous_{comparison.grain}"
    return f"{comparison.count}_{comparison.grain}s_earlier"


def _kept_dimensions(analysis: Analysis) -> list[Dimension]:
    """Those that the answer has: an average has none of what it is taken over."""
    if analysis.calculation != "average":
        return list(analysis.dimensions)
    if analysis.time is None:
        return []
    return [dimension for dimension in analysis.dimensions if dimension is not analysis.time]


def _kept_names(analysis: Analysis) -> list[str]:
    dimensions = _kept_dimensions(analysis)
    return list(dict.fromkeys(name for d in dimensions for name in (d.query_name, d.shown_by) if name))


def _column(name: str, table: str | None = None) -> exp.Column:
    return exp.column(exp.to_identifier(name), table=table)


def _compared(analysis: Analysis, comparison: PeriodComparison, has_before: bool) -> exp.Query:
    """Each group with its value in the earlier period; that of a time bucket is found by moving the bucket."""
    names = grouped_by(analysis)
    time = analysis.time
    other = "before" if has_before else "asked"
    conditions: list[exp.Expr] = []
    for name in names:
        left: exp.Expr = _column(name, "now")
        if time is not None and name == time.query_name:
            left = exp.Sub(this=left, expression=_interval(comparison))
        conditions.append(exp.NullSafeEQ(this=left, expression=_column(name, "earlier")))
    # What there was only before has changed as well, though it has no share of growth.
    is_full = comparison.as_amount and time is None
    columns: list[exp.Expr] = [_column(name, "now") for name in names]
    if is_full:
        columns = [_known(_column(name, "now"), _column(name, "earlier")).as_(name) for name in names]
    for metric in analysis.metrics:
        now, then = _column(metric, "now"), _column(metric, "earlier")
        change = _change(now, then, comparison)
        columns += [now, then.as_(f"{metric}_{previous(comparison)}"), change.as_(f"{metric}_change")]
    select = exp.select(*columns).from_(exp.to_table("asked").as_("now"))
    on = exp.and_(*conditions) if conditions else exp.true()
    select = select.join(exp.to_table(other).as_("earlier"), on=on, join_type="full" if is_full else "left")
    shown = _in_time(analysis, "now")
    return select.where(*shown) if shown else select


def _in_time(analysis: Analysis, table: str | None = None) -> list[exp.Expr]:
    """Earlier buckets were read to calculate with, not to be shown."""
    time, span = analysis.time, analysis.time_range
    if time is None or span is None or span.start is None:
        return []
    day = exp.cast(exp.Literal.string(span.start.isoformat()), "date")
    return [exp.GTE(this=_column(time.query_name, table), expression=day)]


def _change(now: exp.Column, then: exp.Column, comparison: PeriodComparison) -> exp.Expr:
    if comparison.as_amount:
        nothing = exp.Literal.number(0)
        return exp.Sub(this=_known(now.copy(), nothing), expression=_known(then.copy(), nothing.copy()))
    return exp.Div(
        this=exp.Paren(this=exp.Sub(this=now.copy(), expression=then.copy())),
        expression=exp.Nullif(this=then.copy(), expression=exp.Literal.number(0)),
    )


def _known(value: exp.Expr, other: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=value, expressions=[other])


def _interval(comparison: PeriodComparison) -> exp.Expr:
    count, unit = comparison.count, comparison.grain
    if unit == "quarter":
        count, unit = 3 * count, "month"
    return exp.Interval(this=exp.Literal.string(str(count)), unit=exp.Var(this=unit))


def _calculated(analysis: Analysis, source: str) -> exp.Query:
    names = _kept_names(analysis)
    columns: list[exp.Expr] = [_column(name) for name in names]
    for metric, name in measured(analysis).items():
        columns.append(_calculation(analysis, metric, names).as_(name))
    select = exp.select(*columns).from_(source)
    is_aggregated = analysis.calculation == "average" or bool(analysis.only)
    return select.group_by(*(_column(name) for name in names)) if is_aggregated and names else select


def _calculation(analysis: Analysis, metric: str, names: Sequence[str]) -> exp.Expr:
    time = analysis.time
    column = _column(metric)
    if analysis.calculation == "average":
        return exp.Avg(this=column)
    total = exp.Sum(this=column.copy())
    nothing = exp.Literal.number(0)
    if analysis.calculation == "share" and analysis.only:
        part = exp.and_(*(_is_one_of(only) for only in analysis.only))
        meant = exp.Coalesce(this=exp.Filter(this=total, expression=exp.Where(this=part)), expressions=[nothing])
        return exp.Div(this=meant, expression=exp.Nullif(this=total.copy(), expression=nothing.copy()))
    if analysis.calculation == "share":
        within = [_column(time.query_name)] if time is not None else []
        whole = exp.Window(this=total, partition_by=within)
        return exp.Div(this=column, expression=exp.Nullif(this=whole, expression=nothing))
    if analysis.calculation == "ratio":
        below = exp.Nullif(this=_column(analysis.metrics[1]), expression=nothing)
        return exp.Div(this=exp.cast(column, "double"), expression=below)
    others = [_column(name) for name in names if time is None or name != time.query_name]
    order = exp.Order(expressions=[_column(time.query_name)]) if time is not None else None
    if analysis.calculation == "moving average" and time is not None and time.grain is not None:
        span = exp.WindowSpec(
            kind="RANGE",
            start=_interval(PeriodComparison(grain=time.grain, count=(analysis.window or 1) - 1)),
            start_side="PRECEDING",
            end="CURRENT ROW",
        )
        return exp.Window(this=exp.Avg(this=column), partition_by=others, order=order, spec=span)
    return exp.Window(this=total, partition_by=others, order=order)


def _kept(analysis: Analysis, source: str) -> exp.Select:
    select = exp.select(*_shown(analysis)).from_(source)
    conditions = [*(_is_one_of(part) for part in analysis.kept), *held(analysis, measured(analysis))]
    if analysis.calculation == "moving average":
        conditions += _in_time(analysis)
    if conditions:
        select = select.where(*conditions)
    if analysis.limit is not None and analysis.limit_over:
        names = list(analysis.limit_over)
        kept = exp.In(this=_row(names), query=exp.Subquery(this=_highest(analysis, source)))
        return select.where(kept)
    if analysis.limit is not None and analysis.limit_within:
        ranked = exp.Window(
            this=exp.RowNumber(),
            partition_by=[_column(name) for name in analysis.limit_within],
            order=exp.Order(expressions=_orders(analysis)),
        )
        limit = exp.LTE(this=ranked, expression=exp.convert(analysis.limit))
        select.set("qualify", exp.Qualify(this=limit))
    return select


def _row(names: Sequence[str]) -> exp.Expr:
    columns = [_column(name) for name in names]
    return columns[0] if len(columns) == 1 else exp.Tuple(expressions=columns)


def _highest(analysis: Analysis, source: str) -> exp.Select:
    """Of what the limit is over, those with the highest totals of what it is ordered by."""
    order = analysis.order_by[0]
    renamed = measured(analysis)
    columns = [_column(name) for name in analysis.limit_over]
    total = exp.Ordered(
        this=exp.Sum(this=_column(renamed.get(order.by, order.by))), desc=order.descending, nulls_first=False
    )
    found = exp.select(_row(analysis.limit_over)).from_(source).group_by(*columns)
    known = [exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null())) for column in columns]
    return found.where(*known).order_by(total, *(column.copy() for column in columns)).limit(analysis.limit or 1)


def _shown(analysis: Analysis) -> list[exp.Expr]:
    """The columns, in the order of the question. Buckets of a day and more are dates."""
    columns: list[exp.Expr] = []
    titles = column_names(analysis)
    for dimension in _kept_dimensions(analysis):
        column: exp.Expr = _column(dimension.shown_by or dimension.query_name)
        title = titles[dimension.query_name]
        if dimension.part == "weekday":
            column = exp.func("list_extract", exp.convert(list(WEEKDAYS)), column)
        columns.append((exp.cast(column, "date") if dimension.grain else column).as_(title))
    compared = analysis.comparison
    for metric, name in measured(analysis).items():
        if compared is not None and (compared.as_amount or compared.only_growth):
            columns.append(_column(f"{metric}_change"))
            continue
        columns.append(_column(name))
        if analysis.comparison is not None:
            columns += [_column(f"{metric}_{previous(analysis.comparison)}"), _column(f"{metric}_change")]
    return columns


def _is_one_of(part: DimensionFilter) -> exp.Expr:
    column = _column(part.dimension)
    if part.operator in ("is null", "is not null"):
        missing = exp.Is(this=column, expression=exp.Null())
        return missing if part.operator == "is null" else exp.Not(this=missing)
    found = exp.In(this=column, expressions=[exp.convert(value) for value in part.values])
    if part.operator != "not in":
        return found
    return exp.or_(exp.Not(this=found), exp.Is(this=column.copy(), expression=exp.Null()))


def _orders(analysis: Analysis) -> list[exp.Expr]:
    """What it is ordered by; by its dimensions after that, so that the same question has the same answer."""
    titles = column_names(analysis)
    wanted = list(analysis.order_by)
    shown = {d.query_name: (d.shown_by, d.query_name) for d in analysis.dimensions if d.shown_by}
    left = [name for name in titles if name not in {order.by for order in wanted}]
    # Names first, as they are read; keys tell equal names apart.
    wanted += [AnalysisOrdering(by=by) for name in left for by in shown.get(name, (name,))]
    renamed = measured(analysis)
    return [
        exp.Ordered(this=_column(renamed.get(order.by, order.by)), desc=order.descending, nulls_first=False)
        for order in wanted
    ]


def _ordered(query: exp.Query, analysis: Analysis) -> exp.Query:
    within = [exp.Ordered(this=_column(name), nulls_first=False) for name in analysis.limit_within]
    if analysis.limit_over and analysis.time is not None:
        within = [exp.Ordered(this=_column(analysis.time.query_name), nulls_first=False)]
    orders = [*within, *_orders(analysis)]
    if orders:
        query = query.order_by(*orders)
    if analysis.limit is not None and not analysis.limit_within and not analysis.limit_over:
        query = query.limit(analysis.limit)
    return query
