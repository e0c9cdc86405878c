"""What a query gives: columns with where they come from, and what decides its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugins.core.lineage.kinds import Kind, through

if TYPE_CHECKING:
    from sqlglot import exp

    from plugins.core.lineage.scope import Scope

Input = tuple[str, str]
"""A column of a node outside the query: (node id, column name in lower case)."""
Inputs = dict[Input, Kind]
Rows = dict[Input, set[Kind]]


@dataclass
class Column:
    """One column. It is made by an expression, or passes other columns on, or neither: then it is a node's own.

    made_by: the expression and the scope that explains its names. part: which of the several columns that the
    expression makes. passes: columns of the queries below that it hands on as they are (several: the sides of
    a union, or of a join by USING). source: the scope and the source there that a star takes it from.
    meaning: its fingerprint, once somebody has asked for it.
    """

    name: str
    inputs: Inputs
    made_by: tuple[exp.Expr, Scope] | None = None
    passes: tuple[Column, ...] = ()
    part: int | str | None = None
    source: tuple[Scope, str] | None = None
    meaning: str | None = None

    def passed_on(self, name: str | None = None, source: tuple[Scope, str] | None = None) -> Column:
        """The same column as a query above hands it on, under another name perhaps."""
        return Column(name or self.name, self.inputs, passes=(self,), source=source)


@dataclass
class Relation:
    """Columns by lower-case name, in order.

    opens: nodes whose columns aren't known and which a star passes on: any other name asked for is theirs.
    anything: inputs of every column, where names can't be known at all (a table function, a pivot).
    rows: indirect inputs, of this query and of all that it reads.
    shaped_by: the query (or the table's name) that decides which rows there are, with its scope.
    meaning: the fingerprint of its rows, once somebody has asked for it.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    opens: tuple[str, ...] = ()
    anything: Inputs | None = None
    rows: Rows = field(default_factory=dict)
    shaped_by: tuple[exp.Expr, Scope] | str | None = None
    parts: tuple[Relation, ...] = ()
    meaning: str | None = None

    def column(self, name: str) -> Column | None:
        """The column of this name (lower case), made up from what is open if need be; None: there is none."""
        found = self.columns.get(name)
        if found is not None:
            return found
        if self.anything is not None:
            return Column(name, dict(self.anything))
        if self.opens:
            return Column(name, {(node, name): Kind.IDENTITY for node in self.opens})
        return None

    @property
    def is_open(self) -> bool:
        """Whether it may have columns that aren't listed."""
        return bool(self.opens) or self.anything is not None


def merge(into: Inputs, new: Mapping[Input, Kind], kind: Kind = Kind.IDENTITY) -> None:
    """Add `new`, seen through an expression of `kind`."""
    for key, inner in new.items():
        outer = through(inner, kind)
        if key not in into or into[key] < outer:
            into[key] = outer


def add_rows(into: Rows, new: Rows) -> None:
    """Add what decides the rows of a relation that is read."""
    for key, kinds in new.items():
        into.setdefault(key, set()).update(kinds)


def mark_rows(into: Rows, columns: Iterable[Input], kind: Kind) -> None:
    """Add columns that are used in a join, a filter, a grouping or an ordering."""
    for key in columns:
        into.setdefault(key, set()).add(kind)
