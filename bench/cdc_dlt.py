"""dlt's verified source pg_replication on the CDC benchmark's slot: changes merged into a DuckDB file.

usage: PYTHON-OF-THE-PEERS bench/cdc_dlt.py DSN FOLDER SOURCES
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}


def main(dsn: str, folder: Path, sources: str) -> None:
    """Read until the slot's end, as it was when this began. sources: the folder of the verified sources."""
    sys.path.insert(0, sources)
    import dlt
    from pg_replication import replication_resource  # pyright: ignore[reportMissingImports]

    folder.mkdir()
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / "loaded.duckdb")),
        dataset_name="bench",
    )
    changes = replication_resource("dlt", "smelt_bench", credentials=dsn, target_batch_size=50_000)
    started = time.perf_counter()
    pipeline.run(changes)
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
