"""Values that came to columns of which some test lists the values: one row is enough to fail such a test."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from plugins.core.duck import literal, quote
from plugins.schema_drift.table import SeenTable, Table

from .types import Family, read_type

# No list of a test is as long; of more values, a column holds no set.
_MOST_KINDS = 1_000


@dataclass(frozen=True)
class Arrived:
    """What a column holds now and did not before, as text. added: rows by value. rows: how many are filled now."""

    table: Table
    column: str
    known: frozenset[str]
    added: Mapping[str, int]
    rows: int


def arrived_values(
    con: duckdb.DuckDBPyConnection,
    before: Sequence[SeenTable],
    after: Sequence[SeenTable],
    listed: Mapping[str, Collection[str]],
) -> list[Arrived]:
    """listed: by table, the values that tests of it or below it list. Only columns that held one of them count.

    Raises duckdb.Error where rows can't be read.
    """
    now = {one.table.id: one for one in after}
    found: list[Arrived] = []
    for one in before:
        two = now.get(one.table.id)
        if two is None or not (one.rows and two.rows) or one.rows == two.rows or not listed.get(one.table.id):
            continue
        names = _held(con, one, two, listed[one.table.id])
        found += [arrived for name in names if (arrived := _of_column(con, one, two, name)) is not None]
    return found


def _held(con: duckdb.DuckDBPyConnection, one: SeenTable, two: SeenTable, values: Collection[str]) -> list[str]:
    """Columns of both times that held one of the values before."""
    theirs = {column.name for column in two.table.columns}
    names = [
        column.name
        for column in one.table.columns
        if column.name in theirs and read_type(column.type).family in (Family.TEXT, Family.INTEGER)
    ]
    if not names:
        return []
    some = ", ".join(literal(value) for value in sorted(values))
    asked = ", ".join(f"bool_or({quote(name)}::varchar in ({some}))" for name in names)
    row = con.execute(f"select {asked} from {one.rows}").fetchone() or ()
    return [name for name, is_held in zip(names, row, strict=True) if is_held]


def _of_column(con: duckdb.DuckDBPyConnection, one: SeenTable, two: SeenTable, name: str) -> Arrived | None:
    kinds = (
        f"select {quote(name)}::varchar as value, count(*) as held from {{}} "
        f"where {quote(name)} is not null group by all limit {_MOST_KINDS + 1}"
    )
    old, new = (dict(con.execute(kinds.format(side.rows)).fetchall()) for side in (one, two))
    added = {value: count for value, count in new.items() if value not in old}
    if not added or max(len(old), len(new)) > _MOST_KINDS:
        return None
    ordered = dict(sorted(added.items(), key=lambda item: (-item[1], item[0])))
    return Arrived(one.table, name, frozenset(old), ordered, sum(new.values()))
