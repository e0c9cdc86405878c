"""Schema discovery against labelled columns and declared keys, beside csv-detective and Desbordante.

Columns: public tables labelled by hand (bench/data/discovery), and columns made with Faker, under telling names
and under none. Keys and references: those that Chinook, Northwind and the databases of bench/data/planner declare.
"""

from __future__ import annotations

import csv
import sqlite3
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from bench import discovery_made as made
from bench.discovery_keys import DATABASES, show_keys, unpacked
from bench.discovery_peers import ask_csv_detective
from plugins.core.discovery import discover_source, discover_stream
from plugins.discovery import read_place

DATA = Path(__file__).parent / "data" / "discovery"


@dataclass
class Score:
    """Of columns: hits and misses by label, and by what was said; and how sure it was of right and wrong ones."""

    hit: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    sure: list[tuple[float, bool]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, where: str, labels: tuple[str, ...], said: str, confidence: float = 1.0) -> None:
        """Count a column."""
        is_right = said in labels
        (self.hit if is_right else self.missed)[labels[0]] += 1
        self.said[said] += 1
        self.right[said] += is_right
        self.sure.append((confidence, is_right))
        if not is_right:
            self.wrong.append(f"{where}: {said} ({confidence:.2f}), not {'|'.join(labels)}")

    @property
    def accuracy(self) -> float:
        """The share of columns that are right."""
        return sum(self.hit.values()) / max(1, sum(self.hit.values()) + sum(self.missed.values()))

    def calibration_error(self) -> float:
        """Expected calibration error over ten bins."""
        bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
        for one in self.sure:
            bins[min(9, int(one[0] * 10))].append(one)
        gaps = (
            abs(sum(c for c, _ in some) / len(some) - sum(r for _, r in some) / len(some)) * len(some)
            for some in bins.values()
        )
        return sum(gaps) / max(1, len(self.sure))


Labels = Mapping[str, Mapping[str, tuple[str, ...]]]


def run(console: Console) -> None:
    """Print the tables."""
    sets = {
        "public tables": _public("labels"),
        "public tables, labelled later": _public("labels_later"),
        "Faker, locales looked at": _faker(made.SEEN),
        "Faker, other locales": _faker(made.UNSEEN),
        "Faker, without names": _faker((*made.SEEN, *made.UNSEEN), is_mute=True),
    }
    scores = {name: _ours(tables, labels) for name, (tables, labels) in sets.items()}
    peers = {name: _csv_detective(tables, labels) for name, (tables, labels) in sets.items()}
    _show(console, scores, peers)
    _show_types(console, scores, peers)
    show_keys(console)
    _speed(console)


