"""Histories of clicks in any order of arrival, and what they come to, worked out row by row in Python."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5)  # a Monday
LOADED = datetime(2026, 1, 6, tzinfo=UTC)
DELAY, LATENESS, AHEAD, GAP = (timedelta(minutes=m) for m in (10, 120, 60, 20))
SAID = {
    "too_late": "event time is further before the watermark than the allowed lateness",
    "ahead": "event time lies too far after the load",
}


@dataclass(frozen=True)
class Row:
    """One bronze row; a tombstone has only its key."""

    batch: str
    position: str
    op: str
    click: int
    visitor: int | None = None
    at: datetime | None = None
    amount: int | None = None


Batch = list[Row]


def history(seed: int, batches: int = 9) -> list[Batch]:
    """Batches of clicks that move on in time; some come late or again, change, move, break a rule or go."""
    chance = random.Random(seed)
    made: list[Batch] = []
    known: list[int] = []
    told: dict[int, tuple] = {}
    for number in range(batches):
        now = START + timedelta(hours=number)
        rows: Batch = []
        for place in range(chance.randint(1, 9)):
            identity = (f"b{number:03}", f"{place:03}")
            kind = chance.random()
            if known and kind < 0.15:
                rows.append(Row(*identity, "d", chance.choice(known)))
                continue
            is_change = bool(known) and kind < 0.4
            click = chance.choice(known) if is_change else len(known)
            if not is_change:
                known.append(click)
            if not is_change or chance.random() < 0.7:
                told[click] = _values(chance, now)
            rows.append(Row(*identity, _op(number, is_change), click, *told[click]))
        made.append(rows)
    return made


def _op(number: int, is_change: bool) -> str:
    return "r" if number == 0 else "u" if is_change else "c"


def _values(chance: random.Random, now: datetime) -> tuple[int | None, datetime, int]:
    minutes = chance.choice([chance.randint(-10, 60), chance.randint(-130, 60), chance.randint(-400, 60)])
    at = now + timedelta(minutes=minutes)
    if chance.random() < 0.03:
        at = START + timedelta(days=30)
    visitor = chance.choice([1, 1, 2, 3, None])
    return visitor, at, chance.choice([1, 2, 4, 8, -1])


def judged(batches: Sequence[Batch]) -> list[tuple[Row, str, datetime | None]]:
    """Rows that break no rule, each with its verdict and the watermark when it came."""
    seen: datetime | None = None
    before: dict[int, Row] = {}
    found: list[tuple[Row, str, datetime | None]] = []
    for batch in batches:
        watermark = seen - DELAY if seen else None
        for row in batch:
            if row.op != "d" and (row.amount or 0) < 0:
                continue
            found.append((row, _verdict(row, before.get(row.click), watermark), watermark))
            before[row.click] = row
            if row.at and not _is_ahead(row.at):
                seen = max(seen or row.at, row.at)
    return found


def _is_ahead(at: datetime) -> bool:
    return at > LOADED.replace(tzinfo=None) + AHEAD


def _verdict(row: Row, before: Row | None, watermark: datetime | None) -> str:
    if before and _says(before) == _says(row):
        return "repeated"
    at = (before.at if before else None) if row.op == "d" else row.at
    if at is not None and _is_ahead(at):
        return "ahead"
    if row.op == "r" or at is None or watermark is None or at >= watermark:
        return "on_time"
    return "late" if at >= watermark - LATENESS else "too_late"


def _says(row: Row) -> tuple:
    return row.op == "d", row.at, row.visitor, row.amount


def expected(batches: Sequence[Batch]) -> dict[str, set[tuple]]:
    """Rows of each model after all of `batches`."""
    verdicts = judged(batches)
    newest = {row.click: row for row, verdict, _ in verdicts if verdict in ("on_time", "late")}
    clicks = [row for row in newest.values() if row.op != "d"]
    return {
        "tumbling": _summed([((_floor(row.at, 30),), row) for row in clicks]),
        "sliding": _summed(
            [
                ((row.visitor, _floor(row.at, 15) - timedelta(minutes=15 * hop)), row)
                for row in clicks
                for hop in range(4)
                if row.visitor is not None
            ]
        ),
        "sliding_of_parts": _summed(
            [((_floor(row.at, 60) - timedelta(hours=hop),), row) for row in clicks for hop in range(2)]
        ),
        "visits": _visits(clicks),
        "late_clicks": {
            (str(row.click), row.op, SAID[verdict], watermark, row.batch, row.position)
            for row, verdict, watermark in verdicts
            if verdict in SAID
        },
    }


def _floor(at: datetime | None, minutes: int) -> datetime:
    assert at is not None
    return at - (at - START) % timedelta(minutes=minutes)


def _summed(clicks: Sequence[tuple[tuple, Row]]) -> set[tuple]:
    groups: dict[tuple, list[Row]] = defaultdict(list)
    for window, row in clicks:
        groups[window].append(row)
    return {(*window, *_totals(rows)) for window, rows in groups.items()}


def _totals(rows: Sequence[Row]) -> tuple[int, int, str]:
    return len(rows), sum(row.amount or 0 for row in rows), max(row.batch for row in rows)


def _visits(clicks: Sequence[Row]) -> set[tuple]:
    found: set[tuple] = set()
    for visitor in {row.visitor for row in clicks} - {None}:
        visits: list[list[Row]] = []
        for row in sorted((row for row in clicks if row.visitor == visitor), key=_at):
            if visits and _at(row) - _at(visits[-1][-1]) <= GAP:
                visits[-1].append(row)
            else:
                visits.append([row])
        for number, rows in enumerate(visits, 1):
            found.add((visitor, number, _at(rows[0]), _at(rows[-1]), *_totals(rows)))
    return found


def _at(row: Row) -> datetime:
    assert row.at is not None
    return row.at
