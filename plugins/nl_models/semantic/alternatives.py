"""Other readings of a question: the same words for another dimension."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plugins.nl_models.analysis import Analysis, Dimension, DimensionFilter, MetricFilter
from plugins.nl_models.semantic.layer import SemanticLayer

# More are not read.
_MOST = 3


def alternatives(
    analysis: Analysis, layer: SemanticLayer, readings: Iterable[tuple[DimensionFilter, DimensionFilter]]
) -> tuple[Analysis, ...]:
    """Analyses that differ in what a value or a name means; those that need the fewest joins first.

    readings: pairs of filters, one that was taken and one that says as much.
    """
    found: list[Analysis] = []
    for other in (*_by_reading(analysis, readings), *_by_name(analysis, layer)):
        if other != analysis and other not in found and not _is_twin(other, analysis, layer):
            found.append(other)
    return tuple(found[:_MOST])


def _by_reading(
    analysis: Analysis, readings: Iterable[tuple[DimensionFilter, DimensionFilter]]
) -> Iterator[Analysis]:
    for taken, other in readings:
        if taken.dimension.split("__")[-1] != other.dimension.split("__")[-1]:
            filters = tuple(other if part == taken else part for part in analysis.filters)
            only = tuple(other if part == taken else part for part in analysis.only)
            yield analysis.model_copy(update={"filters": filters, "only": only})


def _by_name(analysis: Analysis, layer: SemanticLayer) -> Iterator[Analysis]:
    """Another dimension of the same name, wherever the one is."""
    reachable = layer.dimensions(*analysis.metrics)
    parts = (*analysis.filters, *analysis.only)
    used = dict.fromkeys([d.name for d in analysis.dimensions] + [part.dimension for part in parts])
    for name in used:
        for other in _same_label(name, layer, reachable):
            yield _renamed(analysis, name, other)


def _renamed(analysis: Analysis, name: str, other: str) -> Analysis:
    def dimension(found: Dimension) -> Dimension:
        return Dimension(name=other, grain=found.grain) if found.name == name else found

    def filtered(found: DimensionFilter) -> DimensionFilter:
        return found.model_copy(update={"dimension": other}) if found.dimension == name else found

    def named(found: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(other if one == name else one for one in found)

    def kept(found: MetricFilter) -> MetricFilter:
        return found.model_copy(update={"of": named(found.of), "filters": tuple(map(filtered, found.filters))})

    orders = [o.model_copy(update={"by": other}) if o.by == name else o for o in analysis.order_by]
    return analysis.model_copy(
        update={
            "dimensions": tuple(map(dimension, analysis.dimensions)),
            "filters": tuple(map(filtered, analysis.filters)),
            "only": tuple(map(filtered, analysis.only)),
            "kept": tuple(map(filtered, analysis.kept)),
            "having": tuple(map(kept, analysis.having)),
            "order_by": tuple(orders),
            "limit_within": named(analysis.limit_within),
            "limit_over": named(analysis.limit_over),
        }
    )


def _same_label(name: str, layer: SemanticLayer, reachable: Iterable[str]) -> Iterator[str]:
    known = layer.all_dimensions.get(name)
    for other in reachable:
        if known is not None and other != name and layer.all_dimensions[other].label == known.label:
            yield other


def _meant(name: str, layer: SemanticLayer) -> tuple[str, str]:
    """What tells a dimension from others: its name, and what is written of it."""
    found = layer.all_dimensions.get(name)
    return (name, "") if found is None else (found.label, found.description)


def _is_twin(one: Analysis, other: Analysis, layer: SemanticLayer) -> bool:
    """Whether they differ only in the way that the same dimension is reached, or in which of two copies of it."""

    def reached(analysis: Analysis) -> list[tuple[str, str]]:
        names = [d.name for d in analysis.dimensions] + [f.dimension for f in (*analysis.filters, *analysis.only)]
        return [_meant(name, layer) for name in names]

    return reached(one) == reached(other)
