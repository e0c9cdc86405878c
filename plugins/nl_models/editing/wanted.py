"""What a request names, as columns of the tables that a model reads, or of tables that these are joined to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plugins.core.errors import SmeltError
from plugins.nl_models.editing.tracing import Input
from plugins.nl_models.models.expressions import columns_of, is_name
from plugins.nl_models.models.reaching import Hop, reach
from plugins.nl_models.semantic.layer import SemanticLayer


@dataclass(frozen=True)
class Wanted:
    """A value of each row of a table. start: the table that is read. hops: joins from there; then expr is over the
    last one's table. columns: of `start` that it needs. name: what it is called."""

    start: Input
    expr: str
    name: str
    columns: tuple[str, ...]
    hops: tuple[Hop, ...] = ()
    model: str = ""
    description: str = ""
    data_type: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is a column as it is, of the table that is read."""
        return not self.hops and is_name(self.expr)

    @property
    def said(self) -> str:
        """For people: whose column it is."""
        return f"{self.name} of {self.model or self.start.name}"


def find_wanted(label: str, inputs: Sequence[Input], layer: SemanticLayer | None) -> list[Wanted]:
    """Readings of a name, those that need the fewest joins first."""
    if "__" in label:
        return list(_joined(label, inputs, layer))
    found = [*_own(label, inputs), *_joined(label, inputs, layer)]
    return sorted(found, key=lambda wanted: len(wanted.hops))


def choose(label: str, found: Sequence[Wanted]) -> Wanted:
    """The nearest. Raises SmeltError if two are as near, or none is there."""
    if not found:
        raise SmeltError(
            f"{label.replace('_', ' ')!r} cannot be reached from the tables that the model reads",
            "join a table that has it first, or name one of the model's own",
        )
    nearest = [one for one in found if len(one.hops) == len(found[0].hops)]
    if len({(one.start.node, one.expr, one.hops) for one in nearest}) > 1:
        said = " or ".join(dict.fromkeys(one.said for one in nearest))
        raise SmeltError(f"{label.replace('_', ' ')!r} may be {said}", "say which one is meant")
    return nearest[0]


def _own(label: str, inputs: Sequence[Input]) -> Iterator[Wanted]:
    for one in inputs:
        dimension = next((d for d in one.semantic.dimensions if d[0] == label), None) if one.semantic else None
        entity = one.semantic.entities.get(label) if one.semantic else None
        types = {name.lower(): kind for name, kind in one.types.items()}
        if dimension is not None:
            expr = " ".join(dimension[2].split())
            name = label if not is_name(expr) else expr
            columns = tuple(column.lower() for column in columns_of(expr))
            described = dimension[3] or one.descriptions.get(expr, "")
            yield Wanted(one, expr, name, columns, (), one.name, described, types.get(expr, ""))
        elif label in types:
            yield Wanted(one, label, label, (label,), (), one.name, one.descriptions.get(label, ""), types[label])
        elif entity is not None and is_name(entity[1]):
            column = entity[1].lower()
            yield Wanted(
                one,
                column,
                column,
                (column,),
                (),
                one.name,
                one.descriptions.get(column, ""),
                types.get(column, ""),
            )


def _joined(label: str, inputs: Sequence[Input], layer: SemanticLayer | None) -> Iterator[Wanted]:
    if layer is None:
        return
    for one in inputs:
        if one.semantic is None:
            continue
        for name in _names(label, one.semantic.name, layer):
            try:
                reached = reach(layer, one.semantic.name, name)
            except SmeltError:
                continue
            if reached.hops and is_name(reached.hops[0].left):
                own = label.replace("__", "_")
                called = own if not is_name(reached.expr) or "__" in label else reached.expr
                first = (reached.hops[0].left.lower(),)
                yield Wanted(
                    one,
                    " ".join(reached.expr.split()),
                    called,
                    first,
                    reached.hops,
                    reached.model,
                    reached.description,
                )


def _names(label: str, start: str, layer: SemanticLayer) -> Iterator[str]:
    """Paths of at most two entities from a semantic model to a dimension of that label, or the path that it is."""
    if "__" in label:
        yield label
        return
    model = layer.models[start]
    for entity in model.entities:
        for other in layer.models.values():
            if other.primary != entity or other.name == start:
                continue
            if any(d[0] == label for d in other.dimensions):
                yield f"{entity}__{label}"
            for further in other.entities:
                if further != entity:
                    yield f"{entity}__{further}__{label}"
