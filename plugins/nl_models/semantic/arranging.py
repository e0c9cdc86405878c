"""What is calculated of the figures, what they are compared with, and in which order they come."""

from __future__ import annotations

from collections.abc import Iterable

from plugins.nl_models.analysis import (
    TIME,
    AnalysisOrdering,
    Calculation,
    Dimension,
    DimensionFilter,
    Grain,
    MetricFilter,
    PeriodComparison,
    TimeRange,
    Together,
)
from plugins.nl_models.semantic.conditioning import Conditioning
from plugins.nl_models.semantic.counting import is_additive
from plugins.nl_models.semantic.layer import SemanticDimension
from plugins.nl_models.semantic.request import Group
from plugins.nl_models.semantic.restricting import in_words

_FEW = 10
# How many days there are at least in a bucket.
_DAYS: dict[Grain, int] = {"day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}


class Arranging(Conditioning):
    """The parts of an analysis that come after its metrics, groups and filters."""

    def _calculation(self, groups: list[Group]) -> Calculation | None:
        marks = self.request.marks
        if "MOVING" in marks:
            if self.request.window is None or not any(group.is_time for group in groups):
                self.resolved.lacks.append("a moving average over how many days, weeks or months is meant")
            if "AVERAGE" not in marks:
                self.resolved.lacks.append(
                    "a rolling total is not understood, a rolling average is: which is meant"
                )
            return "moving average"
        if "SHARE" in marks:
            return "share"
        if "AVERAGE" in marks:
            return self._average(groups)
        if "RUNNING" in marks:
            if any(group.is_time for group in groups):
                return "running total"
            return None
        return "count" if any(group.name == self.request.counted for group in groups) else None

    def _average(self, groups: list[Group]) -> Calculation | None:
        if not groups:
            self.resolved.lacks.append("an average of what is meant: per day, per month, per customer")
        elif not any(group.is_time for group in groups):
            is_thing = groups[-1].name in self.vocabulary.entities and len(groups) == 1
            if is_thing and self._is_few():
                # Of the ten best, the average one.
                return None
            if not (is_thing and groups[-1].is_per):
                self.resolved.lacks.append(f"is the average per {in_words(groups[-1].name)} meant, or within each")
        return "average"

    def _is_few(self) -> bool:
        """Whether some of the highest are asked for, more than one."""
        return self.request.is_ranked and self.request.limit is not None and self.request.limit > 1

    def _complete_comparison(self, dimensions: list[Dimension], time_range: TimeRange | None) -> None:
        """Growth of something: against the bucket before, if nothing else is said."""
        time = next((d for d in dimensions if d.grain), None)
        marks = self.request.marks
        if self.comparison is None and "GROWTH" in marks and "RUNNING" not in marks:
            if time is not None and time.grain is not None:
                # Months in which it fell are shown with what it fell from.
                self.comparison = PeriodComparison(grain=time.grain, only_growth=not self.request.asks_which)
            else:
                self.resolved.lacks.append("growth against which period is meant: the month, or the year before")
        is_shown_beside = "CHANGED" in marks or "GROWTH" not in marks
        if self.comparison is not None and self.comparison is self.request.comparison and is_shown_beside:
            # How it changed year over year is seen beside both years; growth is one number.
            self.comparison = self.comparison.model_copy(update={"only_growth": False})
        if self.comparison is not None and self.request.is_amount and self.request.is_ranked:
            self.comparison = self.comparison.model_copy(update={"as_amount": True, "only_growth": False})
        if self.comparison is None or time is not None:
            return
        grain, said = self.comparison.grain, self.request.comparison
        is_by_buckets = self.comparison.only_growth and _is_finer(grain, time_range)
        if is_by_buckets or time_range is None or time_range.start is None or time_range.end is None:
            if said is not None and not is_by_buckets:
                self.resolved.assumptions.append(f"every {grain} is compared with the one before")
            dimensions.insert(0, Dimension(name=TIME, grain=grain))

    def _changed(self, metrics: list[str]) -> Iterable[MetricFilter]:
        """Which months were those in which it fell."""
        request = self.request
        if not request.direction or request.is_ranked or not request.asks_which or self.comparison is None:
            return
        operator = ">" if request.direction > 0 else "<"
        yield MetricFilter(metric=metrics[0], operator=operator, value=0, is_change=True)

    def _together(
        self, metrics: list[str], dimensions: list[Dimension], calculation: Calculation | None
    ) -> Together | None:
        """One figure of all things that are kept: of the ten best, of those over a threshold."""
        request, marks = self.request, self.request.marks
        if "AVERAGE" in marks and calculation is None and self._is_few():
            return "average"
        is_alone = all(group == request.target for group in request.groups)
        is_share = calculation == "share" and self._is_few() and request.share_first and is_alone
        is_kept = self._is_few() and "TOGETHER" in marks and not request.asks_which
        is_of = bool(request.thresholds) and request.belongs and not request.groups and not request.is_ranked
        others = any(d.grain or d.part for d in dimensions)
        if (is_share and others) or (self._is_few() and request.is_total and request.belongs):
            self.resolved.assumptions.append("each of them is meant by itself")
        if not (is_share or is_kept or is_of) or others:
            return None
        if not all(is_additive(self.layer, metric) for metric in metrics):
            self.resolved.lacks.append(f"{metrics[0].replace('_', ' ')} of several together is not their sum")
        if (is_share or is_of) and not others:
            self.resolved.assumptions.append("all of them together are meant")
        return "sum"

    def _leave_out_nobody(self, dimensions: list[Dimension], reachable: dict[str, SemanticDimension]) -> None:
        """What belongs to nobody has no rank, and is over no threshold; it is not one of those counted."""
        request = self.request
        is_average = "AVERAGE" in request.marks
        if not (request.is_ranked or request.thresholds or request.limit or request.counted or is_average):
            return
        for dimension in dimensions:
            if dimension.name in reachable and reachable[dimension.name].kind == "entity":
                known = DimensionFilter(dimension=dimension.name, operator="is not null")
                # A share is one of all there is, also of what belongs to nobody.
                (self.kept if "SHARE" in request.marks else self.filters).append(known)

    def _sorted_by(self, dimensions: list[Dimension]) -> AnalysisOrdering | None:
        """What rows are sorted by, where it is no figure."""
        request = self.request
        found = [d for d in dimensions if request.sort_group in (d.grain, d.part, d.name.split("__")[-1])]
        if not request.sort_group or request.limit is not None:
            return None
        if not found:
            self.resolved.lacks.append(f"there is no {in_words(request.sort_group)} in it to sort by")
            return None
        descending = request.is_descending and request.is_direction_said
        return AnalysisOrdering(by=found[0].query_name, descending=descending)

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
        weekday = next((d for d in dimensions if d.part), None)
        if calculation == "count" or (calculation == "average" and weekday is None):
            return {}
        if calculation == "average":
            dimensions, groups, time = (
                [d for d in dimensions if not d.grain],
                [g for g in groups if g.name != "day"],
                None,
            )
        if not request.is_ranked and not request.is_sorted and request.limit is None:
            natural = [AnalysisOrdering(by=time.query_name)] if time is not None else []
            natural = natural or ([AnalysisOrdering(by=weekday.query_name)] if weekday is not None else [])
            if not natural and dimensions:
                natural = [AnalysisOrdering(by=metrics[0], descending=True)]
            return {"order_by": tuple(natural)}
        sorted_by = self._sorted_by(dimensions)
        if sorted_by is not None:
            return {"order_by": (sorted_by,)}
        by = request.order_metric if request.order_metric in metrics else metrics[0]
        is_descending = request.is_descending
        if self.comparison is not None and "GROWTH" in request.marks:
            by, is_descending = f"{by}_change", is_descending == (request.direction >= 0)
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
            "order_by": (AnalysisOrdering(by=by, descending=is_descending),),
            "limit": limit,
            "limit_within": tuple(dimension.query_name for dimension in within),
            "limit_over": tuple(others) if is_over else (),
        }


def _is_finer(grain: Grain, span: TimeRange | None) -> bool:
    """Whether a period has several of a grain's buckets: month over month in 2011 is of each of its months."""
    if span is None or span.start is None or span.end is None or grain not in _DAYS:
        return False
    return (span.end - span.start).days >= 2 * _DAYS[grain]
