"""The contestants of the PostgreSQL benchmark, each run in a process of its own.

usage: python -m bench.postgres_workers smelt|scanner|copy|dlt DSN TABLE,… FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

_TYPES = {
    "id": "bigint", "customer_id": "integer", "status": "smallint", "price": "decimal(12, 2)",
    "amount": "decimal(12, 2)", "rate": "decimal(10, 4)", "score": "double", "is_active": "boolean",
    "created_at": "timestamp", "updated_at": "timestamptz", "day": "date", "token": "varchar", "name": "varchar",
    "note": "varchar", "code": "varchar", "reference": "bigint",
}  # fmt: skip


def smelt(_dsn: str, tables: Sequence[str], folder: Path) -> None:
    """`smelt ingest` of the streams into an empty lake."""
    import ingest.extract.postgres  # noqa: F401 - imports stay off the clock
    from ingest.runner import run
    from plugins.core.settings import load_settings

    settings = load_settings(folder)

    def work() -> None:
        failed = [result.error for result in run(settings, [f"bench.{table}" for table in tables]) if result.error]
        if failed:
            raise RuntimeError("; ".join(failed))

    _timed(work)


def scanner(dsn: str, tables: Sequence[str], folder: Path) -> None:
    """A limit: DuckDB's postgres_scanner straight to Parquet, no catalog, no audit columns."""
    from plugins.core import duck

    def work() -> None:
        # As Smelt's, its clock begins before the extension is loaded and the server is connected to.
        con = duck.connect(extensions=("postgres_scanner",))
        con.execute("set preserve_insertion_order = false")
        con.execute(f"attach {duck.literal(dsn)} as source (type postgres, read_only)")
        _side_by_side(lambda table: copy_one(con.cursor(), table), tables)

    def copy_one(con: duckdb.DuckDBPyConnection, table: str) -> None:
        target = duck.literal(str(folder / f"{table}.parquet"))
        con.execute(f"copy (select * from source.public.{table}) to {target} (compression zstd)")

    _timed(work)


def copy(dsn: str, tables: Sequence[str], folder: Path) -> None:
    """A limit: `COPY … TO STDOUT` as CSV, through a pipe into DuckDB, to Parquet."""
    import psycopg

    from plugins.core import duck

    def send(table: str, pipe: Path) -> None:
        with psycopg.connect(dsn) as connection, pipe.open("wb") as file:
            connection.execute("set timezone = 'UTC'")
            query = f"copy (select * from {table}) to stdout (format csv)"
            with connection.cursor().copy(query) as rows:  # type: ignore[arg-type]
                for data in rows:
                    file.write(data)

    def work() -> None:
        con = duck.connect(extensions=())
        con.execute("set preserve_insertion_order = false")
        _side_by_side(lambda table: copy_one(con.cursor(), table), tables)

    def copy_one(con: duckdb.DuckDBPyConnection, table: str) -> None:
        pipe = folder / f"{table}.csv"
        os.mkfifo(pipe)
        columns = ", ".join(f"{name}: {duck.literal(kind)}" for name, kind in _TYPES.items())
        read = f"read_csv({duck.literal(str(pipe))}, header = false, auto_detect = false, columns = {{{columns}}})"
        target = duck.literal(str(folder / f"{table}.parquet"))
        with ThreadPoolExecutor(1) as executor:
            sending = executor.submit(send, table, pipe)
            con.execute(f"copy (select * from {read}) to {target} (compression zstd)")
            sending.result()

    _timed(work)


def dlt(dsn: str, tables: Sequence[str], folder: Path) -> None:
    """dlt's sql_database with its pyarrow backend, into Parquet files."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt as library
    from dlt.sources.sql_database import sql_database

    pipeline = library.pipeline(
        "bench",
        pipelines_dir=str(folder / "dlt"),
        destination=library.destinations.filesystem(bucket_url=str(folder / "dlt_out")),
        dataset_name="bench",
    )
    source = sql_database(dsn, table_names=list(tables), backend="pyarrow", chunk_size=100_000)
    _timed(lambda: pipeline.run(source, loader_file_format="parquet"))


def _side_by_side(work: Callable[[str], None], tables: Sequence[str]) -> None:
    with ThreadPoolExecutor(len(tables)) as executor:
        list(executor.map(work, tables))


def _timed(work: Callable[[], object]) -> None:
    started = time.perf_counter()
    work()
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    contestant = {"smelt": smelt, "scanner": scanner, "copy": copy, "dlt": dlt}[sys.argv[1]]
    contestant(sys.argv[2], sys.argv[3].split(","), Path(sys.argv[4]))
