"""884 recorded table changes of four public projects, replayed with synthetic rows.

Columns of the same name keep their values over a step; retyped ones have them cast. In a share of the steps that
both remove and add columns of one sort, one added column is given the values of a removed one: there, and only
there, a rename is right. Scored against what the histories record as added, removed and retyped.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from rich.console import Console
from rich.table import Table as Shown

from plugins.schema_drift import Change, Kind, Severity
from plugins.schema_drift.table import Column, SeenTable, Table
from plugins.schema_drift.understanding import compare

_DATA = Path(__file__).parents[1] / "data" / "drift"
_ROWS = 300
_RENAMED_SHARE = 0.5
_WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heath",
    "inlet",
    "jetty",
    "knoll",
    "lagoon",
    "marsh",
    "north",
    "orchard",
    "pine",
    "quay",
    "reef",
]
_TYPE_KINDS = (Kind.TYPE_WIDENED, Kind.TYPE_NARROWED, Kind.TYPE_CHANGED)


@dataclass(frozen=True)
class Step:
    """One recorded change of a table: columns as (name, type), and what is recorded of it."""

    project: str
    table: str
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]
    added: frozenset[str]
    removed: frozenset[str]
    retyped: frozenset[str]


def steps() -> Iterator[Step]:
    """All recorded steps."""
    for path in sorted(_DATA.glob("*.json.gz")):
        for one in json.loads(gzip.decompress(path.read_bytes())):
            yield Step(
                path.name.split(".")[0],
                one["table"],
                tuple(map(tuple, one["before"])),
                tuple(map(tuple, one["after"])),
                frozenset(c[0] if isinstance(c, list) else c for c in one["added"]),
                frozenset(c[0] if isinstance(c, list) else c for c in one["removed"]),
                frozenset(c[0] for c in one["retyped"]),
            )


def sort_of(type_: str) -> str:
    """number, fraction, time or text."""
    lower = type_.lower()
    if re.match(r"(tiny|small|medium|big)?int|serial|year|bit", lower):
        return "number"
    if re.match(r"decimal|numeric|float|double|real", lower):
        return "fraction"
    return "time" if re.match(r"date|timestamp", lower) else "text"


def values_of(name: str, type_: str, rows: int, rng: random.Random, place: int) -> list:
    """Synthetic values as text that any type takes: by the name's meaning and the type's sort."""
    sort, lower = sort_of(type_), name.lower()
    if place == 0 and sort == "number":
        return [str(n + 1) for n in range(rows)]
    if sort == "number":
        most = 2 if re.match(r".*(is_|has_|status|enabled|deleted|hidden|minor|new|bot)", lower) else 120
        return [str(rng.randrange(most if "tinyint" in type_ or most == 2 else 50_000)) for _ in range(rows)]
    if sort == "fraction":
        return [f"{rng.lognormvariate(3, 1):.2f}" for _ in range(rows)]
    if sort == "time":
        return [
            f"20{rng.randrange(10, 24)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}" for _ in range(rows)
        ]
    length = int(found[1]) if (found := re.search(r"\((\d+)\)", type_)) else 60
    if length <= 4:
        return ["".join(rng.choice("abcdefgh") for _ in range(length)) for _ in range(rows)]
    return [(f"{rng.choice(_WORDS)} {rng.choice(_WORDS)} {rng.randrange(10_000)}")[:length] for _ in range(rows)]


def _duck(type_: str) -> str:
    sorts = {"number": "bigint", "fraction": "double", "time": "timestamp", "text": "varchar"}
    return sorts[sort_of(type_)]


def _seen(
    con: duckdb.DuckDBPyConnection,
    name: str,
    columns: tuple[tuple[str, str], ...],
    values: dict[str, list],
    key: tuple[str, ...],
) -> SeenTable:
    unique = list({column.lower(): (column, type_) for column, type_ in columns}.values())
    con.register("_given", pa.table({f"c{n}": values[column] for n, (column, _) in enumerate(unique)}))
    listed = ", ".join(
        f'try_cast(c{n} as {_duck(type_)}) as "{column}"' for n, (column, type_) in enumerate(unique)
    )
    con.execute(f"create or replace table {name} as select {listed} from _given")
    con.unregister("_given")
    table = Table("step", "step", ("main", name), tuple(Column(c, t.lower()) for c, t in unique), key)
    return SeenTable(table, name)


@dataclass(frozen=True)
class Scored:
    """What was expected of a step and what was told, by kind."""

    project: str
    expected: frozenset[tuple[str, str]]
    told: frozenset[tuple[str, str]]


def score(con: duckdb.DuckDBPyConnection, step: Step, rows: int = _ROWS, *, has_rows: bool = True) -> Scored:
    """Compare a step's tables, filled with rows that live on over it."""
    rng = random.Random(zlib.crc32(f"{step.project}{step.table}{step.before}{step.after}".encode()))
    values = {name: values_of(name, type_, rows, rng, place) for place, (name, type_) in enumerate(step.before)}
    now = {name: values_of(name, type_, rows, rng, place + 1) for place, (name, type_) in enumerate(step.after)}
    now |= {name: values[name] for name, _ in step.after if name in values}
    renames = _renames(step, rng) if has_rows else {}
    now |= {new: values[old] for old, new in renames.items()}
    first = step.before[0][0] if step.before else ""
    key = (first,) if first in values and first in now and len(set(values[first])) == rows else ()
    before, after = _seen(con, "b4", step.before, values, key), _seen(con, "now", step.after, now, key)
    if not has_rows:
        before, after = SeenTable(before.table), SeenTable(after.table)
    drift = compare(con, [before], [after])
    expected = {("renamed", f"{old}→{new}") for old, new in renames.items()}
    expected |= {("added", name) for name in step.added if name not in renames.values()}
    expected |= {("removed", name) for name in step.removed if name not in renames}
    expected |= {("retyped", name) for name in step.retyped}
    told = frozenset(one for change in drift.changes for one in _told(change))
    return Scored(step.project, frozenset(expected), told)


