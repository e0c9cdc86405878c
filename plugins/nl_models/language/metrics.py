"""A query of metrics as an `Analysis` over the semantic layer: every name looked up, every part checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from plugins.nl_models.analysis import (
    TIME,
    Analysis,
    AnalysisOrdering,
    Dimension,
    DimensionFilter,
    MetricFilter,
    PeriodComparison,
    TimeRange,
)
from plugins.nl_models.language import form
from plugins.nl_models.language.bounds import Bounds
from plugins.nl_models.language.literals import Value, as_stored, is_missing, unmasked
from plugins.nl_models.language.naming import PlanError, Problems, resolve
from plugins.nl_models.semantic.layer import SemanticDimension, SemanticLayer

# More grains back than any calendar has.
_FARTHEST = 1_000
_TIME = SemanticDimension(TIME, TIME, "time", "", "", 0, "the time that each metric is counted by")

DimensionValues = Mapping[tuple[str, str], tuple[str, ...]]


def to_analysis(
    query: form.MetricQuery, layer: SemanticLayer, values: DimensionValues, question: str, bounds: Bounds
) -> tuple[Analysis, tuple[str, ...]]:
    """The analysis, and what is to be noted. Raises PlanError that says all that is wrong."""
    problems = Problems()
    metrics = tuple(name for metric in query.metrics if (name := _metric(metric, layer, problems)))
    if not query.metrics:
        problems.add("a query of metrics names at least one")
    problems.check()
    reader = _Reader(query, metrics, dimensions_of(layer, metrics), values, question, bounds, problems)
    analysis = reader.analysis()
    problems.check()
    return analysis, tuple(reader.notes)


def dimensions_of(layer: SemanticLayer, metrics: tuple[str, ...]) -> dict[str, SemanticDimension]:
    """By name, the dimensions that all the metrics can be had by, `metric_time` first."""
    time = {TIME: _TIME} if all(map(layer.has_time, metrics)) else {}
    return {**time, **layer.dimensions(*metrics)}


def _metric(name: str, layer: SemanticLayer, problems: Problems) -> str | None:
    if (metric := resolve(name, layer.metrics)) is None:
        problems.unknown("metric", name, layer.metrics)
        return None
    return metric.name


@dataclass
class _Reader:
    query: form.MetricQuery
    metrics: tuple[str, ...]
    known: Mapping[str, SemanticDimension]
    values: DimensionValues
    question: str
    bounds: Bounds
    problems: Problems
    notes: dict[str, None] = field(default_factory=dict)

    def analysis(self) -> Analysis:
        """The whole of it; what is wrong is among the problems."""
        query = self.query
        dimensions = tuple(self._dimension(given) for given in query.dimensions)
        columns = {dimension.query_name: dimension.query_name for dimension in dimensions}
        found = Analysis(
            metrics=self.metrics,
            dimensions=dimensions,
            filters=tuple(self._filter(part) for part in query.filters),
            time_range=self._time_range(),
            only=tuple(self._only(part, dimensions) for part in query.only),
            calculation=None if query.calculation == "none" else query.calculation,
            comparison=self._comparison(),
            having=tuple(self._having(part) for part in query.having),
            order_by=tuple(self._ordering(part, columns) for part in query.order_by),
            limit=query.limit or None,
            limit_within=tuple(self._column(name, columns) for name in query.limit_within),
        )
        self._check(found)
        return found

    def _check(self, found: Analysis) -> None:
        if not 0 <= self.query.limit <= self.bounds.limit:
            self.problems.add(f"a limit is between 1 and {self.bounds.limit:,}, or 0 for none")
        if found.limit_within and found.limit is None:
            self.problems.add("limit_within needs a limit")
        if len(set(found.dimensions)) < len(found.dimensions):
            self.problems.add("a dimension is named twice")
        if len(set(found.metrics)) < len(found.metrics):
            self.problems.add("a metric is named twice")
        if found.calculation in ("running total", "average") and found.time is None:
            self.problems.add(f"{found.calculation} needs a time dimension with a grain")
        if found.calculation is not None and found.comparison is not None:
            self.problems.add("a calculation and a comparison cannot be had at once")
        span = found.time_range
        if found.comparison and found.time is None and not (span and span.start and span.end):
            self.problems.add("a comparison needs a time dimension, or a time range with start and end")

    def _lookup(self, name: str) -> SemanticDimension | None:
        if (dimension := resolve(name, self.known)) is None:
            self.problems.unknown(f"dimension of {', '.join(self.metrics)} called", name, self.known)
        return dimension

    def _dimension(self, given: form.DimensionName) -> Dimension:
        found = self._lookup(given.name)
        grain = None if given.grain == "none" else given.grain
        if found is not None and (found.kind == "time") is (grain is None):
            self.problems.add(f"{found.name} {'needs a' if grain is None else 'has no'} grain")
        return Dimension(name=found.name if found else given.name, grain=grain)

    def _filter(self, part: form.DimensionFilter) -> DimensionFilter:
        found = self._lookup(part.dimension)
        count = len(part.values)
        if part.operator in ("is null", "is not null") and count:
            self.problems.add(f"{part.operator!r} takes no value")
        elif part.operator in ("in", "not in") and not count:
            self.problems.add(f"{part.operator!r} takes at least one value")
        elif part.operator in ("contains", ">", ">=", "<", "<=") and count != 1:
            self.problems.add(f"{part.operator!r} takes one value")
        if part.operator == "contains" and not all(isinstance(value, str) for value in part.values):
            self.problems.add("'contains' takes text")
        if found is not None and found.name == TIME:
            self.problems.add(f"{TIME} is filtered by time_start and time_end")
        plain = tuple(unmasked(value, self.question) for value in part.values)
        values = self._stored(plain, found) if part.operator in ("in", "not in") else plain
        if found is not None and part.operator == "in" and is_missing(values, self._known_values(found)):
            self.notes.setdefault(f"nothing has any of the asked values of {found.name}")
        return DimensionFilter(
            dimension=found.name if found else part.dimension, operator=part.operator, values=values
        )

    def _only(self, part: form.DimensionFilter, dimensions: tuple[Dimension, ...]) -> DimensionFilter:
        kept = self._filter(part)
        if part.operator not in ("in", "not in"):
            self.problems.add("`only` takes the operators 'in' and 'not in'")
        if kept.dimension not in {dimension.name for dimension in dimensions}:
            self.problems.add(f"`only` is of a dimension that is shown; {kept.dimension!r:.80} is not")
        return kept

    def _known_values(self, dimension: SemanticDimension) -> tuple[str, ...] | None:
        return self.values.get((dimension.model, dimension.label))

    def _stored(self, values: tuple[Value, ...], dimension: SemanticDimension | None) -> tuple[Value, ...]:
        stored = self._known_values(dimension) if dimension is not None else None
        return tuple(as_stored(value, stored) for value in values)

    def _time_range(self) -> TimeRange | None:
        start, end = self._day(self.query.time_start), self._day(self.query.time_end)
        if start is None and end is None:
            return None
        if TIME not in self.known:
            self.problems.add(f"{', '.join(self.metrics)} cannot be had by time")
        if start is not None and end is not None and start >= end:
            self.problems.add("time_end is the day behind the last one, after time_start")
        label = self.query.time_label.strip() or f"{start or ''} to before {end or ''}".strip()
        return TimeRange(start=start, end=end, label=label)

    def _day(self, text: str) -> date | None:
        if not text:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.problems.add(f"{text[:40]!r} is no day; write 2011-01-31")
            return None

    def _comparison(self) -> PeriodComparison | None:
        query = self.query
        if query.compare_grain == "none":
            return None
        if not 1 <= query.compare_count <= _FARTHEST:
            self.problems.add(f"compare_count is between 1 and {_FARTHEST:,}")
        return PeriodComparison(
            grain=query.compare_grain, count=query.compare_count, only_growth=query.only_growth
        )

    def _having(self, part: form.MetricFilter) -> MetricFilter:
        metric = resolve(part.metric, {name: name for name in self.metrics})
        if metric is None:
            self.problems.unknown("metric of this query called", part.metric, self.metrics)
        return MetricFilter(metric=metric or "", operator=part.operator, value=part.value)

    def _ordering(self, part: form.MetricOrder, columns: Mapping[str, str]) -> AnalysisOrdering:
        names = {**columns, **{name: name for name in self.metrics}}
        return AnalysisOrdering(by=self._column(part.by, names), descending=part.descending)

    def _column(self, name: str, columns: Mapping[str, str]) -> str:
        if (found := resolve(name, columns)) is None:
            self.problems.unknown("column of this query called", name, columns)
        return found or ""


def no_layer() -> PlanError:
    """What is said to a query of metrics where there are none."""
    return PlanError("there are no metrics here", "ask for columns of tables")
