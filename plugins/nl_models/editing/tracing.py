"""Where the columns of a model's queries come from, as far as names say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from plugins.nl_models.editing.layout import Item, Query, Select, Source
from plugins.nl_models.semantic.layer import SemanticModel


@dataclass(frozen=True)
class Input:
    """A table that the model reads. jinja: `ref('…')`. relation: as in SQL, "" if it can't be read.

    types: by column. required: columns that hold no null. semantic: its semantic model.
    """

    node: str
    name: str
    jinja: str
    relation: str
    types: Mapping[str, str]
    required: frozenset[str] = frozenset()
    semantic: SemanticModel | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)


Target = Query | Input | None


@dataclass(frozen=True)
class Tracer:
    """One query. inputs: by the name that stands for them in the masked text."""

    query: Query
    inputs: Mapping[str, Input]

    def query_of(self, source: Source | None) -> Query | None:
        """The query that a source is; None: it is a table, or unknown."""
        found = self.target(source) if source is not None else None
        return found if isinstance(found, Query) else None

    def target(self, source: Source) -> Target:
        """What a source is: a query of the model, a table, or something unknown."""
        if source.query is not None:
            return source.query
        found = self._ctes.get(source.table.lower())
        return found if found is not None else self.inputs.get(source.table)

    def name(self, query: Query) -> str:
        """The CTE's name, for people."""
        return next((name for name, one in self._ctes.items() if one is query), "the last select")

    @property
    def _ctes(self) -> dict[str, Query]:
        return dict(_all_ctes(self.query))

    def top(self) -> Query:
        """The query whose select list is the model's: behind a last `select * from final`."""
        query = self.query
        while len(query.branches) == 1:
            select = query.branches[0]
            is_passed_on = len(select.items) == 1 and select.items[0].is_star and len(select.sources) == 1
            inner = self.target(select.sources[0]) if is_passed_on else None
            if not isinstance(inner, Query):
                break
            query = inner
        return query

    def outputs(self, target: Target) -> list[str]:
        """Column names in lower case; those behind a star over an unknown table are missing."""
        if target is None:
            return []
        if isinstance(target, Input):
            return [name.lower() for name in target.types]
        return [name for name, _ in self.columns(target.branches[0])]

    def columns(self, select: Select) -> Iterator[tuple[str, Item]]:
        """(name, the item that gives it)."""
        for item in select.items:
            if not item.is_star:
                yield item.name, item
                continue
            tree = item.tree
            of = tree.table.lower() if isinstance(tree, exp.Column) else ""
            for source in select.sources:
                if not of or source.name.lower() == of:
                    for name in self.outputs(self.target(source)):
                        yield name, item

    def source_of(self, select: Select, column: exp.Column) -> Source | None:
        """The source that a column is of."""
        if column.table:
            return next((s for s in select.sources if s.name.lower() == column.table.lower()), None)
        if len(select.sources) == 1:
            return select.sources[0]
        name = column.name.lower()
        return next((s for s in select.sources if name in self.outputs(self.target(s))), None)

    def origin(self, target: Target, name: str) -> tuple[str, str] | None:
        """(node, column) that a column is handed on from unchanged."""
        if target is None:
            return None
        if isinstance(target, Input):
            return (target.node, name) if name in (n.lower() for n in target.types) else None
        select = target.branches[0]
        for found, item in self.columns(select):
            if found == name:
                if item.is_star:
                    sources = [s for s in select.sources if name in self.outputs(self.target(s))]
                    return self.origin(self.target(sources[0]), name) if sources else None
                return self.origin_in(select, item.tree)
        return None

    def origin_in(self, select: Select, tree: exp.Expr) -> tuple[str, str] | None:
        """The same for an expression of a select."""
        inner = tree.this if isinstance(tree, exp.Alias) else tree
        if not isinstance(inner, exp.Column):
            return None
        source = self.source_of(select, inner)
        return self.origin(self.target(source), inner.name.lower()) if source is not None else None

    def output_of(self, target: Target, node: str, column: str) -> str | None:
        """The name by which a query gives a table's column already."""
        for name in self.outputs(target):
            if self.origin(target, name) == (node, column):
                return name
        return None

    def distance(self, target: Target, node: str, columns: tuple[str, ...]) -> int | None:
        """How many selects must be changed until a query gives a table's columns; None: it does not read it."""
        if isinstance(target, Input):
            known = {name.lower() for name in target.types}
            return 0 if target.node == node and known.issuperset(columns) else None
        if target is None:
            return None
        if all(self.output_of(target, node, column) for column in columns) and columns:
            return 0
        found = [self._nearest(branch, node, columns) for branch in target.branches]
        return None if None in found else 1 + sum(n for n in found if n is not None)

    def _nearest(self, select: Select, node: str, columns: tuple[str, ...]) -> int | None:
        near = [self.distance(self.target(source), node, columns) for source in select.sources]
        return min((n for n in near if n is not None), default=None)

    def nearest(self, select: Select, node: str, columns: tuple[str, ...]) -> list[Source]:
        """The sources of a select that give a table's columns with the fewest changes."""
        distances = {n: self.distance(self.target(s), node, columns) for n, s in enumerate(select.sources)}
        best = min((d for d in distances.values() if d is not None), default=None)
        return [select.sources[n] for n, d in distances.items() if d is not None and d == best]

    def has_aggregate(self, target: Target) -> bool:
        """Whether rows are added up on the way to a query."""
        if not isinstance(target, Query):
            return False
        return any(
            branch.is_aggregated
            or branch.is_distinct
            or any(self.has_aggregate(self.target(s)) for s in branch.sources)
            for branch in target.branches
        )

    def is_import(self, target: Target) -> bool:
        """Whether a query is `select * from` a table."""
        if not isinstance(target, Query) or len(target.branches) != 1:
            return False
        select = target.branches[0]
        return (
            len(select.items) == 1
            and select.items[0].is_star
            and len(select.sources) == 1
            and isinstance(self.target(select.sources[0]), Input)
        )

    def reads(self, target: Target) -> list[Input]:
        """Tables below a query, each once, nearest first."""
        if isinstance(target, Input):
            return [target]
        if target is None:
            return []
        found = [one for b in target.branches for s in b.sources for one in self.reads(self.target(s))]
        return list({one.node: one for one in found}.values())


def _all_ctes(query: Query) -> Iterator[tuple[str, Query]]:
    for name, inner in query.ctes.items():
        yield from _all_ctes(inner)
        yield name, inner
    for branch in query.branches:
        for source in branch.sources:
            if source.query is not None:
                yield from _all_ctes(source.query)


def selects_of(query: Query) -> Iterator[Select]:
    """Every select of a query, also of its CTEs and subqueries."""
    for inner in query.ctes.values():
        yield from selects_of(inner)
    for branch in query.branches:
        yield branch
        for source in branch.sources:
            if source.query is not None:
                yield from selects_of(source.query)
