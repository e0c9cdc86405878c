"""PostgreSQL → bronze, 3 M rows × 16 columns: against the faster direct copy, and against dlt and connectorx."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Cost, measure, python
from demo.postgres import start_server

ROWS = 3_000_000
SMALL = 300_000
REPEATS = 5
# One table, and as many rows in four that are read at once.
ONE, FOUR = ("wide",), ("one", "two", "three", "four")
_PEERS = Path(".venv/peers-batch")
_RELEASES = ("connectorx==0.4.6", "pyarrow")
_LIMITS = ("scanner", "copy")

_COLUMNS = """
    i::bigint as id, (i % 1000)::int as customer_id, (i % 7)::smallint as status,
    ((i * 7919 % 100000) / 100.0)::numeric(12, 2) as price,
    (i * 31 % 1000000)::numeric(12, 2) as amount, (i % 997)::numeric(10, 4) as rate,
    (i * 1.5)::double precision as score, (i % 3 = 0) as is_active,
    timestamp '2020-01-01' + i * interval '7 seconds' as created_at,
    timestamptz '2020-01-01 00:00:00+00' + i * interval '11 seconds' as updated_at,
    date '2020-01-01' + (i % 1500)::int as day, md5(i::text) as token,
    'customer ' || (i % 5000) as name, case when i % 5 = 0 then null else 'note ' || (i % 100) end as note,
    (i % 50)::text as code, (i * 13)::bigint as reference
"""


def run(console: Console) -> None:
    """Fill a PostgreSQL, let the contestants take turns, print the tables."""
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    server = start_server(folder / "pg")
    try:
        for table, rows in (("wide", ROWS), ("small", SMALL), *((name, ROWS // len(FOUR)) for name in FOUR)):
            _fill(server.dsn, table, rows)
        names = ["scanner", "copy", "smelt", "dlt", *(["connectorx"] if _connectorx() else [])]
        for tables, label in ((ONE, "one table"), (FOUR, "four tables at once")):
            best = _in_turns(names, server.dsn, tables, folder)
            small = _in_turns(["smelt"], server.dsn, ("small",), folder)["smelt"] if tables == ONE else None
            console.print(_table(label, best, small))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _connectorx() -> Path | None:
    """The interpreter of connectorx's environment, which is made if there is none; None if it can't be had."""
    interpreter = _PEERS / "bin" / "python"
    if not interpreter.exists():
        uv = shutil.which("uv") or ".uv/bin/uv"
        try:
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(_PEERS)], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", str(interpreter), *_RELEASES], check=True)
        except (OSError, subprocess.CalledProcessError):
            shutil.rmtree(_PEERS, ignore_errors=True)
            return None
    return interpreter


def _fill(dsn: str, table: str, rows: int) -> None:
    import psycopg
    from psycopg.sql import SQL, Identifier

    name, filled = (
        Identifier(table),
        SQL("create table {} as select " + _COLUMNS + " from generate_series(1, {}::bigint) as g(i)"),
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(filled.format(name, rows))
        connection.execute(SQL("alter table {} add primary key (id)").format(name))
        connection.execute(SQL("analyze {}").format(name))


def _in_turns(names: Sequence[str], dsn: str, tables: Sequence[str], folder: Path) -> dict[str, Cost]:
    """The fastest of a few runs of each, each from scratch; the machine is noisy, the fastest run least so.

    Smelt and its limits take turns, so that a slow minute of the machine is none of one of them alone.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for turn in range(REPEATS):
        for name in names:
            if turn == 0 or name in ("smelt", *_LIMITS):
                costs[name].append(_once(name, dsn, tables, folder / f"{name}-{turn}"))
    return {name: min(runs, key=lambda cost: cost.wall) for name, runs in costs.items()}


def _once(name: str, dsn: str, tables: Sequence[str], work: Path) -> Cost:
    source = work / "sources" / "bench"
    source.mkdir(parents=True)
    (work / "dsn").write_text(dsn)
    (work / "smelt.toml").write_text('[connections.bench]\ntype = "postgres"\ndsn = "file:dsn"\n')
    streams = "".join(f"  - {{name: {table}, table: public.{table}, primary_key: [id]}}\n" for table in tables)
    (source / "source.yml").write_text(f"kind: postgres\nconnection: bench\nowner: bench\nstreams:\n{streams}")
    listed = ",".join(tables)
    try:
        if name == "connectorx":
            worker = Path(__file__).with_name("postgres_connectorx.py")
            return measure([str(_connectorx()), str(worker), dsn, listed, str(work)])
        return measure(python("-m", "bench.postgres_workers", name, dsn, listed, str(work)))
    finally:
        shutil.rmtree(work)


def _table(label: str, best: dict[str, Cost], small: Cost | None) -> Table:
    table = Table(title=f"PostgreSQL → bronze, {ROWS:,} rows × 16 columns, {label}, best of {REPEATS} (peers: 1)")
    for column in ("", "wall s", "rows/s", "CPU s", "peak MiB", "smelt against it", "wanted"):
        table.add_column(column, justify="left" if not column else "right")
    smelt = best["smelt"]
    faster = min(_LIMITS, key=lambda name: best[name].wall)
    for name, label, wanted in (
        ("scanner", "postgres_scanner → Parquet (limit)", "≥ 0.80 ×" if faster == "scanner" else ""),
        ("copy", "COPY → CSV → Parquet (limit)", "≥ 0.80 ×" if faster == "copy" else ""),
        ("smelt", "smelt ingest", ""),
        ("dlt", "dlt sql_database, pyarrow", "≥ 4.00 ×"),
        ("connectorx", "connectorx → Arrow → Parquet", ""),
    ):
        if name in best:
            ratio = "" if name == "smelt" else f"{best[name].wall / smelt.wall:.2f} ×"
            table.add_row(label, *_figures(best[name], ROWS), ratio, wanted)
    if small:
        ratio = f"memory {smelt.peak_mib / small.peak_mib:.2f} ×"
        table.add_row(f"smelt ingest, {SMALL:,} rows", *_figures(small, SMALL), ratio, "flat")
    return table


def _figures(cost: Cost, rows: int) -> tuple[str, str, str, str]:
    return f"{cost.wall:.1f}", f"{rows / cost.wall:,.0f}", f"{cost.cpu:.1f}", f"{cost.peak_mib:,.0f}"
