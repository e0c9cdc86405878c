"""Schema discovery against labelled columns and declared keys, beside csv-detective and Desbordante.

Columns: public tables labelled by hand (bench/data/discovery), and columns made with Faker, under telling names
and under none. Keys and references: those that Chinook, Northwind and the databases of bench/data/planner declare.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from bench import discovery_made as made
from plugins.core.discovery import SourceProfile, discover_source, discover_stream
from plugins.discovery import read_place

DATA = Path(__file__).parent / "data" / "discovery"
PLANNER = Path(__file__).parent / "data" / "planner"
_DATABASES = ("chinook", "northwind")


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
    _keys(console)
    _speed(console)


def _public(labels_in: str) -> tuple[dict[str, dict[str, list[Any]]], Labels]:
    tables = {path.stem: _csv(path) for path in sorted((DATA / "tables").glob("*.csv"))}
    for name in _DATABASES:
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
    with _unpacked(name) as path, closing(sqlite3.connect(path)) as db:
        tables = [
            t for (t,) in db.execute("select name from sqlite_master where type = 'table'") if t[:6] != "sqlite"
        ]
        found = {}
        for table in tables:
            cursor = db.execute(f'select * from "{table}"')
            names, rows = [one[0] for one in cursor.description], cursor.fetchall()
            found[table] = {column: [row[place] for row in rows] for place, column in enumerate(names)}
    return found


class _unpacked:
    """A packed SQLite file, unpacked for as long as the block runs."""

    def __init__(self, name: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / f"{name}.sqlite"
        self._path.write_bytes(gzip.decompress((DATA / f"{name}.sqlite.gz").read_bytes()))

    def __enter__(self) -> Path:
        return self._path

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


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


# What csv-detective says, in our words; it has more kinds of codes of France, which none of the columns holds.
_DETECTIVE = {
    "email": "email", "url": "url", "uuid": "uuid", "iso_country_code_alpha2": "country", "pays": "country",
    "iso_country_code_alpha3": "country", "date": "date", "datetime_aware": "timestamp", "bool": "boolean",
    "datetime_naive": "timestamp", "datetime_rfc822": "timestamp", "latitude_wgs": "latitude", "tel_fr": "phone",
    "latitude_wgs_fr_metropole": "latitude", "longitude_wgs": "longitude", "code_postal": "postal_code",
    "longitude_wgs_fr_metropole": "longitude", "json": "json", "geojson": "json", "int": "number",
    "float": "number",
    "money": "amount", "percent": "percentage", "sexe": "enum", "adresse": "address", "username": "code",
    "string": "text", "year": "number",
}  # fmt: skip
_WORKER = """
import json, sys, time
from csv_detective import routine
found, seconds = {}, 0.0
for path in sys.argv[1:]:
    started = time.perf_counter()
    result = routine(path, num_rows=-1, save_results=False)
    seconds += time.perf_counter() - started
    found[path] = {name: one["format"] for name, one in result["columns"].items()}
print(json.dumps([seconds, found]))
"""


def _csv_detective(tables: Mapping[str, Mapping[str, list[Any]]], labels: Labels) -> Score | None:
    score = Score()
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for number, (name, columns) in enumerate(tables.items()):
            paths[name] = str(Path(folder) / f"{number}.csv")
            with open(paths[name], "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(zip(*columns.values(), strict=True))
        output = _peer("csv-detective==0.13.0", _WORKER, list(paths.values()))
        if output is None:
            return None
        score.seconds, found = json.loads(output.splitlines()[-1])
    for name, wanted in labels.items():
        for column, accepted in wanted.items():
            said = found[paths[name]].get(column, "string")
            score.add(f"{name}.{column}", accepted, _DETECTIVE.get(said) or said)
    return score


def _peer(package: str, code: str, arguments: list[str]) -> str | None:
    """What a worker prints that runs with a peer in an environment of its own; None if it can't be had."""
    uv = next(one for one in (".uv/bin/uv", "uv") if one == "uv" or Path(one).exists())
    command = [
        uv,
        "run",
        "--no-project",
        "--isolated",
        "--python",
        "3.11",
        "--with",
        package,
        "python",
        "-c",
        code,
    ]
    try:
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=900, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


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


@dataclass(frozen=True)
class _Declared:
    samples: dict[str, pa.Table]
    keys: dict[str, frozenset[str]]
    references: set[tuple[str, str, str, str]]


def _declared() -> Iterator[tuple[str, _Declared]]:
    for name in _DATABASES:
        with _unpacked(name) as path, read_place(str(path)) as place:
            keys = {
                one.name: frozenset(one.declared_key) for one in place.streams if one.declared_key and one.rows
            }
            references = {
                (one.stream, one.columns[0], one.to_stream, one.to_columns[0])
                for one in place.references
                if len(one.columns) == 1 and one.stream in keys and one.to_stream in keys
            }
            samples = {one.name: one.sample for one in place.streams if one.rows}
            yield name, _Declared(samples, keys, references)  # type: ignore[arg-type]
    for folder in sorted(PLANNER.iterdir()):
        if (folder / "schema.sql").is_file() and (found := _planner(folder)).references:
            yield folder.name, found


