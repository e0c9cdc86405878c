"""What is made of metrics once they are there: comparisons, shares, running totals, ranks. The meaning is that of
`render.around`, which answers the same question at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import Analysis, AnalysisOrdering, Dimension
from plugins.nl_models.models.expressions import literal
from plugins.nl_models.models.house import Column, Group, Join, Select
from plugins.nl_models.models.naming import ADVERBS, Names, previous_column


def needs_steps(analysis: Analysis) -> bool:
    """Whether there is more to do than to aggregate."""
    return bool(analysis.calculation or analysis.comparison or analysis.having or analysis.only or analysis.limit)


def kept_dimensions(analysis: Analysis) -> list[Dimension]:
    """Those that a row has: an average has none of what it is taken over."""
    if analysis.calculation != "average":
        return list(analysis.dimensions)
    return [d for d in analysis.dimensions if d is not analysis.time] if analysis.time is not None else []


def as_compared(analysis: Analysis) -> Analysis:
    """The same request with key and name of a thing as two columns, and equals in the order that the model has."""
    dimensions = [
        Dimension(name=name, grain=d.grain if name == d.name else None)
        for d in analysis.dimensions
        for name in (d.name, d.shown_by)
        if name
    ]
    orders = [*analysis.order_by, *(AnalysisOrdering(by=name) for name in _ties(analysis))]
    return analysis.model_copy(update={"dimensions": tuple(dimensions), "order_by": tuple(orders)})


def _ties(analysis: Analysis) -> list[str]:
    """What equals are ordered by, so that the same rows are kept each time: names, and keys for equal names."""
    given = {*analysis.limit_within, *(order.by for order in analysis.order_by)}
    left = [d for d in kept_dimensions(analysis) if d.query_name not in given]
    return list(dict.fromkeys(name for d in left for name in (d.shown_by, d.query_name) if name))


def shown_columns(analysis: Analysis, names: Names) -> Iterator[str]:
    """The columns that the semantic layer shows for the metrics, in its order."""
    for metric in analysis.metrics:
        column = names.metrics[metric]
        yield _measure(column, analysis)
        if analysis.comparison is not None:
            yield previous_column(column, analysis.comparison)
            yield f"{column}_change"


def add_steps(analysis: Analysis, names: Names, source: str, nullable: Collection[str]) -> dict[str, Select]:
    """The steps from `source`, the metrics by the dimensions, to `final`. nullable: keys that a row may lack.

    Raises SmeltError for what a table cannot hold.
    """
    if analysis.calculation == "count":
        raise SmeltError(
            "how many groups there are is one number", "ask for the groups, and count the model's rows"
        )
    return _Steps(analysis, names, nullable).all(source)


def _measure(column: str, analysis: Analysis) -> str:
    if analysis.calculation == "share":
        return f"{column}_share"
    if analysis.calculation == "running total":
        return f"{column}_running_total"
    if analysis.calculation == "average":
        grain = analysis.time.grain if analysis.time is not None else None
        return f"average_{ADVERBS[grain]}_{column}" if grain else f"average_{column}"
    return column


@dataclass(frozen=True)
class _Steps:
    analysis: Analysis
    names: Names
    nullable: Collection[str]

    @property
    def keys(self) -> list[str]:
        return [self.names.dimensions[d.query_name] for d in kept_dimensions(self.analysis)]

    @property
    def shown(self) -> list[str]:
        """Keys, each with the name that it is shown by."""
        return [name for dimension in kept_dimensions(self.analysis) for name in self.names.of(dimension)]

    @property
    def time(self) -> str | None:
        time = self.analysis.time
        return self.names.dimensions[time.query_name] if time is not None else None

    def all(self, source: str) -> dict[str, Select]:
        found: dict[str, Select] = {}
        if self.analysis.comparison is not None:
            found["compared"] = self._compared(source)
            source = "compared"
        if self.analysis.calculation is not None:
            found["calculated"] = self._calculated(source)
            source = "calculated"
        kept = tuple(self._conditions())
        if self.analysis.limit is not None and self.analysis.limit_over:
            name = self._highest_name()
            found[name] = self._highest(source, self.analysis.limit)
            kept = (*kept, self._is_among(name))
        elif self.analysis.limit is not None:
            columns = (*self._columns(), Column(self._rank(), "row_rank"))
            found["ranked"] = Select(columns, source, where=kept)
            source, kept = "ranked", (f"row_rank <= {self.analysis.limit}",)
        if list(found) == ["calculated"] and not kept and self.analysis.calculation != "average":
            return {"final": self._grouped(found["calculated"])}
        found["final"] = self._grouped(Select(tuple(self._columns()), source, where=kept))
        return found

    def _grouped(self, select: Select) -> Select:
        groups: dict[str, Group] = dict.fromkeys(self.names.shown.values(), "text")
        groups |= dict.fromkeys(self.keys, "keys")
        columns = [replace(c, group=groups.get(c.output, "numerics")) for c in select.columns]
        return replace(select, columns=tuple(columns))

    def _columns(self) -> Iterator[Column]:
        yield from (Column(name) for name in self.shown)
        analysis = self.analysis
        for metric in analysis.metrics:
            column = self.names.metrics[metric]
            if analysis.calculation in ("share", "running total"):
                yield Column(column)
            yield Column(_measure(column, analysis))
            if analysis.comparison is not None:
                yield Column(previous_column(column, analysis.comparison))
                yield Column(f"{column}_change")

    def _compared(self, source: str) -> Select:
        comparison, time = self.analysis.comparison, self.time
        assert comparison is not None
        if time is None or self.analysis.calculation is not None:
            raise SmeltError(
                "a comparison with an earlier period needs time buckets, and nothing else calculated",
                f"ask for it by {comparison.grain}",
            )
        on = []
        for key in self.keys:
            if key == time:
                back = f"'{comparison.grain}', '-{comparison.count}', 'current_period.{key}'"
                moved = f"{{{{ dbt.dateadd({back}) }}}}"
                on.append(f"earlier_period.{key} = cast({moved} as date)")
            else:
                on.append(f"earlier_period.{key} is not distinct from current_period.{key}")
        columns = [Column(f"current_period.{name}") for name in self.shown]
        for metric in self.analysis.metrics:
            name = self.names.metrics[metric]
            now, then = f"current_period.{name}", f"earlier_period.{name}"
            change = f"({now} - {then}) / nullif({then}, 0)"
            columns += [Column(now), Column(then, previous_column(name, comparison))]
            columns.append(Column(change, f"{name}_change"))
        days = self.analysis.time_range
        start = days.start if days is not None else None
        where = (f"current_period.{time} >= cast('{start}' as date)",) if start else ()
        comment = f"found by its date, so that a gap before a {comparison.grain} is not skipped"
        join = Join("left", source, tuple(on), "earlier_period")
        return Select(tuple(columns), source, "current_period", (join,), where, comments=(comment,))

    def _calculated(self, source: str) -> Select:
        columns = [Column(name) for name in self.shown]
        for metric in self.analysis.metrics:
            column = self.names.metrics[metric]
            if self.analysis.calculation != "average":
                columns.append(Column(column))
            columns.append(Column(self._calculation(column), _measure(column, self.analysis)))
        is_average = self.analysis.calculation == "average"
        return Select(tuple(columns), source, group_by=tuple(self.shown) if is_average else ())

    def _calculation(self, column: str) -> str:
        if self.analysis.calculation == "average":
            return f"avg({column})"
        if self.analysis.calculation == "share":
            within = f"partition by {self.time}" if self.time else ""
            return f"{column} / nullif(sum({column}) over ({within}), 0)"
        others = [key for key in self.keys if key != self.time]
        if self.time is None:
            raise SmeltError("a running total needs time buckets", "ask for it by month")
        within = f"partition by {', '.join(others)} " if others else ""
        return f"sum({column}) over ({within}order by {self.time})"

    def _conditions(self) -> Iterator[str]:
        for part in self.analysis.having:
            column = self.names.metrics.get(part.metric)
            if column is None:
                raise SmeltError(f"{part.metric} is compared and not asked for", f"ask for {part.metric} too")
            yield f"{_measure(column, self.analysis)} {part.operator} {literal(part.value)}"
        for only in self.analysis.only:
            column = self._dimension(only.dimension)
            listed = ", ".join(map(literal, only.values))
            if only.operator not in ("in", "not in"):
                raise SmeltError(f"groups are kept by {only.operator}", "filter by values")
            yield f"{column} {only.operator} ({listed})"

    def _dimension(self, name: str) -> str:
        query = next((d.query_name for d in self.analysis.dimensions if name in (d.name, d.query_name)), None)
        if query is None:
            raise SmeltError(f"groups are kept by {name}, which they do not have", f"ask for it by {name} too")
        return self.names.dimensions[query]

    def _rank(self) -> str:
        within = [self._dimension(name) for name in self.analysis.limit_within]
        orders = []
        for order in self.analysis.order_by:
            name = self._ordering(order)
            orders.append(f"{name} {'desc' if order.descending else 'asc'} nulls last")
        columns = {name: column for d in self.analysis.dimensions for name, column in self._named(d)}
        orders += [f"{columns[name]} asc" for name in _ties(self.analysis)]
        partition = f"partition by {', '.join(within)} " if within else ""
        return f"row_number() over ({partition}order by {', '.join(orders)})"

    def _named(self, dimension: Dimension) -> Iterator[tuple[str, str]]:
        yield from zip((dimension.query_name, dimension.shown_by or ""), self.names.of(dimension), strict=False)

    def _ordering(self, order: AnalysisOrdering) -> str:
        column = self.names.metrics.get(order.by)
        return _measure(column, self.analysis) if column else self._dimension(order.by)

    def _highest_name(self) -> str:
        order = self.analysis.order_by[0]
        return f"{'highest' if order.descending else 'lowest'}_by_{self._ordering(order)}"

    def _highest(self, source: str, limit: int) -> Select:
        """Of what the limit is over, those with the highest totals; the rest of them is not shown at all."""
        order = self.analysis.order_by[0]
        over = [self._dimension(name) for name in self.analysis.limit_over]
        total = f"sum({self._ordering(order)}) {'desc' if order.descending else 'asc'} nulls last"
        return Select(
            tuple(map(Column, over)),
            source,
            where=tuple(f"{name} is not null" for name in over if name in self.nullable),
            group_by=tuple(over),
            order_by=(total, *(f"{name} asc" for name in over)),
            limit=limit,
        )

    def _is_among(self, step: str) -> str:
        over = ", ".join(self._dimension(name) for name in self.analysis.limit_over)
        left = over if len(self.analysis.limit_over) == 1 else f"({over})"
        return f"{left} in (select {over} from {step})"
