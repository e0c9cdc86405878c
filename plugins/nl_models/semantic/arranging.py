"""What is calculated of the figures, what they are compared with, and in which order they come."""

from __future__ import annotations

from collections.abc import Iterable

from plugins.nl_models.analysis import (
    TIME,
    AnalysisOrdering,
    Calculation,
    Dimension,
    DimensionFilter,
    MetricFilter,
    PeriodComparison,
    TimeRange,
)
from plugins.nl_models.semantic.layer import SemanticDimension
from plugins.nl_models.semantic.request import Group
from plugins.nl_models.semantic.restricting import Restricting, in_words

_FEW = 10


class Arranging(Restricting):
    """The parts of an analysis that come after its metrics, groups and filters."""

    def _calculation(self, groups: list[Group]) -> Calculation | None:
        marks = self.request.marks
        if "SHARE" in marks:
            return "share"
        if "AVERAGE" in marks:
            if not groups:
                self.resolved.lacks.append("an average of what is meant: per day, per month, per customer")
            elif not any(group.is_time for group in groups):
                what = in_words(groups[-1].name)
                self.resolved.lacks.append(f"is the average per {what} meant, or within each")
            return "average"
        if "RUNNING" in marks:
            if any(group.is_time for group in groups):
                return "running total"
            return None
        return "count" if any(group.name == self.request.counted for group in groups) else None

    def _complete_comparison(self, dimensions: list[Dimension], time_range: TimeRange | None) -> None:
        """Growth of something: against the bucket before, if nothing else is said."""
        time = next((d for d in dimensions if d.grain), None)
        marks = self.request.marks
        if self.comparison is None and "GROWTH" in marks and "RUNNING" not in marks:
            if time is not None and time.grain is not None:
                self.comparison = PeriodComparison(grain=time.grain, only_growth=True)
            else:
                self.resolved.lacks.append("growth against which period is meant: the month, or the year before")
        if self.comparison is None or time is not None:
            return
        if time_range is None or time_range.start is None or time_range.end is None:
            grain = self.comparison.grain
            dimensions.insert(0, Dimension(name=TIME, grain=grain))

    def _having(self, metrics: list[str]) -> Iterable[MetricFilter]:
        for threshold in self.request.thresholds:
            metric = threshold.metric if threshold.metric in metrics else metrics[0]
            yield MetricFilter(metric=metric, operator=threshold.operator, value=threshold.value)

    def _leave_out_nobody(self, dimensions: list[Dimension], reachable: dict[str, SemanticDimension]) -> None:
        """What belongs to nobody has no rank, and is over no threshold; it is not one of those counted."""
        request = self.request
        if not (request.is_ranked or request.thresholds or request.limit or request.counted):
            return
        for dimension in dimensions:
            if dimension.name in reachable and reachable[dimension.name].kind == "entity":
                self.filters.append(DimensionFilter(dimension=dimension.name, operator="is not null"))

    def _ranking(
        self,
        metrics: list[str],
        groups: list[Group],
        dimensions: list[Dimension],
        calculation: Calculation | None,
    ) -> dict:
        """Order and limit, as fields of the analysis."""
        request = self.request
        time = next((d for d in dimensions if d.grain), None)
        if calculation in ("average", "count"):
            return {}
        if not request.is_ranked and not request.is_sorted and request.limit is None:
            natural = [AnalysisOrdering(by=time.query_name)] if time is not None else []
            if not natural and dimensions:
                natural = [AnalysisOrdering(by=metrics[0], descending=True)]
            return {"order_by": tuple(natural)}
        by = request.order_metric if request.order_metric in metrics else metrics[0]
        limit = request.limit
        ranked = [request.target] if request.target is not None else groups
        if limit is None and request.is_ranked and ranked:
            limit = _FEW if ranked[0].is_plural else 1
            if ranked[0].is_plural:
                self.resolved.assumptions.append(f"the first {_FEW} are meant")
        if request.is_ranked and not ranked:
            self.resolved.lacks.append("the highest of what is meant")
        pairs = list(zip(dimensions, groups, strict=False))
        others = [d.query_name for d in dimensions if d.grain is None]
        is_each = any(group.is_time and group.is_each for group in groups)
        # Of months and countries, the five are countries: all months of them are shown.
        is_over = limit is not None and time is not None and others and not is_each and not request.ranks_times
        beside = [d for d, group in pairs if request.target is not None and group.name != request.target.name]
        within = beside if request.is_ranked and not is_over else []
        return {
            "order_by": (AnalysisOrdering(by=by, descending=request.is_descending),),
            "limit": limit,
            "limit_within": tuple(dimension.query_name for dimension in within),
            "limit_over": tuple(others) if is_over else (),
        }
