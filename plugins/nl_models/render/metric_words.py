"""A metric in words: what it is called in a sentence, and what it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from plugins.nl_models.semantic.layer import Measure, Metric, SemanticLayer

_AGGREGATIONS = {
    "sum": "sum of",
    "sum_boolean": "number of rows with",
    "average": "average of",
    "median": "median of",
    "percentile": "percentile of",
    "min": "smallest",
    "max": "greatest",
    "count": "number of",
    "count_distinct": "number of different",
}
_TEMPLATE = re.compile(r"\{\{\s*\w+\(\s*['\"]([^'\"]+)['\"][^}]*\}\}")
# A longer expression is said by its description, where there is one.
_LONGEST_EXPRESSION = 60


def metric_name(metric: Metric, *, with_unit: bool = True) -> str:
    """`Revenue (EUR)` as it stands inside a sentence: `revenue in EUR`, or only `revenue`."""
    label, unit = metric.label, metric.unit
    if unit and label.endswith(f"({unit})"):
        label = label.removesuffix(f"({unit})").rstrip() + f" in {unit}" * with_unit
    return uncapitalised(label)


def made_of(metric: Metric, layer: SemanticLayer) -> str:
    """What a metric is calculated from: `sum of net_amount_eur, where is_merchandise of product`."""
    parameters = metric.document.get("type_params") or {}
    filters = list(_filters(metric.document.get("filter")))
    given = parameters.get("measure")
    if metric.kind == "ratio":
        over, under = parameters["numerator"], parameters["denominator"]
        text = f"ratio of {_input(over, layer)} to {_input(under, layer)}"
    elif metric.kind == "derived":
        text = _derived(parameters, layer)
    elif metric.kind == "conversion":
        text = _conversion(parameters["conversion_type_params"], layer)
    elif given and given["name"] in layer.measures:
        text = _measure(layer.measures[given["name"]])
        filters += _filters(given.get("filter"))
    else:
        text = metric.kind
    if metric.kind == "cumulative":
        text += f" {_accumulated(parameters)}"
    return f"{text}, where {' and '.join(filters)}" if filters else text


def uncapitalised(text: str) -> str:
    """With a small first letter, unless the first word is an abbreviation."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def plain(name: str) -> str:
    """An identifier as words: `first_ordered_at` is `first ordered at`."""
    return name.replace("_", " ").strip()


def _measure(measure: Measure) -> str:
    expression = " ".join(measure.expr.split())
    if expression == "1" and measure.agg in ("sum", "count"):
        return f"number of {plain(measure.model)}"
    if len(expression) > _LONGEST_EXPRESSION and measure.description:
        return uncapitalised(measure.description.rstrip("."))
    return f"{_AGGREGATIONS.get(measure.agg, f'{plain(measure.agg)} of')} {expression}"


def _input(given: Mapping[str, Any], layer: SemanticLayer) -> str:
    """A metric that another is made of, with what is done to it there."""
    metric = layer.metrics.get(given["name"])
    text = metric_name(metric) if metric is not None else plain(given["name"])
    if filters := list(_filters(given.get("filter"))):
        text += f" where {' and '.join(filters)}"
    if window := given.get("offset_window"):
        text += f" {_span(window)} earlier"
    if grain := given.get("offset_to_grain"):
        text += f" at the start of the {grain}"
    return text


def _derived(parameters: Mapping[str, Any], layer: SemanticLayer) -> str:
    expression = " ".join(str(parameters.get("expr") or "").split())
    named = []
    for given in parameters.get("metrics") or ():
        alias, said = given.get("alias") or given["name"], _input(given, layer)
        # Its own name says what it is.
        if alias != given["name"] or any(given.get(key) for key in ("filter", "offset_window", "offset_to_grain")):
            named.append(f"{alias} is {said}")
    return f"{expression}, where {' and '.join(named)}" if named else expression


def _conversion(parameters: Mapping[str, Any], layer: SemanticLayer) -> str:
    base, after = (parameters[key]["name"] for key in ("base_measure", "conversion_measure"))
    within = f" within {_span(parameters['window'])}" if parameters.get("window") else ""
    said = [_measure(layer.measures[name]) if name in layer.measures else plain(name) for name in (after, base)]
    return f"{said[0]} that follow{within} on {said[1]}, by {plain(str(parameters.get('entity') or ''))}"


def _accumulated(parameters: Mapping[str, Any]) -> str:
    cumulative = parameters.get("cumulative_type_params") or {}
    if window := cumulative.get("window") or parameters.get("window"):
        return f"over the last {_span(window)}"
    if grain := cumulative.get("grain_to_date") or parameters.get("grain_to_date"):
        return f"since the start of the {grain}"
    return "from the first day on"


def _span(window: Mapping[str, Any]) -> str:
    count, grain = window["count"], window["granularity"]
    return f"{count} {grain}{'s' * (count != 1)}"


def _filters(given: Mapping[str, Any] | None) -> Iterator[str]:
    """Filters that the metric's YAML has, with dimensions for their templates."""
    for part in (given or {}).get("where_filters") or ():
        yield _TEMPLATE.sub(_dimension, " ".join(part["where_sql_template"].split()))


def _dimension(template: re.Match[str]) -> str:
    *path, label = template[1].split("__")
    return f"{label} of {plain(path[-1])}" if path else label
