"""Objects of an S3 server → bronze, against DuckDB's own reading of them; and what 100,000 keys cost."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from bench.files_workers import BUCKET
from bench.measure import Cost, measure, python
from tests.ingest.objects.servers import Gateway

ROWS, OBJECTS = 1_000_000, 8
KEYS = 100_000
REPEATS = 2
_FORMATS = ("csv", "ndjson", "parquet")
_ROWS = """
    select i as id, 'name ' || i as name, 'u' || i || '@example.org' as email, i * 0.25 as amount,
        i % 100 as quantity,
        '2026-05-01T12:00:' || lpad((i % 60)::varchar, 2, '0') || 'Z' as at, i % 2 = 0 as is_active,
        'some longer note for row ' || i as note
    from range({first}, {last}) as r(i)
"""


def run(console: Console) -> None:
    """A real S3 server on this machine; print both tables."""
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    server = Gateway(folder / "s3")
    server.start()
    try:
        server.bucket(BUCKET)
        console.print(_read(server, folder))
        console.print(_memory(server, folder))
        console.print(_keys(server, folder))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _read(server: Gateway, folder: Path) -> Table:
    table = Table(title=f"{OBJECTS} objects, {ROWS:,} rows × 8 columns → Parquet, best of {REPEATS}")
    for column in ("", "wall s", "rows/s", "CPU s", "peak MiB", "against DuckDB alone"):
        table.add_column(column, justify="left" if not column else "right")
    for format in _FORMATS:
        _fill(server, format)
        costs: dict[str, list[Cost]] = {"duckdb": [], "smelt": []}
        for n in range(REPEATS):
            for name, taken in costs.items():
                taken.append(
                    _measured(server, name, format, _project(server, folder / f"{format}-{name}-{n}"), ROWS)
                )
        best = {name: min(taken, key=lambda cost: cost.wall) for name, taken in costs.items()}
        for name, label in (("duckdb", f"{format}: DuckDB httpfs → one file (limit)"), ("smelt", "smelt ingest")):
            cost = best[name]
            ratio = f"{best['duckdb'].wall / cost.wall:.2f} ×" if name == "smelt" else ""
            figures = f"{cost.wall:.2f}", f"{ROWS / cost.wall:,.0f}", f"{cost.cpu:.1f}", f"{cost.peak_mib:,.0f}"
            table.add_row(label, *figures, ratio)
    return table


def _memory(server: Gateway, folder: Path) -> str:
    """What all objects take, and a quarter of them."""
    told = []
    for format in _FORMATS:
        quarter = _project(server, folder / f"{format}-part", f"[0-{OBJECTS // 4 - 1}]")
        part = _measured(server, "smelt", format, quarter, ROWS // 4)
        whole = _measured(server, "smelt", format, _project(server, folder / f"{format}-all"), ROWS)
        told.append(f"{format} {part.peak_mib:,.0f} and {whole.peak_mib:,.0f} MiB")
    return f"memory for {ROWS // 4:,} and {ROWS:,} rows: {', '.join(told)}"


def _keys(server: Gateway, folder: Path) -> Table:
    project = _project(server, folder / "keys")
    table = Table(title=f"{KEYS:,} keys of a bucket")
    for column in ("", "wall s", "keys/s", "peak MiB"):
        table.add_column(column, justify="left" if not column else "right")
    _measured(server, "put", "keys", project, KEYS)
    for name, label, rows in (
        ("list", "listed and thrown away (limit)", KEYS),
        ("smelt", "smelt ingest: all new, a row each", KEYS),
        ("smelt", "smelt ingest: nothing new", 0),
    ):
        cost = _measured(server, name, "keys", project, rows)
        table.add_row(label, f"{cost.wall:.1f}", f"{KEYS / cost.wall:,.0f}", f"{cost.peak_mib:,.0f}")
    return table


def _measured(server: Gateway, name: str, format: str, project: Path, count: int) -> Cost:
    keys = (server.endpoint, server.access_key, server.secret_key)
    return measure(python("-m", "bench.files_workers", name, *keys, format, str(project), str(count)))


def _fill(server: Gateway, format: str) -> None:
    client, each = server.store(BUCKET), ROWS // OBJECTS
    options = {"csv": "format csv", "ndjson": "format json", "parquet": "format parquet"}[format]
    with tempfile.TemporaryDirectory() as work, duckdb.connect() as con:
        for number in range(OBJECTS):
            file = Path(work, f"{number}.{format}")
            query = _ROWS.format(first=number * each, last=(number + 1) * each)
            con.execute(f"copy ({query}) to '{file}' ({options})")
            client.put(f"{format}/{number}.{format}", io.BytesIO(file.read_bytes()))


def _project(server: Gateway, folder: Path, which: str = "*") -> Path:
    source = folder / "sources" / "bench"
    source.mkdir(parents=True)
    (folder / "key").write_text(server.access_key)
    (folder / "secret").write_text(server.secret_key)
    (folder / "smelt.toml").write_text(
        f'[connections.bench]\ntype = "files"\nurl = "s3://{BUCKET}"\n'
        f'[connections.bench.storage]\nendpoint = "{server.endpoint}"\n'
        'access_key = "file:key"\nsecret_key = "file:secret"\n'
    )
    streams = "".join(f"  - {{name: {one}, files: {{glob: '{one}/{which}.{one}'}}}}\n" for one in _FORMATS)
    streams += "  - {name: keys, files: {glob: 'keys/**/*.csv'}}\n"
    (source / "source.yml").write_text(f"kind: files\nconnection: bench\nowner: bench\nstreams:\n{streams}")
    return folder