def _public(labels_in: str) -> tuple[dict[str, dict[str, list[Any]]], Labels]:
    tables = {path.stem: _csv(path) for path in sorted((DATA / "tables").glob("*.csv"))}
    for name in DATABASES:
        for table, columns in _database(name).items():
            tables[f"{name}.{table}"] = columns
    labels: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    with open(DATA / f"{labels_in}.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            labels[row["table"]][row["column"]] = tuple(row["semantic"].split("|"))
    return {name: tables[name] for name in labels}, labels


def _csv(path: Path) -> dict[str, list[Any]]:
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {name: [row[place] or None for row in rows] for place, name in enumerate(header)}


def _database(name: str) -> dict[str, dict[str, list[Any]]]:
    with unpacked(name) as path, closing(sqlite3.connect(path)) as db:
        tables = [
            t for (t,) in db.execute("select name from sqlite_master where type = 'table'") if t[:6] != "sqlite"
        ]
        found = {}
        for table in tables:
            cursor = db.execute(f'select * from "{table}"')
            names, rows = [one[0] for one in cursor.description], cursor.fetchall()
            found[table] = {column: [row[place] for row in rows] for place, column in enumerate(names)}
    return found


def _faker(locales: Iterable[str], is_mute: bool = False) -> tuple[dict[str, dict[str, list[Any]]], Labels]:
    tables: dict[str, dict[str, list[Any]]] = {}
    labels: dict[str, dict[str, tuple[str, ...]]] = {}
    for locale in locales:
        columns = made.make(locale)
        kept = [one for one in made.COLUMNS if one.is_mute or not is_mute]
        names = {one.name: f"c{number}" if is_mute else one.name for number, one in enumerate(kept)}
        tables[locale] = {names[one.name]: columns[one.name] for one in kept}
        labels[locale] = {names[one.name]: one.labels for one in kept}
    return tables, labels


def _as_arrow(columns: Mapping[str, list[Any]]) -> pa.Table:
    return pa.table(
        {name: pa.array([None if v is None else str(v) for v in values]) for name, values in columns.items()}
    )


def _ours(tables: Mapping[str, Mapping[str, list[Any]]], labels: Labels) -> Score:
    """References between tables count, too: a foreign key is one by them."""
    score = Score()
    arrow = {name: _as_arrow(columns) for name, columns in tables.items()}
    started = time.perf_counter()
    groups: dict[str, dict[str, pa.Table]] = defaultdict(dict)
    for name, table in arrow.items():
        group, _, rest = name.partition(".")
        groups[group if rest else name][rest or name] = table
    found = {
        f"{group}.{stream.name}" if f"{group}.{stream.name}" in arrow else stream.name: stream
        for group, streams in groups.items()
        for stream in discover_source(streams).streams
    }
    score.seconds = time.perf_counter() - started
    for name, wanted in labels.items():
        for column, accepted in wanted.items():
            semantic = found[name].column(column).semantic
            score.add(f"{name}.{column}", accepted, semantic.value, semantic.confidence)
    return score


def _csv_detective(tables: Mapping[str, Mapping[str, list[Any]]], labels: Labels) -> Score | None:
    if (found := ask_csv_detective(tables)) is None:
        return None
    score = Score(seconds=found[0])
    for name, wanted in labels.items():
        for column, accepted in wanted.items():
            score.add(f"{name}.{column}", accepted, found[1][name][column])
    return score


def _show(console: Console, scores: Mapping[str, Score], peers: Mapping[str, Score | None]) -> None:
    table = Table(
        "labelled columns",
        "columns",
        "right: smelt",
        "csv-detective",
        "calibration error",
        "seconds: smelt",
        "csv-detective",
    )
    for name, score in scores.items():
        peer = peers[name]
        table.add_row(
            name, f"{len(score.sure):,}", f"{score.accuracy:.3f}", f"{peer.accuracy:.3f}" if peer else "not run",
            f"{score.calibration_error():.3f}", f"{score.seconds:.2f}", f"{peer.seconds:.2f}" if peer else "–",
        )  # fmt: skip
    console.print(table)


def _show_types(console: Console, scores: Mapping[str, Score], peers: Mapping[str, Score | None]) -> None:
    table = Table("semantic type", "columns", "precision: smelt", "recall", "precision: csv-detective", "recall")
    ours, theirs = _summed(scores.values()), _summed(peer for peer in peers.values() if peer)
    for name in sorted({*ours.hit, *ours.missed}):
        total = ours.hit[name] + ours.missed[name]
        table.add_row(name, str(total), *_rates(ours, name), *_rates(theirs, name))
    console.print(table)


def _summed(scores: Iterable[Score]) -> Score:
    total = Score()
    for one in scores:
        for counter in ("hit", "missed", "said", "right"):
            getattr(total, counter).update(getattr(one, counter))
    return total


def _rates(score: Score, name: str) -> tuple[str, str]:
    said, total = score.said[name], score.hit[name] + score.missed[name]
    return f"{score.right[name] / said:.2f}" if said else "–", f"{score.hit[name] / total:.2f}" if total else "–"


def _speed(console: Console) -> None:
    table = Table("speed", "rows × columns", "seconds")
    columns = made.make("en_US")
    wide = {f"{name}_{number}": columns[name] for number in range(14) for name in columns}
    sample = _as_arrow({name: (wide[name] * 2)[:500] for name in list(wide)[:740]})
    started = time.perf_counter()
    discover_stream("wide", sample)
    table.add_row("a wide table", "500 × 740", f"{time.perf_counter() - started:.2f}")
    with tempfile.TemporaryDirectory() as folder:
        path = _big(Path(folder))
        from plugins.discovery import discover_place

        started = time.perf_counter()
        with read_place(str(path)) as place:
            profile = discover_place(place)
        key = profile.streams[0].primary_key
        verified = "key verified on all rows" if key and "verified" in key.evidence else "no key verified"
        table.add_row(f"a CSV file, {verified}", "1,000,000 × 20", f"{time.perf_counter() - started:.2f}")
    console.print(table)


def _big(folder: Path) -> Path:
    """A file of a million rows with a number, a code, dates, words and amounts."""
    import duckdb

    path = folder / "big.csv"
    more = ", ".join(
        f"(random() * 1000)::decimal(9,2) as amount_{n}, 'v' || (random() * 50)::int as kind_{n}" for n in range(7)
    )
    duckdb.sql(
        "select i as id, 'u' || (i % 70000) || '@example.org' as email, "
        "date '2020-01-01' + (i % 1500)::int as day, "
        "'K-' || lpad((i * 7919 % 1000000)::varchar, 7, '0') as code, i // 4 as order_id, i % 4 as line, "
        f"{more} from range(1000000) t(i)"
    ).write_csv(str(path))
    return path
