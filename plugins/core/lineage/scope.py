"""The names that expressions of one SELECT can use, and what they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from plugins.core.lineage.kinds import Kind
from plugins.core.lineage.relations import Column, Inputs, Relation, merge

if TYPE_CHECKING:
    from sqlglot import exp


class Tables(Protocol):
    """What the outside of a query knows about the tables that it names."""

    def relation(self, parts: Sequence[str]) -> Relation:
        """The table of this name (database, schema and name, as many as are written, in lower case)."""
        ...


@dataclass
class Context:
    """One query's reading. `missing` collects column names that nothing explains."""

    tables: Tables
    missing: set[str] = field(default_factory=set)


class Alias(NamedTuple):
    """A name that the select list gives, and those that it gave before."""

    name: str
    column: Column
    before: Alias | None


@dataclass
class Scope:
    """Sources by lower-case alias, in order.

    merged: columns joined by USING. alias: the last that the select list gave so far.
    """

    context: Context
    parent: Scope | None = None
    ctes: dict[str, Relation] = field(default_factory=dict)
    sources: dict[str, Relation] = field(default_factory=dict)
    merged: dict[str, Column] = field(default_factory=dict)
    alias: Alias | None = None
    windows: dict[str, exp.Expr] = field(default_factory=dict)

    def so_far(self) -> Scope:
        """The scope as it is now. What names mean inside a CTE or a source is not changed by what comes later.

        Fingerprints are taken when all has been read: without this, names would go in circles.
        """
        return replace(self, ctes=dict(self.ctes), sources=dict(self.sources), merged=dict(self.merged))

    def cte(self, name: str) -> Relation | None:
        """The common table expression of this name, here or around."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.ctes:
                return scope.ctes[name]
            scope = scope.parent
        return None

    def resolve(self, parts: Sequence[str]) -> tuple[Column, bool]:
        """The column that a dotted name (lower case) stands for, and whether only a field of it is meant.

        A name that nothing explains gives a column without inputs, and is kept in `context.missing`.
        """
        # What is known for sure anywhere around comes before a guess about what an unknown table may have.
        for look in (Scope._known, Scope._possible):
            scope: Scope | None = self
            while scope is not None:
                found = look(scope, parts)
                if found is not None:
                    return found
                scope = scope.parent
        guessed = self._guess(parts)
        if guessed is not None:
            return guessed, False
        self.context.missing.add(".".join(parts))
        return Column(parts[-1], {}), False

    def _known(self, parts: Sequence[str]) -> tuple[Column, bool] | None:
        for used in self._qualifiers(parts):
            column = self.sources[parts[used - 1]].column(parts[used])
            if column is not None:
                return column, len(parts) > used + 1
        column = self._unqualified(parts[0])
        if column is not None:
            return column, len(parts) > 1
        if len(parts) == 1 and parts[0] in self.sources:
            return self._whole_row(parts[0]), False
        return None

    def _qualifiers(self, parts: Sequence[str]) -> list[int]:
        """How many parts may name a source; longest first: schema.table.column, table.column, column.field."""
        return [used for used in (3, 2, 1) if len(parts) > used and parts[used - 1] in self.sources]

    def qualifier(self, parts: Sequence[str]) -> tuple[Scope, str] | None:
        """The source that a dotted name is qualified with, here or around."""
        scope: Scope | None = self
        while scope is not None:
            for used in scope._qualifiers(parts):
                return scope, parts[used - 1]
            scope = scope.parent
        return None

    def _unqualified(self, name: str) -> Column | None:
        if name in self.merged:
            return self.merged[name]
        known = [relation.columns[name] for relation in self.sources.values() if name in relation.columns]
        if known:
            return known[0] if len(known) == 1 else _several(name, known)
        alias = self.alias
        while alias is not None and alias.name != name:
            alias = alias.before
        return alias.column if alias is not None else None

    def _possible(self, parts: Sequence[str]) -> tuple[Column, bool] | None:
        maybe = [c for r in self.sources.values() if r.is_open and (c := r.column(parts[0])) is not None]
        if not maybe:
            return None
        return (maybe[0] if len(maybe) == 1 else _several(parts[0], maybe)), len(parts) > 1

    def _whole_row(self, alias: str) -> Column:
        relation = self.sources[alias]
        inputs: Inputs = dict(relation.anything or {})
        for column in relation.columns.values():
            merge(inputs, column.inputs, Kind.TRANSFORMATION)
        return Column(alias, inputs, passes=tuple(relation.columns.values()))

    def _guess(self, parts: Sequence[str]) -> Column | None:
        """The schemas may be older than the query: a name must then be a new column of a table that is read."""
        name = parts[-1]
        candidates = list(self.sources.values())
        if len(parts) > 1 and parts[-2] in self.sources:
            candidates = [self.sources[parts[-2]]]
        tables = [r.shaped_by for r in candidates if isinstance(r.shaped_by, str)]
        if not tables:
            return None
        self.context.missing.add(".".join(parts))
        return Column(name, {(table, name): Kind.IDENTITY for table in tables})


def _several(name: str, columns: Sequence[Column]) -> Column:
    inputs: Inputs = {}
    for column in columns:
        merge(inputs, column.inputs)
    return Column(name, inputs, passes=tuple(columns))
