"""What can be asked about: tables, columns, their values, and how tables join."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from plugins.nl_models.catalog.names import words_of

_KEY_WORDS = frozenset({"id", "key", "code", "number", "sk", "fk", "uuid"})

Kind = Literal["number", "text", "time", "boolean", "other"]


@dataclass(frozen=True)
class Column:
    """kind: what may be done with its values. distinct: how many values; values: all of them, of a text column
    that has few; None where there are too many to keep. is_unique: no value twice, none missing."""

    table: str
    name: str
    data_type: str
    kind: Kind
    description: str = ""
    synonyms: tuple[str, ...] = ()
    distinct: int = 0
    is_unique: bool = False
    values: tuple[str, ...] | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Table and name, which nothing else has."""
        return self.table, self.name


@dataclass(frozen=True)
class Table:
    """A relation. name: as in SQL, `schema.table` or `table`. columns: in order, by name."""

    name: str
    rows: int
    columns: Mapping[str, Column]
    description: str = ""
    synonyms: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Join:
    """`child.column` refers to `parent.parent_column`. confidence: 1.0 if it was declared."""

    child: str
    column: str
    parent: str
    parent_column: str
    confidence: float = 1.0


@dataclass(frozen=True)
class Catalog:
    """Everything that a question may be about. unread: why other tables can't be, by name."""

    tables: Mapping[str, Table]
    joins: tuple[Join, ...] = field(default=())
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> Iterator[Column]:
        """All columns of all tables."""
        for table in self.tables.values():
            yield from table.columns.values()

    def column(self, table: str, name: str) -> Column:
        """The column; KeyError if there is none."""
        return self.tables[table].columns[name]

    def parents(self, column: Column) -> list[Table]:
        """Tables that a column refers to."""
        return [self.tables[join.parent] for join in self.joins if (join.child, join.column) == column.place]

    def around(self, tables: Sequence[str], without: str | None = None) -> list[Table]:
        """All tables that these join to, the nearest first; not themselves, and none by way of `without`."""
        seen = {*tables, without}
        queue = list(tables)
        for table in queue:
            for join in self.joins:
                if table in (join.child, join.parent):
                    other = join.parent if join.child == table else join.child
                    if other not in seen:
                        seen.add(other)
                        queue.append(other)
        return [self.tables[name] for name in queue[len(tables) :]]

    def leads_to(self, start: str, end: str, without: str) -> bool:
        """Whether joins lead from one table to another, not by way of a third."""
        return start == end or any(table.name == end for table in self.around([start], without))

    @cached_property
    def roles(self) -> frozenset[tuple[str, str]]:
        """(table, column) of references that are not called after what they refer to: `mentor_id` to a person."""
        found = set()
        for join in self.joins:
            own = set(words_of(join.column)) - _KEY_WORDS
            if own and not own & {*words_of(join.parent), *words_of(join.parent_column)}:
                found.add((join.child, join.column))
        return frozenset(found)

    @cached_property
    def links(self) -> frozenset[tuple[str, str]]:
        """(table, column) of all that only links tables: foreign keys and what they refer to."""
        ends = {(join.child, join.column) for join in self.joins}
        return frozenset(ends | {(join.parent, join.parent_column) for join in self.joins})


def told_unread(unread: Mapping[str, str]) -> str:
    """Tables that can't be read, on one line: why, of the first."""
    first, *others = unread
    more = f", nor {', '.join(others)}" if others else ""
    return f"{first} cannot be read ({unread[first]}){more}"
