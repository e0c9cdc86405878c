"""The contestants of the CDC benchmark that need nothing but Smelt's own environment, each in a process.

usage: python -m bench.cdc_workers raw|smelt DSN PROJECT CHANGES
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from ingest.cdc.server import Server


def raw(dsn: str, _project: Path, changes: int) -> None:
    """The limit: the log's messages, taken and dropped."""
    kinds = frozenset(b"IUD")
    with Server(dsn, "bench").replication() as stream:
        stream.start("raw", "smelt_bench", 0)
        found = 0
        while found < changes:
            message = stream.read()
            if message is None:
                stream.wait(0.1)
            elif message[0] in kinds:
                found += 1


def smelt(_dsn: str, project: Path, changes: int) -> None:
    """`smelt ingest`: decoded, typed, in Parquet, committed, confirmed."""
    from ingest.runner import run
    from plugins.core.settings import load_settings

    (result,) = run(load_settings(project))
    if result.error or result.rows_loaded != changes:
        raise RuntimeError(f"{result.rows_loaded} of {changes} changes: {result.error}")


if __name__ == "__main__":
    import ingest.cdc
    import ingest.runner  # noqa: F401 - imports stay off the clock

    contestant = {"raw": raw, "smelt": smelt}[sys.argv[1]]
    started = time.perf_counter()
    contestant(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    print(json.dumps({"seconds": time.perf_counter() - started}))
