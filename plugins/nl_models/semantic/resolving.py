"""From what was read to an analysis that the semantic layer can answer, or to what it lacks."""

from __future__ import annotations

from datetime import date

from plugins.nl_models.analysis import (
    TIME,
    Analysis,
    Calculation,
    Dimension,
    Grain,
    PeriodComparison,
    TimeRange,
)
from plugins.nl_models.catalog.names import lemma
from plugins.nl_models.semantic.arranging import Arranging
from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.layer import SemanticDimension
from plugins.nl_models.semantic.periods import Period
from plugins.nl_models.semantic.request import Group
from plugins.nl_models.semantic.restricting import Resolved, in_words, named
from plugins.nl_models.semantic.vocabulary import split

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Resolver(Arranging):
    """One request over one layer."""

    def resolve(self) -> Resolved:
        """The analysis."""
        request = self.request
        metrics = self._metrics()
        if not metrics:
            return self.resolved
        groups = self._groups()
        metrics, calculation, grain = self._special(metrics)
        metrics = [self._reaching(self._in_unit(metric), groups) for metric in metrics]
        reachable = self.layer.dimensions(*metrics)
        self._restrict(reachable, groups)
        time_range = self._time_range()
        calculation = self._calculation(groups) or calculation
        if grain is not None and not any(group.is_time for group in groups):
            groups = [*groups, Group(grain, is_time=True)]
        if "TREND" in request.marks and not any(group.is_time for group in groups):
            groups = [Group(_trend_grain(time_range), is_time=True), *groups]
        dimensions = [found for group in groups if (found := self._dimension(group, reachable)) is not None]
        if self.comparison is not None and calculation == "running total":
            self.resolved.lacks.append("a running total is not compared with an earlier period")
        self._complete_comparison(dimensions, time_range)
        self._leave_out_nobody(dimensions, reachable)
        self.resolved.analysis = Analysis(
            metrics=tuple(dict.fromkeys(metrics)),
            dimensions=tuple(dimensions),
            filters=tuple(self.filters),
            only=tuple(self.only),
            time_range=time_range,
            calculation=calculation,
            comparison=self.comparison,
            having=tuple(self._having(metrics)),
            **self._ranking(metrics, groups, dimensions, calculation),
        )
        return self.resolved

    def _metrics(self) -> list[str]:
        request = self.request
        self.resolved.assumptions += request.assumptions
        if request.metrics:
            if request.counts > len(request.metrics) and (second := self._by_verbs(least=2)):
                request.metrics += second
            thresholds = [t.metric for t in request.thresholds if t.metric]
            return list(dict.fromkeys([*request.metrics, *thresholds]))
        counting = self.vocabulary.counting(request.counted) if request.counted else None
        if counting is not None and set(request.verbs) & {"order", "buy", "purchase"} and not request.thresholds:
            self.is_counted_by_metric = True
            return [counting]
        if "SELLING" in request.marks:
            request.verbs += ["unit", "sell"]
        return self._by_verbs()

    def _by_verbs(self, least: int = 1) -> list[str]:
        """What verbs are about: the metric that most of them name, else what the first says.

        least: of the verbs must be in its name.
        """
        verbs = list(dict.fromkeys(self.request.verbs))
        if not verbs:
            return []
        ranked = self.vocabulary.ranked_by_words({lemma(verb) for verb in verbs})
        best = [name for name, score in ranked if score == ranked[0][1]]
        if ranked and ranked[0][1] > 1:
            return best[:1]
        if least > 1:
            return []
        # How many of a thing were sold is a number of units, how much was sold an amount of money.
        is_number = "COUNT" in self.request.marks and not self.request.counted
        for name in cues().verbs["unit" if is_number and verbs[0] == "sell" else verbs[0]]:
            named = self.vocabulary.find(split(name))
            if named is not None and named.metrics:
                self.resolved.assumptions.append(f"“{verbs[0]}” means {named.metrics[0].replace('_', ' ')}")
                return [named.metrics[0]]
        return []

    def _groups(self) -> list[Group]:
        """What it is split by; where nothing says so, the things that are ranked, compared or counted."""
        request = self.request
        groups = list(request.groups)
        is_about = request.is_ranked or request.thresholds or request.is_sorted
        if request.counted and not self.is_counted_by_metric:
            is_there = any(group.name == request.counted for group in groups)
            return groups if is_there else [*groups, Group(request.counted)]
        others = [group for group in groups if not group.is_each]
        if not others and is_about and request.mentioned:
            groups = [request.mentioned[0], *groups]
            request.target = request.mentioned[0]
        return groups

    def _special(self, metrics: list[str]) -> tuple[list[str], Calculation | None, Grain | None]:
        """Metrics that only calculate something of another one, as that one and the calculation."""
        if len(metrics) != 1:
            return metrics, None, None
        metric = self.layer.metrics[metrics[0]]
        parameters = metric.document.get("type_params") or {}
        if metric.kind == "cumulative":
            special = parameters.get("cumulative_type_params") or {}
            plain = [
                m.name for m in self.layer.metrics.values() if m.kind == "simple" and m.measures == metric.measures
                and not m.document.get("filter")
            ]  # fmt: skip
            if plain and not special.get("window") and not special.get("grain_to_date"):
                return plain[:1], "running total", None
        inputs = parameters.get("metrics") or ()
        offsets = [item["offset_window"] for item in inputs if item.get("offset_window")]
        if metric.kind == "derived" and len(inputs) == 2 and len({i["name"] for i in inputs}) == 1 and offsets:
            grain, count = offsets[0]["granularity"], offsets[0]["count"]
            self.comparison = PeriodComparison(grain=grain, count=count, only_growth=True)
            return [inputs[0]["name"]], None, None if self.request.ranges else grain
        return metrics, None, None

    def _reaching(self, metric: str, groups: list[Group]) -> str:
        """The metric, or its twin that can be had by all that is asked for where it cannot."""
        wanted = [{group.name} for group in groups if not group.is_time]
        wanted += [{label for label, _ in restriction.readings} for restriction in self.request.restrictions]
        wanted += [{label} for label, _ in (*self.request.identified, *self.request.unknown_of)]
        for each in (metric, *self.layer.twins.get(metric, ())):
            labels = {dimension.label for dimension in self.layer.dimensions(each).values()}
            if all(labels & any_of for any_of in wanted):
                return each
        return metric

    def _in_unit(self, metric: str) -> str:
        unit = self.request.unit
        if not unit:
            return metric
        found = self.vocabulary.in_unit(metric, unit)
        own = self.layer.metrics[metric].unit
        if found is None and own not in cues().units.values():
            has_money = any(self.vocabulary.in_unit(other, unit) for other in self.request.metrics)
            if self.request.thresholds and not has_money:
                self.resolved.lacks.append(f"{metric.replace('_', ' ')} is not kept in {unit}: what is meant")
            return metric
        if found is None:
            kept = ", ".join(dict.fromkeys(self.vocabulary.units_of(metric)))
            self.resolved.lacks.append(f"{metric.replace('_', ' ')} is not kept in {unit}, only in {kept}")
        return found or metric

    def _dimension(self, group: Group, reachable: dict[str, SemanticDimension]) -> Dimension | None:
        if group.is_time:
            return Dimension(name=TIME, grain=group.name)  # type: ignore[arg-type]
        name = named(group.name, reachable)
        if name is None:
            have = ", ".join(dict.fromkeys(in_words(d.label) for d in reachable.values() if d.kind != "time"))
            self.resolved.lacks.append(f"it is not kept by {in_words(group.name)}; it can be split by {have}")
            return None
        shown = self.vocabulary.display(group.name) if reachable[name].kind == "entity" else None
        return Dimension(name=name, shown_by=_shown_by(name, shown, reachable) if shown else None)

    def _time_range(self) -> TimeRange | None:
        request = self.request
        ranges = request.ranges
        if len(ranges) < 2:
            return ranges[0] if ranges else None
        if len(ranges) == 2 and len(request.periods) == 2:
            # In Q3 compared to Q2: the later one, against the earlier.
            compared = _between(*request.periods)
            if compared is not None and (request.marks & {"COMPARE", "GROWTH", "THAN"}):
                self.comparison = self.comparison or compared
                return max(request.periods, key=lambda period: period.start).range
            early, late = sorted(request.periods, key=lambda period: period.start)
            if early.end == late.start:
                return TimeRange(start=early.start, end=late.end, label=f"{early.label} and {late.label}")
            one, two = sorted(request.periods, key=lambda period: period.end - period.start)
            if two.start <= one.start and one.end <= two.end:
                return one.range
        self.resolved.lacks.append(f"two times are named, {ranges[0].label} and {ranges[1].label}: which is meant")
        return ranges[0]


