"""From what was read to an analysis that the semantic layer can answer, or to what it lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from plugins.nl_models.analysis import (
    TIME,
    Analysis,
    AnalysisOrdering,
    Calculation,
    Dimension,
    DimensionFilter,
    Grain,
    MetricFilter,
    PeriodComparison,
    TimeRange,
)
from plugins.nl_models.catalog.names import lemma
from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.layer import SemanticDimension
from plugins.nl_models.semantic.reader import with_metric
from plugins.nl_models.semantic.request import Group, Request, Restriction
from plugins.nl_models.semantic.times import Period
from plugins.nl_models.semantic.vocabulary import Vocabulary, split

_FEW = 10
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass
class Resolved:
    """analysis: None if no metric is asked for. lacks: what the layer doesn't have, each in a sentence.
    assumptions: what was decided without being said. readings: filters that could be meant instead of others."""

    analysis: Analysis | None = None
    lacks: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    readings: list[tuple[DimensionFilter, DimensionFilter]] = field(default_factory=list)


class Resolver:
    """One request over one layer."""

    def __init__(self, request: Request, vocabulary: Vocabulary) -> None:
        self.request = request
        self.vocabulary = vocabulary
        self.layer = vocabulary.layer
        self.resolved = Resolved()
        self.filters: list[DimensionFilter] = []
        self.only: list[DimensionFilter] = []
        self.comparison = request.comparison
        self.is_counted_by_metric = False

    def resolve(self) -> Resolved:
        """The analysis."""
        request = self.request
        metrics = self._metrics()
        if not metrics:
            return self.resolved
        groups = self._groups()
        metrics, calculation, grain = self._special(metrics)
        metrics = [self._in_unit(metric) for metric in metrics]
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
            groups = (
                [*groups, Group(request.counted)] if not any(g.name == request.counted for g in groups) else groups
            )
            return groups
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

    def _restrict(self, reachable: dict[str, SemanticDimension], groups: list[Group]) -> None:
        request = self.request
        by_dimension: dict[tuple[str, bool], list[str | bool]] = {}
        for restriction in request.restrictions:
            found = self._reading(restriction, reachable)
            if found is None:
                label, value = restriction.readings[0]
                self.resolved.lacks.append(f"it is not kept by {_words(label)}, of which {value} is one")
                continue
            by_dimension.setdefault((found[0], restriction.is_negated), []).append(found[1])
        for (name, is_negated), values in by_dimension.items():
            operator = "not in" if is_negated else "in"
            part = DimensionFilter(dimension=name, operator=operator, values=tuple(dict.fromkeys(values)))
            label = reachable[name].label
            is_grouped = any(group.name == label for group in groups)
            is_listed = len(values) > 1 and not is_negated and not is_grouped and "TOGETHER" not in request.marks
            if is_listed and not request.is_alternative:
                groups.append(Group(label))
                is_grouped = True
                if not request.marks & {"SHARE", "COMPARE"}:
                    self.resolved.assumptions.append("each is meant by itself, not all of them together")
            if "SHARE" in request.marks and not is_grouped:
                self.only.append(part)
            elif not ("SHARE" in request.marks and is_listed):
                self.filters.append(part)
        self._restrict_entities(reachable)

    def _restrict_entities(self, reachable: dict[str, SemanticDimension]) -> None:
        for label, text in self.request.identified:
            name = _named(label, reachable)
            if name is None:
                self.resolved.lacks.append(f"it is not kept by {_words(label)}")
                continue
            self.filters.append(DimensionFilter(dimension=name, operator="in", values=(self._key(name, text),)))
        for label, is_missing in self.request.unknown_of:
            if (name := _named(label, reachable)) is not None:
                part = DimensionFilter(dimension=name, operator="is null" if is_missing else "is not null")
                (self.only if "SHARE" in self.request.marks else self.filters).append(part)
            else:
                self.resolved.lacks.append(f"it is not kept by {_words(label)}")
        for label, text in self.request.contains:
            shown = self.vocabulary.display(label)
            name = _named(shown, reachable) if shown is not None else _named(label, reachable)
            if name is None:
                self.resolved.lacks.append(f"it is not kept by {_words(label)}")
            else:
                self.filters.append(DimensionFilter(dimension=name, operator="contains", values=(text,)))

    def _key(self, name: str, text: str) -> str | int:
        """An entity's key as its column has it: a number only where the column is one."""
        entity = self.layer.all_dimensions[name]
        table = self.vocabulary.catalog.tables.get(self.layer.models[entity.model].relation)
        column = table.columns.get(entity.expr) if table is not None else None
        is_number = column is not None and column.kind == "number" and "CHAR" not in column.data_type
        return int(text) if is_number and text.isdigit() else text

    def _reading(
        self, restriction: Restriction, reachable: dict[str, SemanticDimension]
    ) -> tuple[str, str | bool] | None:
        """The nearest dimension that has the value; one that names it, before one that says that it is so."""
        ranked = sorted(restriction.readings, key=lambda pair: isinstance(pair[1], bool))
        found = [
            (name, value)
            for label, value in ranked
            for name, dimension in reachable.items()
            if dimension.label == label and (isinstance(value, bool) or value in self._values_of(dimension))
        ]
        operator = "not in" if restriction.is_negated else "in"
        parts = [DimensionFilter(dimension=name, operator=operator, values=(value,)) for name, value in found]
        self.resolved.readings += [(parts[0], part) for part in parts[1:]]
        return found[0] if found else None

    def _values_of(self, dimension: SemanticDimension) -> tuple[str, ...]:
        return self.vocabulary.values.get((dimension.model, dimension.label), ())

    def _dimension(self, group: Group, reachable: dict[str, SemanticDimension]) -> Dimension | None:
        if group.is_time:
            return Dimension(name=TIME, grain=group.name)  # type: ignore[arg-type]
        name = _named(group.name, reachable)
        if name is None:
            have = ", ".join(dict.fromkeys(_words(d.label) for d in reachable.values() if d.kind != "time"))
            self.resolved.lacks.append(f"it is not kept by {_words(group.name)}; it can be split by {have}")
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
            if compared is not None and (request.marks & {"COMPARE", "GROWTH"} or self._says_than()):
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

    def _says_than(self) -> bool:
        return "THAN" in self.request.marks

    def _calculation(self, groups: list[Group]) -> Calculation | None:
        marks = self.request.marks
        if "SHARE" in marks:
            return "share"
        if "AVERAGE" in marks:
            if not groups:
                self.resolved.lacks.append("an average of what is meant: per day, per month, per customer")
            elif not any(group.is_time for group in groups):
                self.resolved.lacks.append(
                    f"the average per {_words(groups[-1].name)} or within each is meant, and only totals are kept"
                )
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
            named = with_metric(threshold, metrics[0])
            assert named.metric is not None
            metric = named.metric if named.metric in metrics else metrics[0]
            yield MetricFilter(metric=metric, operator=named.operator, value=named.value)

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


def _named(label: str, reachable: dict[str, SemanticDimension]) -> str | None:
    """The nearest dimension of a name."""
    return next((name for name, dimension in reachable.items() if dimension.label == label), None)


def _shown_by(name: str, label: str, reachable: dict[str, SemanticDimension]) -> str | None:
    """The dimension of that name of an entity, by whichever way it is reached."""
    direct = f"{name}__{label}"
    if direct in reachable:
        return direct
    own = [name.split("__")[-1], label]
    return next((other for other in reachable if other.split("__")[-2:] == own), None)


def _words(label: str) -> str:
    return label.removeprefix("is_").replace("_", " ")


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
