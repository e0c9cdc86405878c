"""Matches the rows of both sides by key, once for all kinds of evidence, and keeps the keys that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.core.duck import quote
from plugins.review.evidence.columns import Column

if TYPE_CHECKING:
    from plugins.review.evidence.sides import Sides


@dataclass(frozen=True)
class KeyCounts:
    """One side's rows, its keys that have several, and its rows whose key has a null."""

    rows: int
    duplicates: int
    nulls: int


@dataclass(frozen=True)
class Matching:
    """How the rows of both sides match by key.

    added, removed: keys on one side only. new_duplicates: keys with several rows at head, but not at base.
    matched: keys on both sides. changed: how many rows differ in each column; only if `is_unique`.
    differing: the table of keys (`k0`, `k1`, …) that differ and how (`change`: added, removed, changed).
    """

    base: KeyCounts
    head: KeyCounts
    added: int = 0
    removed: int = 0
    new_duplicates: int = 0
    changed: dict[Column, int] | None = None
    differing: str | None = None

    @property
    def is_unique(self) -> bool:
        """Whether the key identifies a row on both sides."""
        return not self.base.duplicates and not self.head.duplicates

    @property
    def matched(self) -> int:
        """Rows with the same key, of a key that is unique."""
        return self.base.rows - self.removed


def match(sides: Sides) -> Matching:
    """Match both sides' rows; rows that are the same in any order need no join."""
    head = _count(sides, "head")
    if sides.is_identical:
        return Matching(head, head, changed={})
    base = _count(sides, "base")
    is_unique = not base.duplicates and not head.duplicates
    table = quote(f"differing rows of {sides.model.unique_id}")
    query = _differing_rows(sides) if is_unique else _differing_keys(sides)
    sides.con.execute(f"create or replace temp table {table} as {query}")
    added, removed, new, changed = sides.con.execute(
        "select count(*) filter (where change = 'added'), count(*) filter (where change = 'removed'), "
        f"count(*) filter (where is_new_duplicate), count(*) filter (where change = 'changed') from {table}"
    ).fetchall()[0]
    columns = _count_changes(sides, table) if is_unique and changed else {}
    return Matching(base, head, added, removed, new, columns if is_unique else None, table)


def joined(sides: Sides, table: str) -> str:
    """SQL: rows of base, `b`, and of head, `h`, that have the same key, and differ; `d` has their keys."""
    on = {
        alias: " and ".join(
            f"d.k{n} is not distinct from ({column.comparable(side, alias)})" for n, column in enumerate(sides.key)
        )
        for alias, side in (("b", "base"), ("h", "head"))
    }
    return (
        f"(select * from {table} where change = 'changed') as d "
        f"join {sides.rows('base')} as b on {on['b']} join {sides.rows('head')} as h on {on['h']}"
    )


def _keys(sides: Sides, side: str) -> str:
    return ", ".join(f"{column.comparable(side)} as k{n}" for n, column in enumerate(sides.key))


def _same_key(sides: Sides) -> str:
    return " and ".join(f"b.k{n} is not distinct from h.k{n}" for n in range(len(sides.key)))


def _either_key(sides: Sides) -> str:
    return ", ".join(f"coalesce(h.k{n}, b.k{n}) as k{n}" for n in range(len(sides.key)))


def _grouped(sides: Sides, side: str) -> str:
    return f"(select {_keys(sides, side)}, count(*) as n from {sides.rows(side)} group by all)"


def _count(sides: Sides, side: str) -> KeyCounts:
    nulls = " or ".join(f"k{n} is null" for n in range(len(sides.key)))
    row = sides.con.execute(
        "select coalesce(sum(n), 0)::bigint, count(*) filter (where n > 1), "
        f"coalesce(sum(n) filter (where {nulls}), 0)::bigint from {_grouped(sides, side)}"
    ).fetchall()[0]
    return KeyCounts(*row)


def _differing_rows(sides: Sides) -> str:
    """Keys of rows that are on one side only, or whose other values have another hash."""

    def hashed(side: str) -> str:
        values = ", ".join(column.comparable(side) for column in sides.values)
        return f"(select {_keys(sides, side)}, hash({values or 0}) as row_hash from {sides.rows(side)})"

    return f"""
        select
            {_either_key(sides)}, false as is_new_duplicate,
            case when b.row_hash is null then 'added' when h.row_hash is null then 'removed' else 'changed' end
                as change
        from {hashed("base")} as b full join {hashed("head")} as h on {_same_key(sides)}
        where b.row_hash is distinct from h.row_hash
    """


def _differing_keys(sides: Sides) -> str:
    """Keys that are on one side only, or on both, but with several rows only at head."""
    return f"""
        select
            {_either_key(sides)}, coalesce(h.n > 1 and coalesce(b.n, 0) < 2, false) as is_new_duplicate,
            case when b.n is null then 'added' when h.n is null then 'removed' end as change
        from {_grouped(sides, "base")} as b full join {_grouped(sides, "head")} as h on {_same_key(sides)}
        where b.n is null or h.n is null or (h.n > 1 and b.n = 1)
    """


def _count_changes(sides: Sides, table: str) -> dict[Column, int]:
    """How many rows differ in each column that is not part of the key; columns without change are left out."""
    if not sides.values:
        return {}
    counts = ", ".join(f"count(*) filter (where {column.differs()})" for column in sides.values)
    row: Sequence[Any] = sides.con.execute(f"select {counts} from {joined(sides, table)}").fetchall()[0]
    return {column: count for column, count in zip(sides.values, row, strict=True) if count}
