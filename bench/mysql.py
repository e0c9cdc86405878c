"""MariaDB's binlog → bronze: 500,000 changes, against the log only read, and the library's own decoding."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

import ingest
from bench.measure import Cost, measure, python
from plugins.core.settings import load_settings
from tests.ingest.mysql.mariadb import Server, folder

INSERTS, UPDATES, DELETES = 200_000, 250_000, 50_000
CHANGES = INSERTS + UPDATES + DELETES
REPEATS = 2
# Of the library's part: it takes long.
SHARE = 10
_EACH = 1_000  # rows of a transaction
_TABLE = """
    create table changes (
        id bigint primary key, name text, email varchar(80), amount decimal(12, 2), quantity int, at timestamp(6),
        is_active boolean, note text, score double, day date
    )
"""
_INSERT = """
    insert into changes
    select seq, concat('name ', seq), concat('u', seq, '@example.org'), seq * 1.01, seq % 100, now(6), seq % 2 = 0,
        concat('some longer note for row ', seq), seq * 0.5, '2024-01-01'
    from seq_{0}_to_{1}
"""
_UPDATE = "update changes set quantity = quantity + 1, amount = amount + 1 where id between {0} and {1}"
_DELETE = "delete from changes where id between {0} and {1}"


def run(console: Console) -> None:
    """Each contestant reads the same log from the same place; print the best of each, and of a first snapshot."""
    if shutil.which("mariadbd", path="/usr/sbin:/usr/bin") is None:
        console.print("MariaDB was not measured: there is none (Debian: mariadb-server-core)")
        return
    place = folder()
    server = Server(place)
    server.start()
    try:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("create database bench")
            cursor.execute("use bench")
            cursor.execute(_TABLE)
            cursor.execute("select @@gtid_binlog_pos")
            ((start,),) = cursor.fetchall()
            projects = [_project(place / f"p{n}", server.url) for n in range(REPEATS)]
            for project in projects:
                _captured(project)
            _write(cursor)
        costs: dict[str, list[Cost]] = {}
        for project in projects:
            for name in ("raw", "smelt"):
                costs.setdefault(name, []).append(_measured(name, server.url, project, start, CHANGES))
        library = _measured("library", server.url, projects[0], start, CHANGES // SHARE)
        costs["library"] = [replace(library, wall=library.wall * SHARE, cpu=library.cpu * SHARE)]
        fresh = _measured("snapshot", server.url, _project(place / "fresh", server.url), start, INSERTS - DELETES)
        console.print(_table({name: min(found, key=lambda cost: cost.wall) for name, found in costs.items()}))
        rate = (INSERTS - DELETES) / fresh.wall
        console.print(f"first snapshot: {rate:,.0f} rows/s, {fresh.peak_mib:,.0f} MiB")
    finally:
        server.stop()
        shutil.rmtree(place, ignore_errors=True)


def _write(cursor: object) -> None:
    for sql, rows in ((_INSERT, INSERTS), (_UPDATE, INSERTS), (_UPDATE, UPDATES - INSERTS), (_DELETE, DELETES)):
        for first in range(1, rows, _EACH):
            cursor.execute(sql.format(first, first + _EACH - 1))  # pyright: ignore[reportAttributeAccessIssue]


def _captured(project: Path) -> None:
    """Begin at the empty table."""
    if failed := [result.error for result in ingest.run(load_settings(project)) if result.error]:
        raise RuntimeError("; ".join(failed))


def _measured(name: str, url: str, project: Path, start: str, changes: int) -> Cost:
    return measure(python("-m", "bench.mysql_workers", name, url, str(project), start, str(changes)))


def _project(folder: Path, url: str) -> Path:
    source = folder / "sources" / "bench"
    source.mkdir(parents=True)
    (folder / "smelt.toml").write_text(f'[connections.bench]\ntype = "mysql"\nurl = "{url}/bench"\n')
    (source / "source.yml").write_text(
        "kind: mysql\nconnection: bench\nowner: bench\nstreams:\n"
        "  - {name: changes, sync_mode: cdc, primary_key: [id]}\n"
    )
    return folder


def _table(best: dict[str, Cost]) -> Table:
    title = f"MariaDB's binlog → bronze, {CHANGES:,} changes of 10 columns, {_EACH:,} in a transaction"
    table = Table(title=f"{title}, best of {REPEATS}")
    for column in ("", "wall s", "changes/s", "CPU s", "peak MiB", "smelt against it"):
        table.add_column(column, justify="left" if not column else "right")
    smelt = best["smelt"]
    for name, label in (
        ("raw", "the log's events, taken and dropped (limit)"),
        ("library", f"mysql-replication, rows taken and dropped (of 1/{SHARE} of them)"),
        ("smelt", "smelt ingest: typed, in Parquet, committed"),
    ):
        cost = best[name]
        ratio = "" if name == "smelt" else f"{cost.wall / smelt.wall:.2f} ×"
        figures = f"{cost.wall:.2f}", f"{CHANGES / cost.wall:,.0f}", f"{cost.cpu:.1f}", f"{cost.peak_mib:,.0f}"
        table.add_row(label, *figures, ratio)
    return table
