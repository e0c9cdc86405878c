"""From a semantic model to a dimension: the joins on the way, and the expression at its end."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.core.errors import SmeltError
from plugins.nl_models.semantic.layer import SemanticLayer, SemanticModel


@dataclass(frozen=True)
class Hop:
    """A join to the model that has an entity as its primary key. left, right: expressions of the two sides."""

    entity: str
    to: str
    left: str
    right: str


@dataclass(frozen=True)
class Reached:
    """A dimension as one semantic model sees it. model: where it is; expr: over that model."""

    name: str
    hops: tuple[Hop, ...]
    model: str
    expr: str
    kind: str
    label: str
    description: str = ""


def reach(layer: SemanticLayer, start: str, name: str) -> Reached:
    """The way to a dimension or an entity, by MetricFlow's name. Raises SmeltError if there is none."""
    *path, label = name.split("__")
    model = layer.models[start]
    if path == [model.primary] and (found := _own(model, label)) is not None:
        return _reached(name, (), model, found)
    hops = []
    for entity in path:
        other = _model_of(layer, entity, model)
        if other is None or entity not in model.entities:
            raise SmeltError(f"{name} cannot be reached from {start}", "ask for another dimension")
        hops.append(Hop(entity, other.name, model.entities[entity][1], other.entities[entity][1]))
        model = other
    if (found := _own(model, label)) is None:
        raise SmeltError(f"{start} has no dimension {name}", "ask for another dimension")
    return _reached(name, tuple(hops), model, found)


def _model_of(layer: SemanticLayer, entity: str, current: SemanticModel) -> SemanticModel | None:
    others = (m for m in layer.models.values() if m.primary == entity and m.name != current.name)
    return next((model for model in others if entity in model.entities), None)


def _own(model: SemanticModel, label: str) -> tuple[str, str, str, str] | None:
    for dimension in model.dimensions:
        if dimension[0] == label:
            return dimension
    if label in model.entities:
        return label, "entity", model.entities[label][1], ""
    return None


def _reached(name: str, hops: tuple[Hop, ...], model: SemanticModel, found: tuple[str, str, str, str]) -> Reached:
    label, kind, expr, description = found
    return Reached(name, hops, model.name, expr, kind, label, description)
