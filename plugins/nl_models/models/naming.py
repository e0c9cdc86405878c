"""What columns and steps are called, after the columns that the project has already."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import simplemma

from plugins.nl_models.analysis import TIME, Analysis, Dimension, PeriodComparison
from plugins.nl_models.models.expressions import is_name
from plugins.nl_models.models.reaching import reach
from plugins.nl_models.semantic.layer import Metric, SemanticLayer

ADVERBS = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}


@dataclass(frozen=True)
class Names:
    """metrics: columns by metric. dimensions: columns by query name. shown: by query name of an entity, the column
    with what people know it by."""

    metrics: Mapping[str, str]
    dimensions: Mapping[str, str]
    shown: Mapping[str, str] = field(default_factory=dict)

    def of(self, dimension: Dimension) -> tuple[str, ...]:
        """The column of a dimension, and the name that it is shown by."""
        name = dimension.query_name
        return tuple(columns[name] for columns in (self.dimensions, self.shown) if name in columns)


def name_columns(
    analysis: Analysis, layer: SemanticLayer, starts: Mapping[str, str], known: frozenset[str], spine: str | None
) -> Names:
    """Names for all columns. starts: time columns by the semantic models that are aggregated. known: columns that
    the project has. spine: the day column of its calendar."""
    metrics = {name: metric_column(layer.metrics[name], known) for name in analysis.metrics}
    wanted = {d.query_name: _dimension_column(d, layer, starts, known, spine) for d in analysis.dimensions}
    doubled = [name for name in wanted.values() if list(wanted.values()).count(name) > 1]
    dimensions = {query: query.replace("__", "_") if name in doubled else name for query, name in wanted.items()}
    taken = {*metrics.values(), *dimensions.values()}
    shown = {d.query_name: _shown_column(d.name, d.shown_by, taken) for d in analysis.dimensions if d.shown_by}
    return Names(metrics, dimensions, shown)


def metric_column(metric: Metric, known: frozenset[str]) -> str:
    """As the project calls it, if it has a column of that meaning; with its currency, as its neighbours have."""
    unit = metric.unit.lower() if len(metric.unit) == 3 and metric.unit.isupper() else ""
    counted = f"{singular(metric.name)}_count"
    with_unit = metric.name if not unit or metric.name.endswith(f"_{unit}") else f"{metric.name}_{unit}"
    for candidate in (with_unit, counted):
        if candidate in known and candidate != metric.name:
            return candidate
    has_units = bool(unit) and any(name.endswith(f"_{unit}") for name in known)
    return with_unit if has_units else metric.name


def singular(name: str) -> str:
    """`orders` → `order`; only the last word."""
    head, _, last = name.rpartition("_")
    return f"{head}_{simplemma.lemmatize(last, lang='en')}" if head else simplemma.lemmatize(last, lang="en")


def _dimension_column(
    dimension: Dimension,
    layer: SemanticLayer,
    starts: Mapping[str, str],
    known: frozenset[str],
    spine: str | None,
) -> str:
    grain = dimension.grain
    if dimension.name == TIME:
        columns = set(starts.values())
        if len(columns) > 1:
            return spine if grain == "day" and spine else f"{grain}_start"
        return _bucket(columns.pop(), grain or "day", known)
    reached = reach(layer, next(iter(starts)), dimension.name)
    if reached.kind == "time":
        return _bucket(reached.label, grain or "day", known)
    return reached.expr if reached.kind == "entity" and is_name(reached.expr) else reached.label


def _shown_column(entity: str, shown_by: str, taken: Collection[str]) -> str:
    """`product_description` of a product's description; a `customer_name` is called so already."""
    label, owner = shown_by.rpartition("__")[2], entity.rpartition("__")[2]
    name = label if owner in label else f"{owner}_{label}"
    return name if name not in taken else shown_by.replace("__", "_")


def _bucket(column: str, grain: str, known: frozenset[str]) -> str:
    """`ordered_date` by month: `order_month`."""
    stem = column.removesuffix("_at").removesuffix("_date").removesuffix("_on").removesuffix("_day")
    if grain == "day" and column.endswith("_date"):
        return column
    noun = simplemma.lemmatize(stem, lang="en")
    ending = "date" if grain == "day" else grain
    candidates = [f"{noun}_{ending}", f"{stem}_{ending}"]
    return next((name for name in candidates if name in known), candidates[0])


def previous_column(column: str, comparison: PeriodComparison) -> str:
    """The same column one period, or more, earlier."""
    if comparison.count == 1:
        return f"{column}_previous_{comparison.grain}"
    return f"{column}_{comparison.count}_{comparison.grain}s_earlier"
