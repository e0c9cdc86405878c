"""How each PostgreSQL type leaves the server: as it is, or cast there to text that says exactly the same.

The scanner reads most types exactly, but unconstrained `numeric` as a double and NaN as zero; it has no
infinite decimal, and Parquet no infinite timestamp. What is not exact is cast on the server, by a rule that
looks at the declared type only, so that a column's bronze type never depends on the rows of the day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins.core.duck import literal, quote

_EXACT = {
    "bool", "int2", "int4", "int8", "float4", "float8", "date", "time", "timestamp", "timestamptz",
    "text", "varchar", "bpchar", "name", "bytea", "uuid",
}  # fmt: skip
_ENDLESS = {"date", "timestamp", "timestamptz"}
# The end of the day is a time of PostgreSQL's, and of hardly anybody else's.
_WITH_SPECIALS = {*_ENDLESS, "time"}
_NUMERIC = re.compile(r"^numeric\((\d+),(-?\d+)\)$")
# Iceberg's own statistics, and every Python reader, know the years 1 to 9999 only.
_FIRST_DAY, _AFTER_LAST_DAY = "'0001-01-01'", "'10000-01-01'"


@dataclass(frozen=True)
class PgColumn:
    """A column: name, base type's name (`int4`), full declaration (`numeric(12,2)`), kind (`b`, `e`, `c`, `a`).

    alias: what it is called where names that differ in case alone are the same.
    """

    name: str
    type: str
    declared: str
    kind: str
    alias: str

    @property
    def is_exact(self) -> bool:
        """Whether the scanner reads the column exactly, and under its name; special values aside."""
        return self._is_kept and self.alias == self.name

    @property
    def _is_kept(self) -> bool:
        return self.kind == "b" and self._is_scanned

    @property
    def _is_scanned(self) -> bool:
        # A domain's special values can't be told apart cheaply: only its types without any are read as they are.
        kinds = _EXACT - _WITH_SPECIALS if self.kind == "d" else _EXACT
        return self.type in kinds or (self.kind == "b" and self._is_small_decimal)

    @property
    def _is_small_decimal(self) -> bool:
        match = _NUMERIC.match(self.declared)
        return bool(match) and int(match[1]) <= 38 and 0 <= int(match[2]) <= int(match[1])  # type: ignore[index]

    @property
    def special(self) -> str | None:
        """SQL predicate for values that bronze can't hold (NaN, infinity, BC, 24:00); None: there are none."""
        name = quote(self.name)
        if not self._is_kept:
            return None
        if self._is_small_decimal:
            # Of 3 bytes, or 6 where it isn't stored: most numbers are longer, and need not be unpacked to compare.
            return f"(pg_column_size({name}) < 7 and {name} = 'NaN')"
        if self.type in _ENDLESS:
            return f"({name} < {_FIRST_DAY} or {name} >= {_AFTER_LAST_DAY})"
        if self.type == "time":
            return f"{name} = '24:00'"
        return None

    @property
    def is_misread(self) -> bool:
        """Whether the scanner reads a special value as another one: NaN of a decimal as zero."""
        return self._is_kept and self._is_small_decimal

    def expression(self, with_specials: bool) -> str:
        """What to select on the server. `with_specials`: some rows hold values that must be null here."""
        return f"{self._value(with_specials)} as {quote(self.alias)}"

    def _value(self, with_specials: bool) -> str:
        name = quote(self.name)
        if self._is_kept:
            if with_specials and self.special:
                return f"(case when {self.special} then null else {name} end)::{self.declared}"
            return name
        if self.kind == "d" and self._is_scanned:
            return f"{name}::{self.declared}"
        if self.type == "oid":
            return f"{name}::bigint"
        if self.type == "money":
            return f"{name}::numeric::text"
        if self.kind in {"a", "c"}:
            # JSON keeps dimensions, nulls and field names, and writes numbers out in full.
            return f"to_json({name})::text"
        return f"{name}::text"


def columns_sql(predicate: str) -> str:
    """SQL for the columns that the role may read of the relations that fit.

    predicate: over `relation`, an oid. Rows: relation, position, name, type, declared, kind, estimate (of the
    relation's rows, by the server's statistics; below 1: not known), is_open (whether the role may read all of
    the relation, which the parallel scan needs), in the order of the columns.
    """
    sql = Path(__file__).with_name("columns.sql").read_text("utf-8")
    return f"select * from ({sql}) as columns where {predicate} order by relation, position"


def described(rows: Iterable[tuple[Any, ...]]) -> list[PgColumn]:
    """The columns of one relation, of rows of `columns_sql`."""
    columns: list[PgColumn] = []
    taken: set[str] = set()
    for _, _, name, type_, declared, kind, *_ in rows:
        number, alias = 0, name
        while alias.lower() in taken:
            number += 1
            alias = f"{name}_{number}"
        taken.add(alias.lower())
        columns.append(PgColumn(name, type_, declared, kind, alias))
    return columns


def extra_expression(columns: Sequence[PgColumn]) -> str:
    """JSON of the values that fit no bronze type, by column; null where there are none."""
    special = [column for column in columns if column.special]
    names = ", ".join(literal(c.name) for c in special)
    values = ", ".join(f"case when {c.special} then {quote(c.name)}::text end" for c in special)
    # Of arrays: a function takes a hundred arguments, and a table has up to 1,600 columns.
    pairs = f"jsonb_object(array[{names}]::text[], array[{values}]::text[])"
    return f"nullif(jsonb_strip_nulls({pairs})::text, '{{}}') as _smelt_extra"