def _renames(step: Step, rng: random.Random) -> dict[str, str]:
    types_old, types_new = dict(step.before), dict(step.after)
    chosen: dict[str, str] = {}
    for old in sorted(step.removed):
        free = [
            n
            for n in sorted(step.added)
            if n not in chosen.values() and sort_of(types_new[n]) == sort_of(types_old[old])
        ]
        if free and rng.random() < _RENAMED_SHARE:
            chosen[old] = rng.choice(free)
    return chosen


def _told(change: Change) -> Iterator[tuple[str, str]]:
    if change.severity is Severity.SILENT:
        return
    if change.kind is Kind.COLUMN_RENAMED:
        yield "renamed", f"{change.before[0]}→{change.after[0]}"
    elif change.kind is Kind.COLUMN_ADDED:
        yield "added", change.after[0]
    elif change.kind is Kind.COLUMN_REMOVED:
        yield "removed", change.before[0]
    elif change.kind in _TYPE_KINDS:
        yield "retyped", change.before[0]
    else:
        yield str(change.kind), ", ".join(change.before)


def run(console: Console) -> None:
    """Replay all steps, with rows and without, and print precision and recall by kind."""
    every = list(steps())
    for title, has_rows in (
        (f"{len(every)} recorded steps, {_ROWS} rows each", True),
        ("the same, columns only", False),
    ):
        started = time.perf_counter()
        with duckdb.connect() as con:
            scored = [score(con, step, has_rows=has_rows) for step in every]
        _print(console, title, scored, time.perf_counter() - started)


def _print(console: Console, title: str, scored: list[Scored], seconds: float) -> None:
    table = Shown(title=f"Drift, histories: {title}")
    for column in ("", "recorded", "told", "precision", "recall"):
        table.add_column(column, justify="left" if not column else "right")
    wanted, told, right = (
        Counter(kind for one in scored for kind, _ in pick(one))
        for pick in (lambda o: o.expected, lambda o: o.told, lambda o: o.expected & o.told)
    )
    for kind in sorted({*wanted, *told}):
        precision = f"{right[kind] / told[kind]:.1%}" if told[kind] else "–"
        recall = f"{right[kind] / wanted[kind]:.1%}" if wanted[kind] else "–"
        table.add_row(kind, str(wanted[kind]), str(told[kind]), precision, recall)
    console.print(table)
    exact = sum(one.expected == one.told for one in scored)
    console.print(f"steps told exactly as recorded: {exact} of {len(scored)}; {seconds:.0f} s")
