"""One writer process for the concurrency tests: commits numbered batches from a handle that goes stale.

usage: writer.py PROJECT_DIR WRITER_NAME BATCHES ROWS
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from plugins.core.lake import Batch, Lake, StaleBatch, commit_batch, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.ledger import new_id
from plugins.core.settings import load_settings

TABLE = "bronze.shared__numbers"


def main(project: str, writer: str, batches: int, rows: int) -> None:
    """Pull the next `rows` numbers after the table's position, `batches` times, whoever else does so too."""
    lake = Lake(load_settings(Path(project)))
    done = 0
    while done < batches:
        state = read_state(lake.table(TABLE))
        start = state.position.get("next", 0)
        batch_id = new_id()
        file = f"{data_folder(lake.table(TABLE))}/{batch_id}.parquet"
        select = f"select i::bigint as n, '{writer}' as writer from range({start}, {start + rows}) as r(i)"
        duckdb.sql(f"copy ({select}) to '{file}'")
        batch = Batch(
            batch_id, [file], state.batch_id, {"next": state.position.get("next")}, {"next": start + rows}
        )
        try:
            commit_batch(lake, TABLE, batch)
        except StaleBatch:
            Path(file).unlink()
            continue
        done += 1


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
