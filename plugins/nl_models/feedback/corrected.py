"""What an example stands for: columns of its model, or a question that differs from it as people corrected it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import TIME, Analysis, AnalysisOrdering, Dimension, Grain
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.catalog.schema import Column
from plugins.nl_models.plan import ColumnRef, Measure, Ordering, Plan
from plugins.nl_models.semantic.layer import SemanticDimension, SemanticLayer
from plugins.nl_models.subject import Subject

_GRAINS: tuple[Grain, ...] = ("day", "week", "month", "quarter", "year")
_DAY = re.compile(r"'\d{4}-\d\d-\d\d'")
_AGAIN = "learn it again"


def as_plan(relation: str, model: str, figures: Sequence[str], by: Sequence[str], subject: Subject) -> Plan:
    """The model's own rows. Raises SmeltError if it is not there, or is not the one that was merged."""
    table = subject.catalog.tables.get(relation)
    if table is None:
        raise SmeltError(f"{model} is not among the tables that are asked", "build it")
    known = {name.lower(): column for name, column in table.columns.items()}
    chosen = dict(_columns(model, known, figures, by, subject.layer))
    refs = {name: ColumnRef(table=relation, name=column.name) for name, column in chosen.items()}
    if len(chosen) < len(known):
        _require_unique(relation, model, [refs[name] for name in by], subject)
    times = [name for name in by if chosen[name].kind == "time"]
    numbers = [name for name in figures if chosen[name].kind == "number"][:1]
    order = [Ordering(by=refs[name]) for name in times]
    order += [Ordering(by=refs[name], descending=True) for name in ([] if times else numbers)]
    return Plan(select=tuple(refs.values()), order_by=tuple(order))


def as_corrected(
    asked: Analysis,
    before: Analysis,
    figures: Sequence[str],
    by: Sequence[str],
    where: Collection[str],
    project: AskedProject,
) -> Analysis:
    """A question as another was corrected. before: how that was read, with the metrics and groups of this one.

    Raises SmeltError if the correction is none of metrics and groups alone.
    """
    layer = project.layer
    assert layer is not None
    metrics = tuple(name for name in figures if name in layer.metrics)
    if not metrics or len(metrics) < len(figures):
        raise SmeltError("not all of its figures are metrics", _AGAIN)
    if _days_aside(where) != _days_aside(_filters_of(before, project)):
        raise SmeltError("its conditions were corrected, which stand in its model alone", "ask for that model")
    columns, names = _dimensions_of(before, project)
    dimensions = tuple(columns.get(name) or _dimension(name, metrics, layer) for name in by if name not in names)
    if set(dimensions) == set(asked.dimensions):
        dimensions = asked.dimensions
    renamed = dict(zip(asked.metrics, metrics, strict=False))
    kept = {*(d.query_name for d in dimensions), *metrics}
    bound = {*asked.limit_within, *asked.limit_over}
    if not bound <= kept or any(part.metric not in renamed for part in asked.having):
        raise SmeltError("its groups were corrected, and they are ranked here", "say which are meant")
    orders = [AnalysisOrdering(by=renamed.get(o.by, o.by), descending=o.descending) for o in asked.order_by]
    having = [part.model_copy(update={"metric": renamed[part.metric]}) for part in asked.having]
    return asked.model_copy(
        update={
            "metrics": metrics,
            "dimensions": dimensions,
            "order_by": tuple(order for order in orders if order.by in kept),
            "having": tuple(having),
        }
    )


def _columns(
    model: str, known: Mapping[str, Column], figures: Sequence[str], by: Sequence[str], layer: SemanticLayer | None
) -> Iterator[tuple[str, Column]]:
    """By name in the example, columns. A figure may be called by its metric, whatever its column is called."""
    metrics = layer.metrics if layer is not None else {}
    left = [name for name in known if name not in {*(name.lower() for name in (*by, *figures))}]
    called = [name for name in figures if name.lower() not in known and name in metrics]
    named = dict(zip(called, left, strict=False)) if len(called) == len(left) else {}
    for name in (*by, *figures):
        column = known.get(named.get(name, name).lower())
        if column is None:
            raise SmeltError(f"{model} has no column {name} any more", _AGAIN)
        yield name, column


def _require_unique(relation: str, model: str, by: Sequence[ColumnRef], subject: Subject) -> None:
    """A model that has more columns by now may have other rows too."""
    if not by:
        raise SmeltError(f"{model} has other columns by now", _AGAIN)
    rows = Measure(function="count", table=relation)
    plan = Plan(select=(*by, rows), group_by=tuple(by), order_by=(Ordering(by=rows, descending=True),), limit=1)
    found = subject.run(subject.sql(plan)).rows
    if found and found[0][-1] > 1:
        raise SmeltError(f"the rows of {model} are by something else by now", _AGAIN)


def _filters_of(analysis: Analysis, project: AskedProject) -> frozenset[str]:
    """Conditions of the model that would be proposed for it, as examples have them."""
    from plugins.nl_models.feedback.corrections import read_text
    from plugins.nl_models.models.analysed import AnalysisBuilder
    from plugins.nl_models.models.ground import lay_ground
    from plugins.nl_models.models.house import to_text
    from plugins.nl_models.models.style import SqlStyle

    query = AnalysisBuilder(analysis, lay_ground(project), frozenset(), None).build().query
    return read_text(to_text(query, SqlStyle())).filters


def _days_aside(conditions: Collection[str]) -> set[str]:
    """Periods are the question's own."""
    return {_DAY.sub("'…'", condition) for condition in conditions}


def _dimensions_of(analysis: Analysis, project: AskedProject) -> tuple[dict[str, Dimension], set[str]]:
    """The dimensions of an analysis by what their columns would be called in a model, and columns of names."""
    from plugins.nl_models.models.analysed import AnalysisBuilder
    from plugins.nl_models.models.ground import lay_ground

    ground = lay_ground(project)
    known = frozenset(column for one in ground.inputs.values() for column in one.types)
    names = AnalysisBuilder(analysis, ground, known, None).names
    return {names.dimensions[d.query_name]: d for d in analysis.dimensions}, set(names.shown.values())


def _dimension(column: str, metrics: Sequence[str], layer: SemanticLayer) -> Dimension:
    """The dimension that a model's column is; of several, the nearest. Raises SmeltError if none is sure to be."""
    head, _, grain = column.rpartition("_")
    if head and grain in _GRAINS and all(map(layer.has_time, metrics)):
        return Dimension(name=TIME, grain=grain)
    alike = [one for one in layer.dimensions(*metrics).values() if _is_called(one, column)]
    nearest = [one for one in alike if one.joins == min(other.joins for other in alike)]
    if len(nearest) != 1:
        raise SmeltError(
            f"{column} is {'no dimension' if not nearest else 'several dimensions'} of its metrics", _AGAIN
        )
    return Dimension(name=nearest[0].name)


def _is_called(one: SemanticDimension, column: str) -> bool:
    return one.kind != "time" and column in (one.label, one.expr)
