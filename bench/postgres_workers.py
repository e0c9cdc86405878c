"""The contestants of the PostgreSQL benchmark, each run in a process of its own.

usage: python -m bench.postgres_workers smelt|scanner|dlt DSN TABLE FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path


def smelt(_dsn: str, table: str, folder: Path) -> None:
    """`smelt ingest` of one stream into an empty lake."""
    import ingest.extract.postgres  # noqa: F401 - imports stay off the clock
    from ingest.runner import run
    from plugins.core.settings import load_settings

    settings = load_settings(folder)

    def work() -> None:
        failed = [result.error for result in run(settings, [f"bench.{table}"]) if result.error]
        if failed:
            raise RuntimeError("; ".join(failed))

    _timed(work)


def scanner(dsn: str, table: str, folder: Path) -> None:
    """The limit: DuckDB's postgres_scanner straight to Parquet, no catalog, no audit columns."""
    from plugins.core import duck

    con = duck.connect(extensions=("postgres_scanner",))
    con.execute("set preserve_insertion_order = false")
    con.execute(f"attach {duck.literal(dsn)} as source (type postgres, read_only)")
    target = duck.literal(str(folder / "limit.parquet"))
    _timed(lambda: con.execute(f"copy (select * from source.public.{table}) to {target} (compression zstd)"))


def dlt(dsn: str, table: str, folder: Path) -> None:
    """dlt's sql_database with its pyarrow backend, into Parquet files."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    import dlt as library
    from dlt.sources.sql_database import sql_table

    pipeline = library.pipeline(
        "bench",
        pipelines_dir=str(folder / "dlt"),
        destination=library.destinations.filesystem(bucket_url=str(folder / "dlt_out")),
        dataset_name="bench",
    )
    resource = sql_table(credentials=dsn, table=table, backend="pyarrow", chunk_size=100_000)
    _timed(lambda: pipeline.run(resource, loader_file_format="parquet"))


def _timed(work: Callable[[], object]) -> None:
    started = time.perf_counter()
    work()
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    {"smelt": smelt, "scanner": scanner, "dlt": dlt}[sys.argv[1]](sys.argv[2], sys.argv[3], Path(sys.argv[4]))
