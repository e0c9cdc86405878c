"""Values that make conditions true, or just one of them false: found by trying, so any condition will do."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

import duckdb
from sqlglot import exp

from plugins.core.duck import literal as text_literal
from plugins.nl_models.models.expressions import parse

Value = str | bool | int | float | date | datetime | Decimal | None
_MOST_TRIED = 4_000


@dataclass(frozen=True)
class Found:
    """Values by column. is_sharp: all other conditions hold."""

    values: Mapping[str, Value]
    is_sharp: bool = True


def search(
    conditions: Sequence[str], types: Mapping[str, str], known: Mapping[str, Sequence[str]]
) -> tuple[Found | None, list[Found | None]]:
    """Values with which all conditions hold, and for each condition some with which it alone does not.

    types: by column as the conditions name it, `table.column`. known: some real values of text columns.
    """
    names = sorted(types)
    candidates = [_candidates(name, types[name], conditions, known.get(name, ())) for name in names]
    tried = list(itertools.islice(_nearest_first(candidates), _MOST_TRIED))
    outcomes = _try(conditions, names, types, tried)
    passing = next((row for row, held in zip(tried, outcomes, strict=True) if all(held)), None)
    failing = [_failing(number, names, tried, outcomes) for number in range(len(conditions))]
    return (Found(dict(zip(names, passing, strict=True))) if passing is not None else None), failing


def _failing(
    number: int, names: Sequence[str], tried: Sequence[Sequence[Value]], outcomes: Sequence[Sequence[bool]]
) -> Found | None:
    blurred = None
    for row, held in zip(tried, outcomes, strict=True):
        if held[number]:
            continue
        found = Found(dict(zip(names, row, strict=True)), sum(held) == len(held) - 1)
        if found.is_sharp:
            return found
        blurred = blurred or found
    return blurred


def _nearest_first(candidates: Sequence[Sequence[Value]]) -> list[tuple[Value, ...]]:
    """All combinations, those of early candidates first."""
    sizes = [range(len(values)) for values in candidates]
    chosen = itertools.islice(itertools.product(*sizes), 50_000)
    ordered = sorted(chosen, key=lambda places: (sum(places), places))
    return [tuple(values[place] for values, place in zip(candidates, places, strict=True)) for places in ordered]


def _try(
    conditions: Sequence[str], names: Sequence[str], types: Mapping[str, str], rows: Sequence[Sequence[Value]]
) -> list[list[bool]]:
    """For each row, which conditions hold."""
    tables: dict[str, list[str]] = {}
    for name in names:
        table, _, column = name.rpartition(".")
        tables.setdefault(table, []).append(column)
    checks = ", ".join(f"coalesce({condition}, false)" for condition in conditions)
    values = ", ".join(f"({number}, {', '.join(map(sql_value, row))})" for number, row in enumerate(rows))
    listed = ", ".join(f"c{number}" for number in range(len(names)))
    columns = {name: f"cast(c{number} as {types[name]})" for number, name in enumerate(names)}
    bare = ", ".join(f"{columns[name]} as {name.rpartition('.')[2]}" for name in names)
    structs = ", ".join(
        "struct_pack("
        + ", ".join(f"{c} := {columns[f'{table}.{c}' if table else c]}" for c in inner)
        + f") as {table}"
        for table, inner in tables.items()
        if table
    )
    select = structs if structs else bare
    with duckdb.connect() as con:
        found = con.execute(
            f"select {checks} from (select n, {select} from (values {values}) as v(n, {listed})) order by n"
        ).fetchall()
    return [[bool(one) for one in row] for row in found]


def _candidates(name: str, data_type: str, conditions: Sequence[str], known: Sequence[str]) -> list[Value]:
    """What is worth trying for a column, what reads best first, null last."""
    upper = data_type.upper()
    column = name.rpartition(".")[2]
    trees = [parse(condition) for condition in conditions]
    about = [tree for tree in trees if any(c.name == column for c in tree.find_all(exp.Column))]
    constants = [node for tree in about for node in tree.find_all(exp.Literal)]
    if upper == "BOOLEAN":
        return [True, False, None]
    if upper.startswith(("DATE", "TIMESTAMP")):
        return [*_days([node.this for node in constants if node.is_string], upper), None]
    if upper.startswith(("VARCHAR", "ENUM")):
        own = [node.this.replace("%", "") for node in constants if node.is_string]
        return [*dict.fromkeys([*own, *known[:3], "a"]), None]
    return [*_numbers([node.this for node in constants if not node.is_string]), None]


def _days(texts: Sequence[str], data_type: str) -> list[Value]:
    found: list[date] = []
    for text in texts:
        try:
            day = date.fromisoformat(text[:10])
        except ValueError:
            continue
        found += [day + timedelta(days=n) for n in (4, 0, -1)]
    days = list(dict.fromkeys(found)) or [date(2024, 1, 5)]
    return [datetime(d.year, d.month, d.day, 10) if data_type != "DATE" else d for d in days]


def _numbers(texts: Sequence[str]) -> list[Value]:
    found: list[Value] = []
    for text in texts:
        try:
            number = Decimal(text)
        except InvalidOperation:
            continue
        shown = int(number) if number == number.to_integral_value() else float(number)
        found += [shown, shown + 1, shown - 1]
    return list(dict.fromkeys(found)) or [1, 0]


def sql_value(value: Value) -> str:
    """A constant of any type in SQL."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (date, datetime)):
        return text_literal(str(value))
    return text_literal(value) if isinstance(value, str) else str(value)
