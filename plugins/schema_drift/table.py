"""A source table as somebody saw it at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Column:
    """A column as the warehouse declares it.

    type: in the warehouse's own words, lower case. is_nullable, default: None where it isn't known.
    """

    name: str
    type: str
    is_nullable: bool | None = None
    default: str | None = None


@dataclass(frozen=True)
class History:
    """Of a table that only ever grows, as bronze does: it holds the rows of both times beside each other.

    kept: columns of before that the relation still has, though rows that came since don't fill them.
    since: SQL over the relation that is true for rows that came with or after the change, such as
    `_smelt_batch_id >= '01J…'`; None: rows can't be told apart but by which columns they fill.
    names: names of columns in the relation, by their names at the source, where the two differ.
    """

    kept: frozenset[str] = frozenset()
    since: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table's columns at one time.

    id: unique id of the dbt source, or `schema.table` where there is none. name: for people, `shop.order_lines`.
    relation: schema and identifier in the warehouse. key: columns that identify a row; empty: unknown.
    rows: None if they were not counted. unlisted: names, in lower case, of columns of now that may have been there
    too, though what is known of the table does not list them.
    """

    id: str
    name: str
    relation: tuple[str, str]
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    rows: int | None = None
    history: History | None = None
    unlisted: frozenset[str] = frozenset()

    def column(self, name: str) -> Column | None:
        """The column of this name, in any case if only one has it so."""
        alike = self._named.get(name.lower(), ())
        exact = next((one for one in alike if one.name == name), None)
        return exact or (alike[0] if len(alike) == 1 else None)

    @cached_property
    def _named(self) -> Mapping[str, Sequence[Column]]:
        found: dict[str, list[Column]] = {}
        for column in self.columns:
            found.setdefault(column.name.lower(), []).append(column)
        return found


@dataclass(frozen=True)
class SeenTable:
    """A table and where its rows can be read.

    rows: SQL after `from`, in the connection that sees both times: the columns of `table`, nothing else; None: no
    rows are known, only columns. is_sample: whether some rows are left out; a sample holds the same keys at both
    times as far as they exist.
    """

    table: Table
    rows: str | None = None
    is_sample: bool = False
