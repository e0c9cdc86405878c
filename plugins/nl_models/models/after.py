"""What is made of metrics once they are there: comparisons, shares, running totals, ranks. The meaning is that of
`render.around`, which answers the same question at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.models.expressions import literal
from plugins.nl_models.models.house import Column, Join, Select
from plugins.nl_models.models.naming import ADVERBS, Names, previous_column


def needs_steps(analysis: Analysis) -> bool:
    """Whether there is more to do than to aggregate."""
    return bool(analysis.calculation or analysis.comparison or analysis.having or analysis.only or analysis.limit)


def shown_columns(analysis: Analysis, names: Names) -> Iterator[str]:
    """The columns that the semantic layer shows for the metrics, in its order."""
    for metric in analysis.metrics:
        column = names.metrics[metric]
        yield _measure(column, analysis)
        if analysis.comparison is not None:
            yield previous_column(column, analysis.comparison)
            yield f"{column}_change"


def add_steps(analysis: Analysis, names: Names, source: str) -> dict[str, Select]:
    """The steps from `source`, the metrics by the dimensions, to `final`.

    Raises SmeltError for what a table cannot hold.
    """
    return _Steps(analysis, names).all(source)


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

    @property
    def keys(self) -> list[str]:
        analysis = self.analysis
        left = [d for d in analysis.dimensions if analysis.calculation != "average" or d is not analysis.time]
        return [self.names.dimensions[d.query_name] for d in left]

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
        if self.analysis.limit is not None:
            columns = (*self._columns(), Column(self._rank(), "row_rank"))
            found["ranked"] = Select(columns, source, where=kept)
            source, kept = "ranked", (f"row_rank <= {self.analysis.limit}",)
        if list(found) == ["calculated"] and not kept and self.analysis.calculation != "average":
            return {"final": self._grouped(found["calculated"])}
        found["final"] = self._grouped(Select(tuple(self._columns()), source, where=kept))
        return found

    def _grouped(self, select: Select) -> Select:
        keys = set(self.keys)
        columns = [replace(c, group="keys" if c.output in keys else "numerics") for c in select.columns]
        return replace(select, columns=tuple(columns))

    def _columns(self) -> Iterator[Column]:
        yield from (Column(key) for key in self.keys)
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
        columns = [Column(f"current_period.{key}") for key in self.keys]
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
        columns = [Column(key) for key in self.keys]
        for metric in self.analysis.metrics:
            column = self.names.metrics[metric]
            if self.analysis.calculation != "average":
                columns.append(Column(column))
            columns.append(Column(self._calculation(column), _measure(column, self.analysis)))
        is_average = self.analysis.calculation == "average"
        return Select(tuple(columns), source, group_by=tuple(self.keys) if is_average else ())

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
            column = self.names.metrics.get(order.by)
            name = _measure(column, self.analysis) if column else self._dimension(order.by)
            orders.append(f"{name} {'desc' if order.descending else 'asc'} nulls last")
        ordered = {order.by for order in self.analysis.order_by}
        # The same rows each time, also among equals.
        left = [d for d in self.analysis.dimensions if d.query_name not in ordered]
        names = [self.names.dimensions[d.query_name] for d in left]
        orders += [f"{name} asc" for name in names if name in self.keys]
        partition = f"partition by {', '.join(within)} " if within else ""
        return f"row_number() over ({partition}order by {', '.join(orders)})"
