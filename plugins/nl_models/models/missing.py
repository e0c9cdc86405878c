"""Aggregates that no metric of the semantic layer is: what each would be called, measured and described as."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Limits, check, run
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.describing import column_words
from plugins.nl_models.models.relational import Planned
from plugins.nl_models.plan import Measure
from plugins.nl_models.render.metricflow import MetricFlow
from plugins.nl_models.semantic.layer import Measure as Defined
from plugins.nl_models.semantic.layer import SemanticLayer, SemanticModel

_LIMITS = Limits(seconds=60.0)
_AGGREGATIONS = {"avg": "average"}
_NOT_MISSING = "CASE WHEN {} IS NOT NULL THEN 1 ELSE 0 END"


@dataclass(frozen=True)
class NewMetric:
    """A simple metric. measure: that it is of; has_measure: the semantic model has it already. agg, expr: of it.

    time: the dimension that it is counted by. unit: "" without one.
    """

    name: str
    label: str
    description: str
    unit: str
    measure: str
    has_measure: bool
    agg: str
    expr: str
    model: SemanticModel
    time: str

    @property
    def is_total(self) -> bool:
        """Whether a total of nothing is 0, as of sums and counts."""
        return self.agg in ("sum", "count", "count_distinct")


def same_metric(term: Measure, layer: SemanticLayer) -> str | None:
    """The metric that an aggregate is; None: it is none, or only under a filter."""
    for metric in layer.metrics.values():
        if metric.kind != "simple" or metric.document.get("filter"):
            continue
        if any(_is_same(term, layer.measures[name], layer) for name in metric.measures):
            return metric.name
    return None


def missing_metric(
    column: str, term: Measure, described: str, planned: Planned, project: AskedProject
) -> NewMetric:
    """The metric that a column of a model could become. described: the column, in a sentence.

    Raises SmeltError with the reason where people have to decide.
    """
    layer = project.layer
    assert layer is not None
    model = _model(term, planned, layer)
    if model.time is None:
        raise SmeltError(f"{model.name} has no date that it would be counted by", "give it a default")
    _require_number(term, project)
    found = next((one for one in layer.measures.values() if _is_same(term, one, layer)), None)
    taken = {*layer.metrics, *(() if found is not None else layer.measures), *model.entities}
    if column in {*taken, *(name for name, *_ in model.dimensions)} or "__" in column:
        raise SmeltError(f"something else is called {column}", "choose another name")
    unit = _unit(column, layer)
    words = column_words(column.removesuffix(f"_{unit.lower()}") if unit else column)
    label = f"{words[:1].upper()}{words[1:]}" + (f" ({unit})" if unit else "")
    agg, expr = _aggregation(term, layer)
    measure = found.name if found is not None else column
    return NewMetric(column, label, described, unit, measure, found is not None, agg, expr, model, model.time)


def try_out(metric: NewMetric, project: AskedProject) -> str:
    """What MetricFlow makes of it, as of the tables themselves. Raises SmeltError if it can't, or differs."""
    assert project.layer is not None
    relation = metric.model.relation
    flow = MetricFlow(SemanticLayer.of(_with(project.layer.document, metric)))
    asked = flow.to_sql(Analysis(metrics=(metric.name,)))
    table = ".".join(map(quote, relation.split(".")))
    given = f"select {_sql(metric)} from {table}"
    same = "(a.v is not distinct from g.v or abs(cast(a.v as double) - cast(g.v as double)) <= 1e-9 * abs(g.v))"
    both = f"select a.v, {same} from ({asked}) as a(v), ({given}) as g(v)"
    ((value, is_same),) = run(project.con, check(both, {relation, *project.nodes}), _LIMITS).rows
    if not is_same:
        raise SmeltError(
            f"the semantic layer would give {value}, and {relation} something else", "define it by hand"
        )
    shown = f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
    return f"the semantic layer gives {shown} for it, as {relation} does"


def _model(term: Measure, planned: Planned, layer: SemanticLayer) -> SemanticModel:
    table = term.column.table if term.column is not None else term.table or planned.facts[0].relation
    if table != planned.facts[0].relation:
        # Each of its rows may stand there more than once.
        raise SmeltError(f"{table} is joined to {planned.facts[0].name}", "ask for it alone")
    models = [model for model in layer.models.values() if model.relation == table]
    if len(models) != 1:
        raise SmeltError(f"{len(models) or 'no'} semantic models are over {table}", "define it by hand")
    return models[0]


def _require_number(term: Measure, project: AskedProject) -> None:
    if term.function == "count" or term.column is None:
        return
    if project.catalog.column(term.column.table, term.column.name).kind != "number":
        raise SmeltError(f"{term.column.name} is no number", "keep it in the model")


def _unit(column: str, layer: SemanticLayer) -> str:
    """The currency that the column's name ends in, if other metrics have it."""
    units = {metric.unit for metric in layer.metrics.values() if len(metric.unit) == 3 and metric.unit.isupper()}
    return next((unit for unit in sorted(units) if column.endswith(f"_{unit.lower()}")), "")


def _aggregation(term: Measure, layer: SemanticLayer) -> tuple[str, str]:
    """As dbt has it; rows are counted as the project counts them."""
    if term.column is None:
        return next((one.agg for one in layer.measures.values() if one.expr == "1"), "sum"), "1"
    return (
        "count_distinct" if term.distinct else _AGGREGATIONS.get(term.function, term.function)
    ), term.column.name


def _is_same(term: Measure, defined: Defined, layer: SemanticLayer) -> bool:
    table = term.column.table if term.column is not None else term.table
    if layer.models[defined.model].relation != table:
        return False
    if term.column is None:
        return defined.expr == "1" and defined.agg in ("sum", "count")
    agg, expr = _aggregation(term, layer)
    if agg == "count" and defined.agg == "sum":
        # So dbt writes it down.
        return defined.expr == _NOT_MISSING.format(expr)
    return defined.expr == expr and defined.agg == agg


def _sql(metric: NewMetric) -> str:
    column = metric.expr if metric.expr == "1" else quote(metric.expr)
    if metric.agg == "count_distinct":
        return f"count(distinct {column})"
    return f"{'avg' if metric.agg == 'average' else metric.agg}({column})"


def _with(document: Mapping[str, Any], metric: NewMetric) -> dict[str, Any]:
    """The semantic manifest with the metric in it, as dbt would write it."""
    found = copy.deepcopy(dict(document))
    if not metric.has_measure:
        model = next(one for one in found["semantic_models"] if one["name"] == metric.model.name)
        is_count = metric.agg == "count"
        expr = _NOT_MISSING.format(metric.expr) if is_count else metric.expr
        model["measures"].append({"name": metric.measure, "agg": "sum" if is_count else metric.agg, "expr": expr})
    measure = {"name": metric.measure, "join_to_timespine": False, "fill_nulls_with": None}
    parameters = {"measure": measure, "input_measures": [measure], "metrics": []}
    found["metrics"].append(
        {"name": metric.name, "description": metric.description, "type": "simple", "type_params": parameters}
    )
    return found
