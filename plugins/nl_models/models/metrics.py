"""Metrics taken apart: the aggregates that each is made of, and how it is calculated from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugins.core.errors import SmeltError
from plugins.nl_models.semantic.layer import SemanticLayer

AGGREGATIONS = frozenset({"sum", "count", "count_distinct", "average", "min", "max", "sum_boolean", "median"})


@dataclass(frozen=True)
class Leaf:
    """One aggregate. filters: templates, all of which hold. fill: what stands for no rows at all."""

    measure: str
    filters: tuple[str, ...] = ()
    fill: int | None = None


@dataclass(frozen=True)
class Calculation:
    """A metric. leaf: of a simple one. expr: of a derived one, over the names in `parts`; a ratio has
    `numerator` and `denominator` there."""

    metric: str
    leaf: Leaf | None = None
    expr: str = ""
    parts: Mapping[str, Calculation] = field(default_factory=dict)

    @property
    def leaves(self) -> Iterator[Leaf]:
        """All aggregates that it is made of."""
        if self.leaf is not None:
            yield self.leaf
        for part in self.parts.values():
            yield from part.leaves


def take_apart(layer: SemanticLayer, name: str, filters: Sequence[str] = ()) -> Calculation:
    """The calculation of a metric, each aggregate under all filters that it stands under.

    Raises SmeltError for what one query over the facts cannot say.
    """
    metric = layer.metrics[name]
    document = metric.document
    parameters = document["type_params"]
    wheres = (*filters, *_templates(document.get("filter")))
    if metric.kind == "simple":
        return Calculation(name, _leaf(layer, name, parameters["measure"], wheres))
    if metric.kind == "ratio":
        inputs = {side: parameters[side] for side in ("numerator", "denominator")}
        return Calculation(name, expr="", parts=_inputs(layer, name, inputs, wheres))
    if metric.kind == "derived":
        inputs = {entry.get("alias") or entry["name"]: entry for entry in parameters["metrics"]}
        return Calculation(name, expr=parameters["expr"], parts=_inputs(layer, name, inputs, wheres))
    hint = "ask for its metric with a running total" if metric.kind == "cumulative" else "ask for its base metric"
    raise SmeltError(f"{name} is a {metric.kind} metric, which has no model of its own here", hint)


def _inputs(
    layer: SemanticLayer, name: str, inputs: Mapping[str, Any], filters: Sequence[str]
) -> dict[str, Calculation]:
    for entry in inputs.values():
        if entry.get("offset_window") or entry.get("offset_to_grain"):
            raise SmeltError(
                f"{name} compares with an earlier period by itself",
                f"ask for {entry['name']} compared with the period before",
            )
    return {
        alias: take_apart(layer, entry["name"], (*filters, *_templates(entry.get("filter"))))
        for alias, entry in inputs.items()
    }


def _leaf(layer: SemanticLayer, metric: str, entry: Mapping[str, Any], filters: Sequence[str]) -> Leaf:
    measure = layer.measures[entry["name"]]
    if measure.agg not in AGGREGATIONS:
        raise SmeltError(
            f"{metric} aggregates by {measure.agg}, which has no model here", "ask for another metric"
        )
    if entry.get("join_to_timespine"):
        raise SmeltError(f"{metric} fills days without rows from the time spine", "ask for another metric")
    if _document(layer, measure.model, measure.name).get("non_additive_dimension"):
        raise SmeltError(f"{metric} cannot be added up over time", "ask for another metric")
    fill = entry.get("fill_nulls_with")
    return Leaf(measure.name, tuple(dict.fromkeys((*filters, *_templates(entry.get("filter"))))), fill)


def time_column(layer: SemanticLayer, measure: str) -> str | None:
    """The time dimension that a measure is counted by; None: none."""
    model = layer.measures[measure].model
    return _document(layer, model, measure).get("agg_time_dimension") or layer.models[model].time


def _document(layer: SemanticLayer, model: str, measure: str) -> Mapping[str, Any]:
    entry = next(entry for entry in layer.document["semantic_models"] if entry["name"] == model)
    return next(one for one in entry["measures"] if one["name"] == measure)


def _templates(filters: Any) -> tuple[str, ...]:
    """The templates of a filter, however it is written."""
    if not filters:
        return ()
    return tuple(entry["where_sql_template"] for entry in filters["where_filters"])
