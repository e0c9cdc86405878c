"""Other readings of a question: the same words for another dimension."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from plugins.nl_models.analysis import Analysis, Dimension, DimensionFilter
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
        if other != analysis and other not in found and not _is_twin(other, analysis):
            found.append(other)
    return tuple(found[:_MOST])


def _by_reading(
    analysis: Analysis, readings: Iterable[tuple[DimensionFilter, DimensionFilter]]
) -> Iterator[Analysis]:
    for taken, other in readings:
        filters = tuple(other if part == taken else part for part in analysis.filters)
        only = tuple(other if part == taken else part for part in analysis.only)
        yield analysis.model_copy(update={"filters": filters, "only": only})


def _by_name(analysis: Analysis, layer: SemanticLayer) -> Iterator[Analysis]:
    reachable = layer.dimensions(*analysis.metrics)
    for n, dimension in enumerate(analysis.dimensions):
        for name in _same_label(dimension.name, layer, reachable):
            dimensions = [*analysis.dimensions]
            dimensions[n] = Dimension(name=name, grain=dimension.grain)
            orders = tuple(
                order.model_copy(update={"by": name}) if order.by == dimension.query_name else order
                for order in analysis.order_by
            )
            yield analysis.model_copy(update={"dimensions": tuple(dimensions), "order_by": orders})


def _same_label(name: str, layer: SemanticLayer, reachable: Iterable[str]) -> Iterator[str]:
    known = layer.all_dimensions.get(name)
    for other in reachable:
        if known is not None and other != name and layer.all_dimensions[other].label == known.label:
            yield other


def _is_twin(one: Analysis, other: Analysis) -> bool:
    """Whether they differ only in the way that the same dimension is reached."""

    def reached(analysis: Analysis) -> list[tuple[str, ...]]:
        names = [d.name for d in analysis.dimensions] + [f.dimension for f in (*analysis.filters, *analysis.only)]
        return [tuple(name.split("__")[-2:]) for name in names]

    return reached(one) == reached(other)
