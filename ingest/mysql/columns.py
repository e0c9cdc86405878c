"""Columns of MySQL and MariaDB tables: in which bronze type each lands, and the SQL that casts its text to it.

Rows come in two ways, selected (as text) and from the binlog (as bytes), and must land as the same values: both
ways end in the types of `bronze_type`, exactly or as text. What a type can't hold, such as the date 0000-00-00, is
null there, and its text is in `_smelt_extra`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from plugins.core.duck import literal, quote

_DIGITS = 38
_TYPES = {
    "int": "integer", "uint": "bigint", "bigint": "bigint", "ubigint": "decimal(20, 0)", "float": "float",
    "double": "double", "year": "integer", "date": "date", "datetime": "timestamp", "timestamp": "timestamptz",
    "blob": "blob", "geometry": "blob",
}  # fmt: skip
# Kinds whose values bronze can't always hold.
MOMENTS = {"date": "date", "datetime": "timestamp", "timestamp": "timestamptz"}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    kind: `int` (up to 32 bits, or 24 unsigned), `uint` (32 bits unsigned), `bigint`, `ubigint`, `decimal`,
    `float`, `double`, `year`, `bit`, `date`, `datetime`, `timestamp`, `time`, `text`, `blob`, `enum`, `set`,
    `json`, `geometry`, `uuid`, `inet4`, `inet6`. precision, scale: of a decimal; precision of a bit column: its
    bits; scale of a moment or time: digits after the second.
    """

    name: str
    kind: str
    precision: int = 0
    scale: int = 0

    @property
    def bronze_type(self) -> str:
        """As DuckDB names it."""
        if self.kind == "decimal":
            fits = self.precision <= _DIGITS
            return f"decimal({self.precision}, {self.scale})" if fits else "varchar"
        return _TYPES.get(self.kind, "varchar")

    @property
    def is_bytes(self) -> bool:
        """Whether it lands as bytes."""
        return self.kind in ("blob", "geometry")

    @property
    def selected(self) -> str:
        """What to select at the server, in a session in UTC, so that its text is the exact value."""
        name = f"`{self.name.replace('`', '``')}`"
        if self.kind == "float":
            # As it is, the server would write only six digits of it.
            return f"{name} + 0e0"
        if self.kind == "bit":
            return f"lpad(bin({name} + 0), {self.precision}, '0')"
        return name

    @property
    def expression(self) -> str:
        """SQL over the selected text, in a column of this name: its bronze value."""
        name = quote(self.name)
        if self.kind in MOMENTS:
            moment = f"try_cast({_instant(self)} as {MOMENTS[self.kind]})"
            return f"case when {moment} >= '0001-01-01' then {moment} end"
        return name if self.bronze_type in ("varchar", "blob") else f"{name}::{self.bronze_type}"


def extra_expression(columns: Sequence[Column]) -> str:
    """SQL of the JSON of values that fit no bronze type, by column, over their texts; null: there are none."""
    refusing = [column for column in columns if column.kind in MOMENTS]
    if not refusing:
        return "null::varchar"
    pairs = ", ".join(
        f"case when {quote(column.name)} is not null and ({column.expression}) is null "
        f"then {literal(json.dumps(column.name, ensure_ascii=False) + ': ')} "
        f"|| to_json({quote(column.name)})::varchar end"
        for column in in_order(refusing)
    )
    present = f"array_to_string(list_filter([{pairs}], lambda pair: pair is not null), ', ')"
    return f"'{{' || nullif({present}, '') || '}}'"


def in_order(columns: Sequence[Column]) -> list[Column]:
    """In the order in which `_smelt_extra` has them: as PostgreSQL's jsonb does."""
    return sorted(columns, key=lambda column: (len(column.name.encode()), column.name.encode()))


def _instant(column: Column) -> str:
    return f"({quote(column.name)} || '+00')" if column.kind == "timestamp" else quote(column.name)
