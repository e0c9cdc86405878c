"""Keys and references that databases declare, against those that discovery finds by values and names alone."""

from __future__ import annotations

import gzip
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from bench.discovery_peers import ask_desbordante
from plugins.core.discovery import SourceProfile, discover_source
from plugins.discovery import read_place

DATA = Path(__file__).parent / "data"
DATABASES = ("chinook", "northwind")


@contextmanager
def unpacked(name: str) -> Iterator[Path]:
    """A packed SQLite file, unpacked for as long as the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.sqlite"
        path.write_bytes(gzip.decompress((DATA / "discovery" / f"{name}.sqlite.gz").read_bytes()))
        yield path


@dataclass(frozen=True)
class _Declared:
    samples: dict[str, pa.Table]
    keys: dict[str, frozenset[str]]
    references: set[tuple[str, str, str, str]]


def _declared() -> Iterator[tuple[str, _Declared]]:
    for name in DATABASES:
        with unpacked(name) as path, read_place(str(path)) as place:
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
    for folder in sorted((DATA / "planner").iterdir()):
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


def show_keys(console: Console) -> None:
    """Print the table."""
    table = Table(
        "database", "declared keys", "primary found", "among all", "listed", "by Desbordante", "references",
        "precision", "recall", "by Desbordante", "recall", "seconds",
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


def _desbordante(declared: _Declared) -> dict[str, int]:
    if (found := ask_desbordante(declared.samples)) is None:
        return {}
    uniques, inclusions = found
    said = set(map(_folded, inclusions))
    right = len(said & set(map(_folded, declared.references)))
    return {"uniques": uniques, "peer_said": len(said), "peer_right": right}


def _told(counts: Counter[str]) -> tuple[str, ...]:
    def rate(part: str, whole: str) -> str:
        return f"{counts[part] / counts[whole]:.2f}" if counts[whole] else "–"

    return (
        str(counts["keys"]), rate("primary", "keys"), rate("among", "keys"), str(counts["listed"]),
        str(counts["uniques"] or "–"), str(counts["declared"]), rate("right", "said"), rate("right", "declared"),
        rate("peer_right", "peer_said"), rate("peer_right", "declared") if counts["peer_said"] else "–",
    )  # fmt: skip
