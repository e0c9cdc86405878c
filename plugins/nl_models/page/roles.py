"""What each column of an answer is for, from its plan or, without one, from the types of its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from plugins.nl_models.analysis import TIME, Analysis
from plugins.nl_models.page.content import SHARE, PageColumn, Role
from plugins.nl_models.plan import ColumnRef, Measure, Plan
from plugins.nl_models.render.analysis_sentence import before_words, dimension_words
from plugins.nl_models.render.around import column_names, measured, previous
from plugins.nl_models.render.metric_words import metric_name, plain, uncapitalised
from plugins.nl_models.semantic.layer import Metric, SemanticLayer

_NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*|DOUBLE|FLOAT|REAL)$", re.IGNORECASE)
_TIME = re.compile(r"(DATE|TIMESTAMP.*)$", re.IGNORECASE)
# Numbers that name things; nobody adds them up.
_NAMES_THINGS = re.compile(r"(^|_|\b)(id|key|code|number|no|nr|year|month|day|zip|phone)s?$", re.IGNORECASE)
_CALCULATED = {
    "share": "Share of {}",
    "running total": "Running total of {}",
    "average": "Average {}",
    "moving average": "Moving average of {}",
}
_FUNCTIONS = {"sum": "Total", "avg": "Average", "min": "Smallest", "max": "Greatest"}
# What a model's name says of its kind, and nothing of its rows.
_PREFIX = re.compile(r"^(dim|fct|fact|agg|stg|int)_+")
_ADDED_UP = ("sum", "count", "sum_boolean")


def columns_of_analysis(
    analysis: Analysis, layer: SemanticLayer, names: Sequence[str], types: Sequence[str]
) -> tuple[PageColumn, ...]:
    """The columns of an analysis's answer, which has these names and DuckDB types."""
    known = {column.name: column for column in _planned(analysis, layer, dict(zip(names, types, strict=True)))}
    pairs = zip(names, types, strict=True)
    return tuple(known.get(name) or _by_type(name, data_type, None) for name, data_type in pairs)


def columns_by_type(
    names: Sequence[str], types: Sequence[str], plan: Plan | None = None
) -> tuple[PageColumn, ...]:
    """The columns of any answer. plan: of the query; without it, numbers are measures unless they name things."""
    terms = plan.select if plan is not None and len(plan.select) == len(names) else (None,) * len(names)
    has_measure = any(isinstance(term, Measure) for term in terms)
    found = []
    for name, data_type, term in zip(names, types, terms, strict=True):
        # Beside a total, a plain column says of what.
        role: Role | None = "dimension" if has_measure and isinstance(term, ColumnRef) else None
        column = _by_type(name, data_type, role)
        found.append(replace(column, label=_label(term)) if isinstance(term, Measure) else column)
    return tuple(found)


def _label(measure: Measure) -> str:
    """What an aggregate is called: `Number of products`, `Total price`."""
    if measure.column is None:
        table = (measure.table or "rows").split(".")[-1]
        return f"Number of {plain(_PREFIX.sub('', table))}"
    name = plain(measure.column.name)
    if measure.function == "count":
        return f"Number of {'different ' * measure.distinct}{name}"
    return f"{_FUNCTIONS[measure.function]} {name}"


def _by_type(name: str, data_type: str, number_role: Role | None) -> PageColumn:
    label = _capitalised(name.replace("_", " ").strip() or name)
    if _TIME.match(data_type):
        return PageColumn(name, data_type, "time", label)
    if not _NUMBER.match(data_type):
        return PageColumn(name, data_type, "dimension", label)
    role: Role = number_role or ("dimension" if _NAMES_THINGS.search(name) else "measure")
    return PageColumn(name, data_type, role, label)


def _planned(analysis: Analysis, layer: SemanticLayer, types: dict[str, str]) -> Iterator[PageColumn]:
    words = dimension_words([dimension.name for dimension in analysis.dimensions], layer)
    by_query_name = {dimension.query_name: dimension for dimension in analysis.dimensions}
    for query_name, name in column_names(analysis).items():
        dimension = by_query_name[query_name]
        if dimension.grain is None:
            said = dimension.part or words[dimension.name]
            yield PageColumn(name, types.get(name, ""), "dimension", _capitalised(said))
        else:
            label = dimension.grain if dimension.name == TIME else f"{dimension.grain} of {words[dimension.name]}"
            yield PageColumn(name, types.get(name, ""), "time", _capitalised(label), grain=dimension.grain)
    for metric, name in measured(analysis).items():
        yield from _measured(analysis, layer, layer.metrics[metric], name, types)


def _measured(
    analysis: Analysis, layer: SemanticLayer, metric: Metric, name: str, types: dict[str, str]
) -> Iterator[PageColumn]:
    """A metric's column and, if it is compared, those that tell how it was before."""
    label = metric_name(metric, with_unit=False)
    label = _capitalised(_CALCULATED.get(analysis.calculation or "", "{}").format(label))
    unit = SHARE if analysis.calculation == "share" else metric.unit
    if analysis.calculation == "ratio":
        label, unit = f"{label} per {metric_name(layer.metrics[analysis.metrics[1]], with_unit=False)}", ""
    comparison = analysis.comparison
    change = f"{metric.name}_change"
    is_additive = _is_additive(analysis, layer, metric)
    if comparison is not None and comparison.as_amount:
        said = f"Change of {uncapitalised(label)} against {before_words(comparison)}"
        yield PageColumn(change, types.get(change, ""), "measure", said, unit, is_additive=is_additive)
        return
    if comparison is not None and comparison.only_growth:
        said = f"Growth of {uncapitalised(label)} against {before_words(comparison)}"
        yield PageColumn(change, types.get(change, ""), "measure", said, SHARE)
        return
    yield PageColumn(name, types.get(name, ""), "measure", label, unit, is_additive=is_additive)
    if comparison is None:
        return
    before, said = f"{metric.name}_{previous(comparison)}", before_words(comparison)
    yield PageColumn(before, types.get(before, ""), "comparison", f"{label}, {said}", unit, of=name)
    yield PageColumn(change, types.get(change, ""), "detail", f"Change against {said}", SHARE, of=name)


def _is_additive(analysis: Analysis, layer: SemanticLayer, metric: Metric) -> bool:
    if analysis.calculation == "average" or analysis.only or metric.kind not in ("simple", "cumulative"):
        return False
    return all(layer.measures[measure].agg in _ADDED_UP for measure in metric.measures)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
