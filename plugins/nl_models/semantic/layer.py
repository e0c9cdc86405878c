"""A dbt project's semantic layer: which metrics there are, and by which dimensions each can be had.

The names are MetricFlow's: a dimension is `entity__dimension`, where the entity is the one its model is joined by.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from plugins.core.errors import SmeltError

# One join to a dimension's model, and one more from there.
MOST_JOINS = 2


@dataclass(frozen=True)
class Measure:
    """An aggregation over one semantic model. expr: SQL over its model; agg: as dbt names it."""

    name: str
    model: str
    agg: str
    expr: str
    description: str = ""


@dataclass(frozen=True)
class Metric:
    """A metric. kind: simple, ratio, derived, cumulative or conversion. measures: all that it is made of.

    document: as dbt writes it in semantic_manifest.json.
    """

    name: str
    label: str
    description: str
    kind: str
    synonyms: tuple[str, ...]
    unit: str
    measures: tuple[str, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)


@dataclass(frozen=True)
class SemanticDimension:
    """A dimension or entity as seen from a metric. joins: how many it takes to get there from the measure's model.

    name: MetricFlow's. label: its own name, without entities. model: the semantic model that it belongs to.
    expr: SQL over that model.
    """

    name: str
    label: str
    kind: Literal["categorical", "time", "entity"]
    model: str
    expr: str
    joins: int
    description: str = ""


@dataclass(frozen=True)
class SemanticModel:
    """A semantic model. relation: `schema.table`. entities: name → (type, expr). known_by: the dimension that
    people know a row by, where it is known without reading descriptions."""

    name: str
    relation: str
    description: str
    primary: str | None
    entities: Mapping[str, tuple[str, str]]
    dimensions: tuple[tuple[str, str, str, str], ...]
    time: str | None
    known_by: str | None = None


@dataclass(frozen=True)
class SemanticLayer:
    """Metrics, measures and semantic models by name. document: semantic_manifest.json, as dbt wrote it.

    is_inferred: nobody has written it; it was read from the project's tables. twins: by metric, others that say
    the same by more dimensions.
    """

    metrics: Mapping[str, Metric]
    measures: Mapping[str, Measure]
    models: Mapping[str, SemanticModel]
    document: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)
    is_inferred: bool = False
    twins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> SemanticLayer:
        """Read a semantic_manifest.json. Raises SmeltError if it can't be read."""
        try:
            return cls.of(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SmeltError(f"{path} cannot be read: {error}", "run `dbt parse` again") from error

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> SemanticLayer:
        """The layer of a parsed semantic manifest."""
        models = {entry["name"]: _model(entry) for entry in document["semantic_models"]}
        measures = {
            measure["name"]: Measure(
                measure["name"],
                entry["name"],
                measure["agg"],
                measure.get("expr") or measure["name"],
                measure.get("description") or "",
            )
            for entry in document["semantic_models"]
            for measure in entry.get("measures", ())
        }
        metrics = {entry["name"]: _metric(entry) for entry in document["metrics"]}
        return cls(metrics, measures, models, document)

    def dimensions(self, *metrics: str) -> dict[str, SemanticDimension]:
        """By name, all dimensions that each of the metrics can be had by; those of the nearest models first."""
        names = dict.fromkeys(measure for metric in metrics for measure in self.metrics[metric].measures)
        found = [self._of_measure[measure] for measure in names]
        if not found:
            return {}
        shared = [name for name in found[0] if all(name in others for others in found[1:])]
        farthest = {name: max((others[name] for others in found), key=lambda d: d.joins) for name in shared}
        total = {name: sum(others[name].joins for others in found) for name in shared}
        return {name: farthest[name] for name in sorted(shared, key=lambda name: total[name])}

    @property
    def all_dimensions(self) -> dict[str, SemanticDimension]:
        """By name, every dimension that some metric can be had by."""
        return {name: found for reachable in self._of_measure.values() for name, found in reachable.items()}

    def has_time(self, metric: str) -> bool:
        """Whether a metric can be had by `metric_time`."""
        models = {self.measures[name].model for name in self.metrics[metric].measures}
        return all(self.models[name].time for name in models)

    @cached_property
    def _of_measure(self) -> dict[str, dict[str, SemanticDimension]]:
        by_model = {name: dict(self._reachable(model)) for name, model in self.models.items()}
        return {name: by_model[measure.model] for name, measure in self.measures.items()}

    def _reachable(self, model: SemanticModel) -> Iterator[tuple[str, SemanticDimension]]:
        found: dict[str, SemanticDimension] = {}
        queue: list[tuple[SemanticModel, tuple[str, ...], int]] = [(model, (), 0)]
        for current, path, joins in queue:
            prefix = path or ((current.primary,) if current.primary else ())
            for name, dimension in _own(current, prefix, path, joins):
                found.setdefault(name, dimension)
            if joins == MOST_JOINS:
                continue
            for entity, (kind, _) in current.entities.items():
                for other in self.models.values():
                    if other.name == current.name or entity in path:
                        continue
                    if other.primary == entity and kind in ("foreign", "unique", "primary"):
                        queue.append((other, (*path, entity), joins + 1))
        yield from found.items()


def _own(
    model: SemanticModel, prefix: tuple[str, ...], path: tuple[str, ...], joins: int
) -> Iterable[tuple[str, SemanticDimension]]:
    for label, kind, expr, description in model.dimensions:
        if not prefix:
            continue
        name = "__".join((*prefix, label))
        is_time: Literal["time", "categorical"] = "time" if kind == "time" else "categorical"
        yield name, SemanticDimension(name, label, is_time, model.name, expr, joins, description)
    for entity, (_, expr) in model.entities.items():
        if entity not in path:
            name = "__".join((*path, entity))
            yield name, SemanticDimension(name, entity, "entity", model.name, expr, joins)


def _model(entry: Mapping[str, Any]) -> SemanticModel:
    relation = entry["node_relation"]
    entities = {e["name"]: (e["type"], e.get("expr") or e["name"]) for e in entry["entities"]}
    primary = entry.get("primary_entity") or next(
        (n for n, (kind, _) in entities.items() if kind == "primary"), None
    )
    return SemanticModel(
        name=entry["name"],
        relation=f"{relation['schema_name']}.{relation['alias']}",
        description=entry.get("description") or "",
        primary=primary,
        entities=entities,
        dimensions=tuple(
            (d["name"], d["type"], d.get("expr") or d["name"], d.get("description") or "")
            for d in entry["dimensions"]
        ),
        time=(entry.get("defaults") or {}).get("agg_time_dimension"),
        known_by=entry.get("known_by"),
    )


def _metric(entry: Mapping[str, Any]) -> Metric:
    meta = (entry.get("config") or {}).get("meta") or {}
    return Metric(
        name=entry["name"],
        label=entry.get("label") or entry["name"].replace("_", " "),
        description=entry.get("description") or "",
        kind=entry["type"],
        synonyms=tuple(map(str, meta.get("synonyms") or ())),
        unit=str(meta.get("unit") or ""),
        measures=tuple(measure["name"] for measure in entry["type_params"].get("input_measures") or ()),
        document=entry,
    )
