"""Which groups are kept: by thresholds of figures, and by what they have, or have not, besides what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from plugins.nl_models.analysis import Dimension, DimensionFilter, MetricFilter
from plugins.nl_models.semantic.counting import counted_by, is_count
from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.request import Absence, Group, Restriction, Threshold
from plugins.nl_models.semantic.restricting import Restricting, in_words
from plugins.nl_models.semantic.vocabulary import split


class Conditioning(Restricting):
    """Conditions on the things that are counted or listed."""

    def _worth(self, metrics: list[str]) -> list[str]:
        """Orders over an amount, or with more than so many units: what the orders have, to count them."""
        request = self.request
        entity = counted_by(self.layer, metrics[0]) if len(metrics) == 1 else None
        if entity is None or not request.thresholds or self._splits_others(entity):
            return metrics
        found = [self._threshold_metric(threshold, metrics) for threshold in request.thresholds]
        if any(metric in metrics for metric in found):
            return metrics
        if self.layer.is_inferred and "COUNT" not in request.marks:
            # "members with more than 12 rentals": who they are.
            request.mentioned = request.mentioned or [Group(entity)]
        elif not (request.things_first and "COUNT" not in request.marks):
            request.counted = entity
        request.thresholds = [
            replace(part, metric=metric) for part, metric in zip(request.thresholds, found, strict=True)
        ]
        return list(dict.fromkeys(found))

    def _splits_others(self, entity: str) -> bool:
        """Whether the thresholds are of other things than those that are counted."""
        request = self.request
        named = [group.name for group in (*request.groups, *request.mentioned) if not group.is_time]
        is_of_others = any(name != entity for name in named) and not any(part.unit for part in request.thresholds)
        return "COUNT" not in request.marks and is_of_others

    def _threshold_metric(self, threshold: Threshold, metrics: list[str]) -> str:
        """What a threshold is of: an amount of money is of no number of orders."""
        if threshold.verb and (found := self._told_by(threshold.verb, metrics)) is not None:
            return found
        metric = threshold.metric or metrics[0]
        if threshold.unit and is_count(self.layer, metric) and (worth := self._told_by("worth", metrics)):
            self.resolved.assumptions.append(f"“{threshold.unit}” is said of {worth.replace('_', ' ')}")
            return self.vocabulary.in_unit(worth, threshold.unit) or worth
        return metric

    def _told_by(self, verb: str, metrics: list[str]) -> str | None:
        """The metric that a word is about: one that is asked for, else the likeliest."""
        names = [self.vocabulary.find(split(name)) for name in cues().verbs[verb]]
        found = [metric for named in names if named is not None for metric in named.metrics]
        return next((metric for metric in found if metric in metrics), found[0] if found else None)

    def _having(self, metrics: list[str], dimensions: list[Dimension]) -> Iterator[MetricFilter]:
        of = tuple(d.query_name for d in dimensions if d.grain is None and d.part is None)
        for threshold in self.request.thresholds:
            metric = self._threshold_metric(threshold, metrics)
            part = MetricFilter(metric=metric, operator=threshold.operator, value=threshold.value)
            label = threshold.of
            named = tuple(d.query_name for d in dimensions if d.name.split("__")[-1] == label) if label else ()
            if metric in metrics and threshold.time_range is None and (not named or len(dimensions) == 1):
                yield part
            else:
                own = {"of": named or of, "time_range": threshold.time_range}
                yield from self._reached([part.model_copy(update=own)])
        yield from self._reached(self._of_things(metrics, dimensions))

    def _of_things(self, metrics: list[str], dimensions: list[Dimension]) -> Iterable[MetricFilter]:
        """What the things that are counted or listed have, and what they have not."""
        request = self.request
        entity = self._thing(dimensions)
        parts = self._presences(metrics[0], request.is_both) + self._absences(metrics[0])
        if request.everywhere:
            each = request.everywhere
            parts.append(MetricFilter(metric=metrics[0], operator=">", value=0, each=each))  # type: ignore[arg-type]
        if not parts:
            return []
        if entity is None:
            self.resolved.lacks.append("which things are to have the one and the other is not said")
            return []
        return [part.model_copy(update={"of": (entity.query_name,)}) for part in parts]

    def _thing(self, dimensions: list[Dimension]) -> Dimension | None:
        entities = [d for d in dimensions if d.grain is None and d.part is None]
        known = [d for d in entities if d.name.split("__")[-1] in self.vocabulary.entities]
        return known[-1] if known else None

    def _presences(self, metric: str, is_both: bool) -> list[MetricFilter]:
        if not is_both and not self.of_things:
            return []
        some = MetricFilter(metric=metric, operator=">", value=0)
        periods = self.request.periods if len(self.request.periods) > 1 else []
        found = [some.model_copy(update={"time_range": period.range}) for period in periods]
        return found + [self._with_value(metric, restriction) for restriction in self.of_things]

    def _with_value(self, metric: str, restriction: Restriction) -> MetricFilter:
        name, value = self._reading(restriction, self.layer.dimensions(metric)) or ("", "")
        part = DimensionFilter(dimension=name, operator="in", values=(value,))
        if restriction.is_negated:
            return MetricFilter(metric=metric, operator="=", value=0, filters=(part,))
        return MetricFilter(metric=metric, operator=">", value=0, filters=(part,))

    def _absences(self, metric: str) -> list[MetricFilter]:
        return [
            MetricFilter(metric=self._absent(found, metric), operator="=", value=0, time_range=found.time_range)
            for found in self.request.absences
        ]

    def _absent(self, found: Absence, metric: str) -> str:
        return (self._told_by(found.verb, [metric]) or metric) if found.verb else metric

    def _reached(self, parts: Iterable[MetricFilter]) -> Iterator[MetricFilter]:
        """Conditions that the semantic layer can tell: their metrics by the same things and filters."""
        for part in parts:
            reachable = self.layer.dimensions(part.metric)
            names = [*part.of, *(own.dimension for own in (*self.filters, *part.filters))]
            lacking = [name for name in names if name not in reachable]
            if not part.of:
                self.resolved.lacks.append(f"of what {part.metric.replace('_', ' ')} is compared is not said")
            elif lacking:
                label = in_words(lacking[0].split("__")[-1])
                self.resolved.lacks.append(f"{part.metric.replace('_', ' ')} is not kept by {label}")
            else:
                yield part

    def _splits_things(self) -> list[Restriction]:
        """Values of one dimension of which things must have the one and not the other, or both."""
        values = [part for part in self.request.restrictions if not part.is_negated]
        negated = [part for part in self.request.restrictions if part.is_negated]

        def labels(part: Restriction) -> set[str]:
            return {label for label, _ in part.readings}

        against = [part for part in values if any(labels(part) & labels(other) for other in negated)]
        if against:
            return [*against, *(part for part in negated if any(labels(part) & labels(v) for v in values))]
        if self.request.is_both and len(self.request.periods) < 2:
            return [part for part in values if any(part is not o and labels(part) & labels(o) for o in values)]
        return []
