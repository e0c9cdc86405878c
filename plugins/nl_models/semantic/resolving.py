"""From what was read to an analysis that the semantic layer can answer, or to what it lacks."""

from __future__ import annotations

from dataclasses import replace
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
from plugins.nl_models.semantic.accounting import unaccounted
from plugins.nl_models.semantic.arranging import Arranging
from plugins.nl_models.semantic.counting import counted_by, is_count, ratio_of
from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.inferring.dimensions import far_label
from plugins.nl_models.semantic.layer import SemanticDimension
from plugins.nl_models.semantic.periods import Period
from plugins.nl_models.semantic.request import Group
from plugins.nl_models.semantic.restricting import Resolved, in_words, named
from plugins.nl_models.semantic.vocabulary import base, split

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Resolver(Arranging):
    """One request over one layer."""

    def resolve(self) -> Resolved:
        """The analysis."""
        request = self.request
        self.of_things = self._splits_things()
        metrics = self._metrics()
        if not metrics:
            return self.resolved
        metrics = self._worth(metrics)
        metrics = self._reaching(metrics)
        groups = self._kept_by(metrics, self._groups())
        metrics, calculation, grain = self._special(metrics)
        metrics, calculation = self._divided(metrics, calculation)
        metrics = [self._by_twin(one, groups) for metric in metrics for one in self._in_units(metric)]
        reachable = self.layer.dimensions(*metrics)
        self._restrict(reachable, groups)
        time_range = self._time_range()
        self._doubt_own_threshold(metrics)
        timeless = next((metric for metric in metrics if not self.layer.has_time(metric)), None)
        if timeless is not None and (time_range is not None or any(group.is_time for group in groups)):
            self.resolved.lacks.append(f"no day is kept of {timeless.replace('_', ' ')}")
        calculation = calculation or self._calculation(groups)
        if grain is not None and not any(group.is_time for group in groups):
            groups = [*groups, Group(grain, is_time=True)]
        if "TREND" in request.marks and not any(group.is_time for group in groups):
            groups = [Group(_trend_grain(time_range), is_time=True), *groups]
        if calculation == "average" and groups and groups[-1].name == "weekday":
            # On an average Monday: of the days that are Mondays.
            groups = [*groups, Group("day", is_time=True)]
        dimensions = [found for group in groups if (found := self._dimension(group, reachable)) is not None]
        if self.comparison is not None and calculation == "running total":
            self.resolved.lacks.append("a running total is not compared with an earlier period")
        self._complete_comparison(dimensions, time_range)
        self._leave_out_nobody(dimensions, reachable)
        together = self._together(metrics, dimensions, calculation)
        self.resolved.analysis = Analysis(
            metrics=tuple(dict.fromkeys(metrics)),
            dimensions=tuple(dimensions),
            kept=tuple(self.kept),
            together=together,
            window=self.request.window if calculation == "moving average" else None,
            filters=tuple(self.filters),
            only=tuple(self.only),
            time_range=time_range,
            calculation=calculation,
            comparison=self.comparison,
            having=(*self._having(metrics, dimensions), *self._changed(metrics)),
            **self._ranking(metrics, groups, dimensions, calculation),
        )
        self.resolved.lacks += unaccounted(request, self.resolved.analysis, self.vocabulary)
        self.resolved.assumptions = list(dict.fromkeys(self.resolved.assumptions))
        return self.resolved

    def _by_twin(self, metric: str, groups: list[Group]) -> str:
        """The metric, or its twin that can be had by all that is asked for where it cannot."""
        wanted = [{group.name} for group in groups if not group.is_time]
        wanted += [{label for label, _ in restriction.readings} for restriction in self.request.restrictions]
        wanted += [{label} for label, *_ in (*self.request.identified, *self.request.unknown_of)]
        for each in (metric, *self.layer.twins.get(metric, ())):
            labels = {dimension.label for dimension in self.layer.dimensions(each).values()}
            if all(labels & any_of for any_of in wanted):
                return each
        return metric

    def _kept_by(self, metrics: list[str], groups: list[Group]) -> list[Group]:
        """The groups, each as the metrics have it: of several things that are called so, the first they have."""
        reachable = {dimension.label for dimension in self.layer.dimensions(*metrics).values()}
        found = []
        for group in groups:
            others = [name for name in group.others if name in reachable]
            kept = replace(group, name=others[0]) if group.name not in reachable and others else group
            if self.request.target == group:
                self.request.target = kept
            found.append(kept)
        return found

    def _reaching(self, metrics: list[str]) -> list[str]:
        """Orders with a product are counted by what is kept of products and orders, where their number is not."""
        counts = counted_by(self.layer, metrics[0]) if len(metrics) == 1 else None
        things = [self.request.counted, *(group.name for group in self.request.mentioned)]
        entity = next(filter(None, [*things, counts])) if counts is not None else None
        labels = [label for part in self.request.restrictions for label, _ in part.readings]
        if entity is None or not labels or self.request.groups:
            return metrics
        reachable = self.layer.dimensions(*metrics)
        if any(named(label, reachable) is not None for label in labels) or self.request.is_ranked:
            return metrics
        for name in ("sell", "order"):
            other = self._told_by(name, [])
            found = self.layer.dimensions(other) if other is not None else {}
            if other is not None and named(entity, found) and any(named(label, found) for label in labels):
                self.request.counted = entity
                self.is_counted_by_metric = False
                self.resolved.assumptions.append(f"those with {other.replace('_', ' ')} are counted")
                return [other]
        return metrics

    def _divided(
        self, metrics: list[str], calculation: Calculation | None
    ) -> tuple[list[str], Calculation | None]:
        """One figure as a part of another, or divided by it: as a metric, if there is one."""
        marks, request = self.request.marks, self.request
        pair = list(dict.fromkeys(metrics))
        is_share = "SHARE" in marks and all(group.is_time for group in request.groups)
        is_share |= "SHARE" in marks and request.is_part_of
        if len(pair) != 2 or not (is_share or "RATIO" in marks):
            return metrics, calculation
        orders = [(pair[0], pair[1]), (pair[1], pair[0])]
        if "RATIO" in marks or request.is_part_of:
            orders = orders[:1]
        for over, under in orders:
            if (known := ratio_of(self.layer, over, under)) is not None:
                marks -= {"SHARE", "RATIO"}
                return [known], calculation
        if len(orders) > 1:
            self.resolved.lacks.append("what is meant to be a share of what is not said")
            return metrics, calculation
        marks -= {"SHARE", "RATIO"}
        return pair, "ratio"

    def _metrics(self) -> list[str]:
        request = self.request
        self.resolved.assumptions += request.assumptions
        if request.metrics or (request.order_metric is not None and not request.verbs):
            if request.counts > len(request.metrics) and (second := self._by_verbs(least=2)):
                request.metrics += second
            return self._shown_metrics()
        thresholds = [threshold.metric for threshold in request.thresholds if threshold.metric]
        if thresholds and not set(request.verbs) - {"order", "buy", "purchase"}:
            return list(dict.fromkeys(thresholds))
        counting = self.vocabulary.counting(request.counted) if request.counted else None
        has_conditions = request.thresholds or request.absences or request.everywhere or request.is_both
        has_conditions = has_conditions or self.of_things
        if counting is not None and set(request.verbs) & {"order", "buy", "purchase"} and not has_conditions:
            self.is_counted_by_metric = True
            return [counting]
        if "SELLING" in request.marks:
            request.verbs += ["unit", "sell"]
        found = self._by_verbs()
        # How many customers were won: the metric counts them.
        is_count = any(request.counted in split(base(name)) for name in found) and bool(request.counted)
        self.is_counted_by_metric |= is_count and not has_conditions
        return found

    def _shown_metrics(self) -> list[str]:
        """Those that are asked for; where all of them have a threshold, those of the other thresholds too."""
        request = self.request
        told = [found for verb in request.told if (found := self._told_by(verb, [])) is not None]
        metrics = [*request.metrics, *told]
        thresholds = [part.metric for part in request.thresholds if part.metric]
        if thresholds and all(metric in thresholds for metric in metrics):
            metrics += thresholds
        if request.order_metric is not None:
            metrics.append(request.order_metric)
        return list(dict.fromkeys(metrics))

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
        for name in cues().verbs["unit" if is_number and verbs[0] in ("sell", "shift") else verbs[0]]:
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
        is_about = is_about or request.absences or request.everywhere or request.is_both or self.of_things
        is_about = is_about or request.order_metric is not None or (request.direction and request.asks_which)
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
            self.request.marks.add("GROWTH")
            if self.comparison is not None or self.request.spanned or len(self.request.periods) > 1:
                # Two periods are compared by their growth, however long they are.
                return [inputs[0]["name"]], None, None
            self.comparison = PeriodComparison(grain=grain, count=count, only_growth=True)
            return [inputs[0]["name"]], None, None if self.request.ranges else grain
        return metrics, None, None

    def _in_units(self, metric: str) -> list[str]:
        units = list(dict.fromkeys(self.request.units))
        return [self._in_unit(metric, unit) for unit in units] if units else [metric]

    def _in_unit(self, metric: str, unit: str) -> str:
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
        if group.name == "weekday" and group.is_time:
            return Dimension(name=TIME, part="weekday")
        if group.is_time:
            return Dimension(name=TIME, grain=group.name)  # type: ignore[arg-type]
        if group.of:
            reachable = {n: d for n, d in reachable.items() if self._is_of(d, group.of)}
        name = named(group.name, reachable)
        if name is not None and not group.of:
            self._assume_nearest(reachable[name], reachable)
        shown = self.vocabulary.display(group.name) if name is None or reachable[name].kind == "entity" else None
        far = named(far_label(group.name, shown), reachable) if shown is not None else None
        if far is not None and (name is None or _shown_by(name, shown or "", reachable) is None):
            return Dimension(name=far)
        if name is None:
            have = ", ".join(dict.fromkeys(in_words(d.label) for d in reachable.values() if d.kind != "time"))
            self.resolved.lacks.append(f"it is not kept by {in_words(group.name)}; it can be split by {have}")
            return None
        return Dimension(name=name, shown_by=_shown_by(name, shown, reachable) if shown else None)

    def _doubt_own_threshold(self, metrics: list[str]) -> None:
        """Payments over 5 are more than 5 payments, or of more than 5 each: a number of rows does not say."""
        for part in self.request.thresholds:
            of_itself = part.metric in metrics and part.of == counted_by(self.layer, metrics[0])
            is_bare = (part.metric is None or of_itself) and not part.verb and not part.unit
            if self.layer.is_inferred and is_bare and is_count(self.layer, metrics[0]):
                what = metrics[0].replace("_", " ")
                self.resolved.lacks.append(f"is the number of {what} meant to be so, or something of each of them")

    def _is_of(self, dimension: SemanticDimension, entity: str) -> bool:
        """Whether a dimension is an entity's, or looked up there."""
        is_own = self.layer.models[dimension.model].primary == entity
        return is_own or dimension.label.startswith(f"{entity}_")

    def _assume_nearest(self, taken: SemanticDimension, reachable: dict[str, SemanticDimension]) -> None:
        """Say whose it is, where others have one of the name too: the member's city, not the store's."""
        models = self.layer.models
        others = {d.model for d in reachable.values() if (d.label, d.kind) == (taken.label, taken.kind)}
        owner = models[taken.model].primary
        if self.layer.is_inferred and taken.kind == "categorical" and taken.joins and len(others) > 1 and owner:
            text = f"the {in_words(taken.label)} of the {in_words(owner)} is meant"
            self.resolved.assumptions.append(text)

    def _time_range(self) -> TimeRange | None:
        request = self.request
        ranges = request.ranges
        if request.is_both and len(request.periods) > 1:
            return None
        if len(ranges) < 2:
            return self._change_over(ranges[0]) if ranges else None
        if len(ranges) == 2 and len(request.periods) == 2:
            # In Q3 compared to Q2: the later one, against the earlier.
            compared = _between(*request.periods)
            if compared is not None and (request.marks & {"COMPARE", "GROWTH", "THAN"}):
                self.comparison = self.comparison or compared
                return max(request.periods, key=lambda period: period.start).range
            early, late = sorted(request.periods, key=lambda period: period.start)
            if early.end == late.start and request.is_joined:
                return TimeRange(start=early.start, end=late.end, label=f"{early.label} and {late.label}")
            one, two = sorted(request.periods, key=lambda period: period.end - period.start)
            if two.start <= one.start and one.end <= two.end:
                return one.range
        self.resolved.lacks.append(f"two times are named, {ranges[0].label} and {ranges[1].label}: which is meant")
        return ranges[0]

    def _change_over(self, span: TimeRange) -> TimeRange:
        """From Q2 to Q3, where something is to have changed: the later one, against the earlier."""
        spanned, marks = self.request.spanned, self.request.marks
        if spanned is None or "GROWTH" not in marks or self.request.grains or self.comparison is not None:
            return span
        compared = _between(*spanned)
        if compared is None:
            return span
        self.comparison = compared
        return spanned[1].range


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
