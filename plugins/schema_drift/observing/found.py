"""A relation as a warehouse shows it, whichever warehouse that is."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import duckdb

from plugins.core import duck
from plugins.schema_drift.table import Column

_OUTSIDE_QUOTES = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[^'\"]+|.", re.DOTALL)
# Types that one system has under several names.
_SAME = {
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "int2": "smallint",
    "bool": "boolean",
    "float8": "double precision",
    "float4": "real",
    "timestamptz": "timestamp with time zone",
    "timestamp without time zone": "timestamp",
    "timetz": "time with time zone",
    "time without time zone": "time",
    "bpchar": "character",
    "character varying": "varchar",
}
_SIZED = re.compile(r"^(?P<name>[a-z][a-z0-9 ]*?)\s*(?P<size>\(.*\))?(?P<rest>(\[\d*\])*)$", re.DOTALL)

# Names that no column of anybody's is likely to have.
HASH, ROW = "smelt_drift_hash", "smelt_drift_row"


@dataclass(frozen=True)
class Found:
    """A relation of the warehouse.

    sql: what reads all of it in DuckDB, after `from`; None: it must be fetched. primary_key, unique: of the
    warehouse's constraints. rows: None: not counted. error: why it cannot be read.
    """

    schema: str
    identifier: str
    columns: tuple[Column, ...]
    is_view: bool = False
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    rows: int | None = None
    sql: str | None = None
    error: str | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Schema and table."""
        return self.schema, self.identifier

    @property
    def has_twins(self) -> bool:
        """Whether columns differ only in case: DuckDB, in which rows are compared, takes them for one."""
        return len({column.name.lower() for column in self.columns}) < len(self.columns)


@dataclass(frozen=True)
class Wanted:
    """Which rows of a relation are wanted: all if they are few, else `limit` of them, by the hash of the key.

    key: empty: all columns. up_to: also every row whose key's hash is at most this. hashes: SQL that selects
    further hashes whose rows are wanted, readable in DuckDB.
    """

    key: tuple[str, ...]
    limit: int
    up_to: str | None = None
    hashes: str | None = None


@dataclass(frozen=True)
class Rows:
    """Rows in DuckDB. sql: after `from`, with the relation's columns; is_sample: whether some are left out.

    hashed: the same with the hash of the key as the warehouse makes it, in `HASH`; None: DuckDB makes it.
    """

    sql: str
    is_sample: bool
    hashed: str | None = None


class Warehouse(Protocol):
    """Where the tables are now. Every method reads only."""

    @property
    def folds_case(self) -> bool:
        """Whether names that differ only in case are the same table."""
        ...

    def relations(self, schemas: Collection[str]) -> list[Found]:
        """All relations of these schemas (none given: of all), with columns and constraints, in one look."""
        ...

    def count(self, relations: Sequence[Found]) -> list[Found]:
        """The same with their numbers of rows, or with why they cannot be read."""
        ...

    def rows(self, relation: Found, wanted: Wanted) -> Rows:
        """Rows of a counted relation. Raises duckdb.Error, or what the driver raises."""
        ...


OnProgress = Callable[[str], None]


def plain_type(text: str) -> str:
    """A type in lower case, but for what is quoted in it, and under one of the names that it goes by."""
    lowered = "".join(part if part[0] in "'\"" else part.lower() for part in _OUTSIDE_QUOTES.findall(text.strip()))
    sized = _SIZED.match(lowered)
    if sized is None or sized["name"] not in _SAME:
        return lowered
    return _SAME[sized["name"]] + (sized["size"] or "") + (sized["rest"] or "")


def by_place(relations: Sequence[Found], *, folds_case: bool) -> Callable[[tuple[str, str]], Found | None]:
    """Finds the relation of a schema and a name: the exact one, else the only one alike in another case."""
    exact = {one.place: one for one in relations}
    alike: dict[tuple[str, str], list[Found]] = {}
    for one in relations:
        alike.setdefault((one.schema.lower(), one.identifier.lower()), []).append(one)

    def find(place: tuple[str, str]) -> Found | None:
        if place in exact or not folds_case:
            return exact.get(place)
        near = alike.get((place[0].lower(), place[1].lower()), [])
        return near[0] if len(near) == 1 else None

    return find


def hash_sql(columns: Sequence[str]) -> str:
    """SQL of the hash of a key in DuckDB and PostgreSQL, the same in both: of the text, as 32 hex digits.

    Without columns it is that of the whole row, in the relation that goes by `ROW`.
    """
    if not columns:
        return f"md5(cast({ROW} as varchar))"
    return "md5(" + " || '|' || ".join(f"coalesce(cast({duck.quote(c)} as varchar), '')" for c in columns) + ")"


def first_line(error: BaseException) -> str:
    """What went wrong, in one line of bounded length."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]


def broken(relation: Found, error: BaseException) -> Found:
    """The relation with why it could not be read."""
    return replace(relation, error=first_line(error))


def all_rows(con: duckdb.DuckDBPyConnection, sql: str, columns: Sequence[str]) -> str:
    """SQL after `from` that gives exactly these columns of a relation."""
    return f"(select {', '.join(map(duck.quote, columns))} from {sql})"
