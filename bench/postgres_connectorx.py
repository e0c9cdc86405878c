"""connectorx, in an environment of its own: tables of a PostgreSQL to Parquet, by way of Arrow.

usage: python bench/postgres_connectorx.py DSN TABLE,… FOLDER
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import connectorx  # pyright: ignore[reportMissingImports] - of an environment of its own
import pyarrow.parquet as pq


def main(dsn: str, tables: list[str], folder: Path) -> None:
    """Read each table in four parts by its key."""

    def copy_one(table: str) -> None:
        query = f"select * from {table}"
        found = connectorx.read_sql(dsn, query, return_type="arrow", partition_on="id", partition_num=4)
        pq.write_table(found, folder / f"{table}.parquet", compression="zstd")

    with ThreadPoolExecutor(len(tables)) as executor:
        list(executor.map(copy_one, tables))


if __name__ == "__main__":
    started = time.perf_counter()
    main(sys.argv[1], sys.argv[2].split(","), Path(sys.argv[3]))
    print(json.dumps({"seconds": time.perf_counter() - started}))
