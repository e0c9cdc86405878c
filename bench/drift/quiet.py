"""200 loads without drift: new rows, updates, deletes, seasons, growth, bursts of nulls, late data, order.

Wanted: no change beyond silent ones.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import duckdb
from rich.console import Console

from bench.drift.generated_tables import DOMAINS, Frame, frame, later, seen
from plugins.schema_drift import Change, Severity
from plugins.schema_drift.understanding import compare

RUNS = 200
SIZES = (30, 200, 1_000, 3_000)


def _nulls(rng: random.Random, given: Frame) -> Frame:
    """A burst of nulls in one column of the last rows."""
    name = rng.choice([n for n in given.columns if n != given.key])
    start = int(given.rows * 0.85)
    return replace(
        given, columns={**given.columns, name: [*given.columns[name][:start], *[None] * (given.rows - start)]}
    )


def _season(rng: random.Random, given: Frame) -> Frame:
    """Amounts of the last rows are up to three times as high."""
    factor, start = rng.uniform(1.3, 3.0), int(given.rows * 0.9)
    columns = dict(given.columns)
    for name, role in given.roles.items():
        if role == "amount":
            raised = [None if v is None else type(v)(float(v) * factor) for v in columns[name][start:]]
            columns[name] = [*columns[name][:start], *raised]
    return replace(given, columns=columns)


def _repriced(rng: random.Random, given: Frame) -> Frame:
    """Every amount of one column moves by some percent."""
    names = [n for n, role in given.roles.items() if role == "amount"]
    name = rng.choice(names)
    moved = [
        None if v is None else type(v)(round(float(v) * rng.uniform(0.9, 1.15), 2)) for v in given.columns[name]
    ]
    return replace(given, columns={**given.columns, name: moved})


def _touched(rng: random.Random, given: Frame) -> Frame:
    """A time of the last change moves on in every row."""
    names = [n for n, role in given.roles.items() if role == "moment"]
    name = rng.choice(names)
    moved = [
        None if v is None else v + timedelta(days=3, seconds=rng.randrange(90_000)) for v in given.columns[name]
    ]
    return replace(given, columns={**given.columns, name: moved})


def _late(rng: random.Random, given: Frame) -> Frame:
    """New rows come with old dates, in any order of rows."""
    order = list(range(given.rows))
    rng.shuffle(order)
    return given.only(order)


def _reordered(rng: random.Random, given: Frame) -> Frame:
    """Columns in another order."""
    names = list(given.columns)
    rng.shuffle(names)
    return replace(given, columns={name: given.columns[name] for name in names})


def _as_is(rng: random.Random, given: Frame) -> Frame:
    return given


EVENTS = (_as_is, _nulls, _season, _repriced, _touched, _late, _reordered)


def alarms(runs: int = RUNS, seed: int = 7) -> list[tuple[str, str, int, Change]]:
    """Changes beyond silent ones that are told of loads without drift: (what went on, domain, rows, change)."""
    rng, found = random.Random(seed), []
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        for run_ in range(runs):
            event, domain = EVENTS[run_ % len(EVENTS)], DOMAINS[run_ % len(DOMAINS)]
            size = SIZES[(run_ // 3) % len(SIZES)]
            before = frame(domain, rng, size)
            now = event(rng, later(domain, rng, before, rng.choice([0.02, 0.2, 1.0]), rng.choice([0, 0.05]), 0.02))
            has_key = rng.random() < 0.6
            one, two = seen(con, "b4", before, has_key=has_key), seen(con, "now", now, has_key=has_key)
            told = compare(con, [one], [two]).changes
            found += [
                (event.__name__.strip("_"), domain, size, c) for c in told if c.severity is not Severity.SILENT
            ]
    return found


def run(console: Console) -> None:
    """Compare the loads and print what was told of them."""
    started = time.perf_counter()
    found = alarms()
    console.print(
        f"Drift, quiet: {len(found)} false alarms in {RUNS} loads; {time.perf_counter() - started:.0f} s"
    )
    for (event, kind), count in Counter((event, str(one.kind)) for event, _, _, one in found).most_common():
        console.print(f"  {event}: {kind} × {count}")
    console.print("wanted: 0")