def _planner(folder: Path) -> _Declared:
    """Small databases, of a few rows a table."""
    import duckdb

    with duckdb.connect() as con:
        con.execute((folder / "schema.sql").read_text(encoding="utf-8"))
        rows = con.execute(
            "select constraint_type, table_name, constraint_column_names, referenced_table, "
            "referenced_column_names "
            "from duckdb_constraints()"
        ).fetchall()
        tables = [name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()]
        samples = {name: con.table(name).to_arrow_table() for name in tables}
    samples = {name: table for name, table in samples.items() if table.num_rows}
    keys = {t: frozenset(c) for kind, t, c, *_ in rows if kind == "PRIMARY KEY" and t in samples}
    references = {
        (t, c[0], to, others[0])
        for kind, t, c, to, others in rows
        if kind == "FOREIGN KEY" and len(c) == 1 and t in samples and to in samples
    }
    return _Declared(samples, keys, references)


def _keys(console: Console) -> None:
    table = Table(
        "database", "declared keys", "primary found", "among all", "listed", "by Desbordante", "references",
        "precision", "recall", "by Desbordante", "", "seconds",
        title="keys and references that are declared, found by values and names alone",
    )  # fmt: skip
    sums: Counter[str] = Counter()
    for name, declared in _declared():
        started = time.perf_counter()
        found = discover_source(declared.samples)
        seconds = time.perf_counter() - started
        counts = _count(found, declared)
        counts.update(_desbordante(declared))
        sums.update(counts)
        table.add_row(name, *_told(counts), f"{seconds:.2f}")
    table.add_row("all", *_told(sums), "", style="bold")
    console.print(table)


def _count(found: SourceProfile, declared: _Declared) -> Counter[str]:
    streams = {stream.name: stream for stream in found.streams}
    primary = sum(
        (key := streams[name].primary_key) is not None and frozenset(key.columns) == columns
        for name, columns in declared.keys.items()
    )
    among = sum(
        any(frozenset(key.columns) == columns for key in streams[name].keys)
        for name, columns in declared.keys.items()
    )
    references = {(one.stream, one.columns[0], one.to_stream, one.to_columns[0]) for one in found.foreign_keys}
    right = len({_folded(one) for one in references} & {_folded(one) for one in declared.references})
    return Counter(
        keys=len(declared.keys), primary=primary, among=among, declared=len(declared.references),
        said=len(references), right=right, listed=sum(len(stream.keys) for stream in found.streams),
    )  # fmt: skip


def _folded(one: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in one)


# Lists every minimal combination that is unique, and every inclusion: true of the rows, and hard to choose from.
_LISTING = """
import json, sys
import desbordante as d
uniques, inclusions = [], []
for path in sys.argv[1:]:
    algorithm = d.ucc.algorithms.Default()
    algorithm.load_data(table=(path, ",", True))
    algorithm.execute()
    uniques.append(len(algorithm.get_uccs()))
algorithm = d.ind.algorithms.Default()
algorithm.load_data(tables=[(path, ",", True) for path in sys.argv[1:]])
algorithm.execute(max_arity=1)
for one in algorithm.get_inds():
    sides = one.get_lhs(), one.get_rhs()
    inclusions.append([[side.table_index, side.column_indices[0]] for side in sides])
print(json.dumps([uniques, inclusions]))
"""


def _bare(value: Any) -> str:
    """A value without what Desbordante's reader stumbles over."""
    return "" if value is None else re.sub(r'[\s,"]', " ", str(value))


def _desbordante(declared: _Declared) -> dict[str, int]:
    names = list(declared.samples)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, sample in enumerate(declared.samples.values()):
            paths.append(str(Path(folder) / f"{number}.csv"))
            with open(paths[-1], "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow([f"c{place}" for place in range(len(sample.column_names))])
                rows = zip(*(column.to_pylist() for column in sample.columns), strict=True)
                writer.writerows([_bare(value) for value in row] for row in rows)
        output = _peer("desbordante==2.5.0", _LISTING, paths)
    if output is None:
        return {}
    uniques, inclusions = json.loads(output.splitlines()[-1])

    def place(side: list[int]) -> tuple[str, str]:
        return names[side[0]], declared.samples[names[side[0]]].column_names[side[1]]

    said = {_folded((*place(one), *place(two))) for one, two in inclusions}
    right = len(said & {_folded(one) for one in declared.references})
    return {"uniques": sum(uniques), "peer_said": len(said), "peer_right": right}


def _told(counts: Counter[str]) -> tuple[str, ...]:
    def rate(part: str, whole: str) -> str:
        return f"{counts[part] / counts[whole]:.2f}" if counts[whole] else "–"

    return (
        str(counts["keys"]), rate("primary", "keys"), rate("among", "keys"), str(counts["listed"]),
        str(counts["uniques"] or "–"), str(counts["declared"]), rate("right", "said"), rate("right", "declared"),
        rate("peer_right", "peer_said"), rate("peer_right", "declared") if counts["peer_said"] else "–",
    )  # fmt: skip


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
