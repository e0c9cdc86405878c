"""Which rows are meant: values of dimensions, things by their keys, what is known and what is not."""

from __future__ import annotations

from dataclasses import dataclass, field

from plugins.nl_models.analysis import Analysis, DimensionFilter
from plugins.nl_models.semantic.layer import SemanticDimension
from plugins.nl_models.semantic.request import Group, Request, Restriction
from plugins.nl_models.semantic.vocabulary import Vocabulary


@dataclass
class Resolved:
    """analysis: None if no metric is asked for. lacks: what the layer doesn't have, each in a sentence.
    assumptions: what was decided without being said. readings: filters that could be meant instead of others."""

    analysis: Analysis | None = None
    lacks: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    readings: list[tuple[DimensionFilter, DimensionFilter]] = field(default_factory=list)


class Restricting:
    """One request over one layer, and the filters that it makes."""

    def __init__(self, request: Request, vocabulary: Vocabulary) -> None:
        self.request = request
        self.vocabulary = vocabulary
        self.layer = vocabulary.layer
        self.resolved = Resolved()
        self.filters: list[DimensionFilter] = []
        self.only: list[DimensionFilter] = []
        self.kept: list[DimensionFilter] = []
        self.comparison = request.comparison
        self.is_counted_by_metric = False
        # Values that things must have, or must not, while rows of all are counted.
        self.of_things: list[Restriction] = []

    def _restrict(self, reachable: dict[str, SemanticDimension], groups: list[Group]) -> None:
        request = self.request
        by_dimension: dict[tuple[str, bool], list[str | bool]] = {}
        for restriction in request.restrictions:
            if restriction in self.of_things:
                continue
            found = self._reading(restriction, reachable)
            if found is None:
                label, value = restriction.readings[0]
                self.resolved.lacks.append(f"it is not kept by {in_words(label)}, of which {value} is one")
                continue
            by_dimension.setdefault((found[0], restriction.is_negated), []).append(found[1])
        for (name, is_negated), values in by_dimension.items():
            operator = "not in" if is_negated else "in"
            part = DimensionFilter(dimension=name, operator=operator, values=tuple(dict.fromkeys(values)))
            label = reachable[name].label
            is_grouped = any(group.name == label for group in groups)
            is_listed = len(values) > 1 and not is_negated and not is_grouped and "TOGETHER" not in request.marks
            if is_listed and not request.is_alternative:
                groups.append(Group(label))
                is_grouped = True
                if not request.marks & {"SHARE", "COMPARE"}:
                    self.resolved.assumptions.append("each is meant by itself, not all of them together")
            if "SHARE" in request.marks and not is_grouped:
                self.only.append(part)
            elif "SHARE" in request.marks and is_listed:
                # The share of each in all there is.
                self.kept.append(part)
            else:
                self.filters.append(part)
        self._restrict_entities(reachable, groups)

    def _restrict_entities(self, reachable: dict[str, SemanticDimension], groups: list[Group]) -> None:
        for label, is_negated in dict.fromkeys((label, negated) for label, _, negated in self.request.identified):
            name = named(label, reachable)
            if name is None:
                self.resolved.lacks.append(f"it is not kept by {in_words(label)}")
                continue
            keys = [
                self._key(name, text)
                for other, text, n in self.request.identified
                if (other, n) == (label, is_negated)
            ]
            operator = "not in" if is_negated else "in"
            self.filters.append(DimensionFilter(dimension=name, operator=operator, values=tuple(keys)))
            if len(keys) > 1 and not is_negated and "TOGETHER" not in self.request.marks:
                groups.extend([Group(label)] * (not any(group.name == label for group in groups)))
        for label, is_missing in self.request.unknown_of:
            if (name := named(label, reachable)) is not None:
                part = DimensionFilter(dimension=name, operator="is null" if is_missing else "is not null")
                (self.only if "SHARE" in self.request.marks else self.filters).append(part)
            else:
                self.resolved.lacks.append(f"it is not kept by {in_words(label)}")
        for label, text in self.request.contains:
            shown = self.vocabulary.display(label)
            name = named(shown, reachable) if shown is not None else named(label, reachable)
            if name is None:
                self.resolved.lacks.append(f"it is not kept by {in_words(label)}")
            else:
                self.filters.append(DimensionFilter(dimension=name, operator="contains", values=(text,)))

    def _key(self, name: str, text: str) -> str | int:
        """An entity's key as its column has it: a number only where the column is one."""
        entity = self.layer.all_dimensions[name]
        table = self.vocabulary.catalog.tables.get(self.layer.models[entity.model].relation)
        column = table.columns.get(entity.expr) if table is not None else None
        is_number = column is not None and column.kind == "number" and "CHAR" not in column.data_type
        return int(text) if is_number and text.isdigit() else text

    def _reading(
        self, restriction: Restriction, reachable: dict[str, SemanticDimension]
    ) -> tuple[str, str | bool] | None:
        """The nearest dimension that has the value; one that names it, before one that says that it is so."""
        ranked = sorted(restriction.readings, key=lambda pair: isinstance(pair[1], bool))
        found = [
            (name, value)
            for label, value in ranked
            for name, dimension in reachable.items()
            if dimension.label == label and (isinstance(value, bool) or value in self._values_of(dimension))
        ]
        operator = "not in" if restriction.is_negated else "in"
        parts = [DimensionFilter(dimension=name, operator=operator, values=(value,)) for name, value in found]
        self.resolved.readings += [(parts[0], part) for part in parts[1:]]
        return found[0] if found else None

    def _values_of(self, dimension: SemanticDimension) -> tuple[str, ...]:
        return self.vocabulary.values.get((dimension.model, dimension.label), ())


def named(label: str, reachable: dict[str, SemanticDimension]) -> str | None:
    """The nearest dimension of a name."""
    return next((name for name, dimension in reachable.items() if dimension.label == label), None)


def in_words(label: str) -> str:
    """A dimension's own name, as it is said."""
    return label.removeprefix("is_").replace("_", " ")
