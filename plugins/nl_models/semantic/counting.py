"""What metrics count and add up, from how they are made."""

from __future__ import annotations

from plugins.nl_models.semantic.layer import SemanticLayer

_COUNTS = ("count", "count_distinct", "sum_boolean")
_ADDED_UP = ("sum", "count", "sum_boolean")


def is_count(layer: SemanticLayer, metric: str) -> bool:
    """Whether a metric is how many there are of something: no amount of money."""
    measures = [layer.measures[name] for name in layer.metrics[metric].measures]
    return bool(measures) and all(
        measure.agg in _COUNTS or measure.expr.strip() == "1" or measure.expr.lower().strip().startswith("case")
        for measure in measures
    )


def counted_by(layer: SemanticLayer, metric: str) -> str | None:
    """The entity that a metric counts, all of them: orders by rows, customers by different keys."""
    found = layer.metrics[metric]
    if found.kind != "simple" or len(found.measures) != 1 or found.document.get("filter"):
        return None
    measure = layer.measures[found.measures[0]]
    model = layer.models[measure.model]
    if measure.agg in ("sum", "count") and measure.expr.strip() == "1":
        return model.primary
    keys = {expr: name for name, (_, expr) in model.entities.items()}
    return keys.get(measure.expr) if measure.agg in ("count", "count_distinct") else None


def is_additive(layer: SemanticLayer, metric: str) -> bool:
    """Whether the figure of several groups is the sum of theirs."""
    found = layer.metrics[metric]
    return found.kind == "simple" and all(layer.measures[name].agg in _ADDED_UP for name in found.measures)


def ratio_of(layer: SemanticLayer, over: str, under: str) -> str | None:
    """The metric that is one metric divided by another, with nothing else to it."""
    for metric in layer.metrics.values():
        given = metric.document.get("type_params") or {}
        parts = [given.get("numerator") or {}, given.get("denominator") or {}]
        is_plain = not any(part.get("filter") for part in parts) and not metric.document.get("filter")
        if metric.kind == "ratio" and is_plain and [part.get("name") for part in parts] == [over, under]:
            return metric.name
    return None
