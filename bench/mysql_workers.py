"""The contestants of the binlog benchmark, each in a process.

usage: python -m bench.mysql_workers raw|library|smelt|snapshot URL PROJECT START CHANGES
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

# Events of written, updated and deleted rows, and of the end of a transaction.
_ROWS, _XID = {23, 24, 25, 30, 31, 32}, 16


def raw(_url: str, project: Path, start: str, changes: int) -> None:
    """The limit: the log's events, taken and dropped."""
    from ingest.mysql.dump import Dump
    from ingest.mysql.server import Kind, Server
    from plugins.core.settings import load_settings

    dump = Dump(Server(load_settings(project), "bench"), Kind("MariaDB"), start)
    # 1,000 changes a transaction.
    ends = 0
    while ends < changes // 1_000:
        ends += sum(event[4] == _XID for event in dump.read(1.0))
    dump.close()


def library(url: str, _project: Path, start: str, changes: int) -> None:
    """mysql-replication: each row as Python values, and dropped."""
    from pymysqlreplication import BinLogStreamReader
    from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

    parts = urlsplit(url)
    stream = BinLogStreamReader(
        {"host": parts.hostname, "port": parts.port, "user": parts.username}, server_id=77, is_mariadb=True,
        auto_position=start, blocking=True, only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent],
        enable_logging=False,
    )  # fmt: skip
    found = 0
    for event in stream:
        found += len(event.rows)
        if found >= changes:
            break
    stream.close()


def smelt(_url: str, project: Path, _start: str, changes: int) -> None:
    """`smelt ingest`: decoded, typed, in Parquet, committed."""
    from ingest.runner import run
    from plugins.core.settings import load_settings

    (result,) = run(load_settings(project))
    if result.error or result.rows_loaded != changes:
        raise RuntimeError(f"{result.rows_loaded} of {changes} changes: {result.error}")


if __name__ == "__main__":
    import pymysqlreplication  # noqa: F401 - imports stay off the clock

    import ingest.mysql.feed
    import ingest.runner  # noqa: F401 - imports stay off the clock

    contestant = {"raw": raw, "library": library, "smelt": smelt, "snapshot": smelt}[sys.argv[1]]
    started = time.perf_counter()
    contestant(sys.argv[2], Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
    print(json.dumps({"seconds": time.perf_counter() - started}))