def _between(one: Period, two: Period) -> PeriodComparison | None:
    """How much earlier one of two periods of one length is."""
    early, late = sorted((one, two), key=lambda period: period.start)
    if early.grain is None or early.grain != late.grain or early.start == late.start:
        return None
    if early.grain in _MONTHS:
        months = 12 * (late.start.year - early.start.year) + late.start.month - early.start.month
        if early.grain != "year" and months % 12 == 0:
            return PeriodComparison(grain="year", count=months // 12)
        return PeriodComparison(grain=early.grain, count=months // _MONTHS[early.grain])
    days = (late.start - early.start).days
    return PeriodComparison(grain=early.grain, count=days // (7 if early.grain == "week" else 1))


def _trend_grain(time_range: TimeRange | None) -> Grain:
    """Months; days and weeks of what is shorter."""
    start = time_range.start if time_range is not None else None
    end = time_range.end if time_range is not None else None
    if not isinstance(start, date) or not isinstance(end, date):
        return "month"
    days = (end - start).days
    return "day" if days <= 31 else "week" if days <= 100 else "month"


def _shown_by(name: str, label: str, reachable: dict[str, SemanticDimension]) -> str | None:
    """The dimension of that name of an entity, by whichever way it is reached."""
    direct = f"{name}__{label}"
    if direct in reachable:
        return direct
    own = [name.split("__")[-1], label]
    return next((other for other in reachable if other.split("__")[-2:] == own), None)
