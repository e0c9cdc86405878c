"""The contestants of the benchmark of files, each in a process.

usage: python -m bench.files_workers put|list|duckdb|smelt ENDPOINT KEY SECRET FORMAT PROJECT COUNT
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
from obstore.store import S3Store

BUCKET = "bench"


def store(endpoint: str, key: str, secret: str) -> S3Store:
    """A client of the server."""
    return S3Store(
        BUCKET, endpoint=endpoint, region="us-east-1", access_key_id=key, secret_access_key=secret,
        virtual_hosted_style_request=False, client_options={"allow_http": True},
    )  # fmt: skip


def put(endpoint: str, key: str, secret: str, _format: str, _project: Path, count: int) -> None:
    """Small CSV files, 64 at a time."""
    client = store(endpoint, key, secret)

    async def main() -> None:
        slots = asyncio.Semaphore(64)

        async def one(number: int) -> None:
            async with slots:
                await client.put_async(f"keys/{number % 100:02d}/{number:06d}.csv", f"id,v\n{number},a\n".encode())

        for first in range(0, count, 2000):
            await asyncio.gather(*(one(number) for number in range(first, min(count, first + 2000))))

    asyncio.run(main())


def list_keys(endpoint: str, key: str, secret: str, _format: str, _project: Path, count: int) -> None:
    """The limit of a load that finds nothing new: the keys, listed and thrown away."""
    found = sum(len(page) for page in store(endpoint, key, secret).list("keys", chunk_size=1000))
    if found != count:
        raise RuntimeError(f"{found} of {count} keys")


def bare(endpoint: str, key: str, secret: str, format: str, project: Path, count: int) -> None:
    """The limit of a load: DuckDB reads the objects through httpfs and writes Parquet, no more."""
    from plugins.core.duck import load_extensions

    con = duckdb.connect()
    load_extensions(con, ("httpfs",))
    where = urlsplit(endpoint).netloc
    con.execute(
        f"create secret (type s3, key_id '{key}', secret '{secret}', endpoint '{where}', use_ssl false, "
        "url_style 'path', region 'us-east-1')"
    )
    reader = {"csv": "read_csv", "ndjson": "read_ndjson", "parquet": "read_parquet"}[format]
    extra = ", all_varchar = true" if format == "csv" else ""
    query = f"select * from {reader}('s3://{BUCKET}/{format}/*.{format}'{extra})"
    target = project.parent / f"bare-{format}.parquet"
    ((rows,),) = con.execute(f"copy ({query}) to '{target}' (format parquet, compression zstd)").fetchall()
    if rows != count:
        raise RuntimeError(f"{rows} of {count} rows")


def smelt(_endpoint: str, _key: str, _secret: str, format: str, project: Path, count: int) -> None:
    """`smelt ingest` of one stream; COUNT rows must come."""
    from ingest.runner import run
    from plugins.core.settings import load_settings

    (result,) = run(load_settings(project), [f"bench.{format}"])
    if result.error or result.rows_loaded != count:
        raise RuntimeError(f"{result.rows_loaded} of {count} rows: {result.error}")


_WORK: dict[str, Callable[[str, str, str, str, Path, int], None]] = {
    "put": put, "list": list_keys, "duckdb": bare, "smelt": smelt
}  # fmt: skip

if __name__ == "__main__":
    name, endpoint, key, secret, kind, folder, count = sys.argv[1:]
    started = time.perf_counter()
    _WORK[name](endpoint, key, secret, kind, Path(folder), int(count))
    print(json.dumps({"seconds": time.perf_counter() - started}))
