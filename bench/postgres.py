"""PostgreSQL → bronze, 3 M rows × 16 columns: against the fastest direct copy, and against dlt."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Cost, measure, python
from demo.postgres import start_server

ROWS = 3_000_000
SMALL = 300_000
REPEATS = 3

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
    """Fill a PostgreSQL, let the contestants take turns, print the table."""
    folder = Path(tempfile.mkdtemp(prefix="smelt-bench-"))
    server = start_server(folder / "pg")
    try:
        for table, rows in (("wide", ROWS), ("small", SMALL)):
            _fill(server.dsn, table, rows)
        best = {name: _best(name, server.dsn, "wide", folder) for name in ("scanner", "smelt", "dlt")}
        small = _best("smelt", server.dsn, "small", folder)
        console.print(_table(best, small))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


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


def _best(name: str, dsn: str, table: str, folder: Path) -> Cost:
    """The fastest of a few runs, each from scratch; the machine is noisy, the fastest run least so."""
    repeats = 1 if name == "dlt" else REPEATS
    return min(
        (_once(name, dsn, table, folder / f"{name}-{table}-{n}") for n in range(repeats)), key=lambda c: c.wall
    )


def _once(name: str, dsn: str, table: str, work: Path) -> Cost:
    source = work / "sources" / "bench"
    source.mkdir(parents=True)
    (work / "dsn").write_text(dsn)
    (work / "smelt.toml").write_text('[connections.bench]\ntype = "postgres"\ndsn = "file:dsn"\n')
    (source / "source.yml").write_text(
        "kind: postgres\nconnection: bench\nowner: bench\nstreams:\n"
        f"  - {{name: {table}, table: public.{table}, primary_key: [id]}}\n"
    )
    try:
        return measure(python("-m", "bench.postgres_workers", name, dsn, table, str(work)))
    finally:
        shutil.rmtree(work)


def _table(best: dict[str, Cost], small: Cost) -> Table:
    table = Table(title=f"PostgreSQL → bronze, {ROWS:,} rows × 16 columns, best of {REPEATS} (dlt: 1)")
    for column in ("", "wall s", "rows/s", "CPU s", "peak MiB", "smelt against it", "wanted"):
        table.add_column(column, justify="left" if not column else "right")
    smelt = best["smelt"]
    for name, label, wanted in (
        ("scanner", "postgres_scanner → Parquet (limit)", "≥ 0.70 ×"),
        ("smelt", "smelt ingest", ""),
        ("dlt", "dlt sql_database, pyarrow", "≥ 4.00 ×"),
    ):
        cost = best[name]
        ratio = "" if name == "smelt" else f"{cost.wall / smelt.wall:.2f} ×"
        table.add_row(
            label,
            f"{cost.wall:.1f}",
            f"{ROWS / cost.wall:,.0f}",
            f"{cost.cpu:.1f}",
            f"{cost.peak_mib:,.0f}",
            ratio,
            wanted,
        )
    table.add_row(
        f"smelt ingest, {SMALL:,} rows",
        f"{small.wall:.1f}",
        f"{SMALL / small.wall:,.0f}",
        f"{small.cpu:.1f}",
        f"{small.peak_mib:,.0f}",
        f"memory {smelt.peak_mib / small.peak_mib:.2f} ×",
        "flat",
    )
    return table
