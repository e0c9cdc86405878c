"""Rows of unit tests: columns under their new names, and values as they are given now."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from plugins.core.duck import quote
from plugins.schema_drift.change import Supplied
from plugins.schema_drift.patching.documents.shift import Shift


@dataclass(frozen=True)
class Move:
    """What becomes of one row: column → new name, or None if it goes; values that are another now; new columns.

    behind: the column of before behind which new ones are put.
    """

    names: Mapping[str, str | None]
    values: Mapping[str, Any]
    added: Mapping[str, Any]
    behind: Mapping[str, str]


class Unconvertible(ValueError):
    """A row's values cannot be said as the source gives them now; the text says why."""


def move_row(row: Mapping[str, Any], shift: Shift) -> Move:
    """What becomes of one row of a table that changed. Raises Unconvertible."""
    keys = {shift.find(name, shift.before) or name: name for name in row}
    supplied = {one.column: one for one in shift.supplies if not shift.is_kept or shift.gone & {*one.reads}}
    names: dict[str, str | None] = {}
    values: dict[str, Any] = {}
    added: dict[str, Any] = {}
    behind: dict[str, str] = {}
    for old, written in keys.items():
        new = shift.renamed.get(old)
        if new is not None:
            names[written] = new
        elif old in shift.replaced or old in shift.removed:
            names[written] = None
    for column, supply in supplied.items():
        reads = [shift.find(name, shift.before) or name for name in supply.reads]
        present = [name for name in reads if name in keys]
        if not present:
            continue
        if is_plain(supply) and supply.column in (names.get(keys[present[0]]), present[0]):
            continue
        value = evaluate(supply, {name: row[keys[name]] if name in keys else None for name in reads}, shift)
        target = next((w for w, new in names.items() if new == column), None)
        target = target or (keys[column] if column in keys and column not in shift.gone else None)
        if target is not None:
            values[target] = value
        else:
            added[column] = value
            behind[column] = keys[present[0]]
    lost = [old for old in keys if old in shift.replaced and not set(shift.replaced[old]) & set(supplied)]
    if lost:
        raise Unconvertible(f"`{lost[0]}` is {', '.join(shift.replaced[lost[0]])} now, and nothing says how")
    return Move(names, values, added, behind)


def is_plain(supply: Supplied) -> bool:
    """Whether a column of now is one of before under another name, and nothing else."""
    return len(supply.reads) == 1 and supply.sql.strip().strip('"') == supply.reads[0].strip('"')


def evaluate(supply: Supplied, row: Mapping[str, Any], shift: Shift) -> Any:
    """What the expression gives for one row, in a DuckDB that can read nothing else. Raises Unconvertible."""
    columns = ", ".join(
        f"cast(? as {shift.before_types.get(name) or _type(value)}) as {quote(name)}"
        for name, value in row.items()
    )
    kind = shift.types.get(supply.column)
    made = f"cast(({supply.sql}) as {kind})" if kind else f"({supply.sql})"
    try:
        with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as con:
            found = con.execute(f"select {made} from (select {columns})", [_plain(v) for v in row.values()])
            answer = found.fetchone()
    except duckdb.Error as error:
        raise Unconvertible(
            f"`{supply.column}` cannot be had from this row: {str(error).splitlines()[0]}"
        ) from None
    return _written(answer[0] if answer else None)


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "bigint"
    return "decimal(38, 10)" if isinstance(value, (float, Decimal)) else "varchar"


def _plain(value: Any) -> Any:
    return str(value) if value is not None and not isinstance(value, (bool, int)) else value


def _written(value: Any) -> Any:
    """A value as people write it in a fixture."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else Decimal(repr(value))
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return str(value)
    return value if value is None or isinstance(value, (bool, int)) else str(value)
