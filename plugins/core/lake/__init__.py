"""The Iceberg lake: tables, the exactly-once commit, pinned snapshots, expiry.

Parquet files with a batch id and a source position go in; committed snapshots come out.
Whoever reads gets a `Pin`: one metadata file and snapshot, which never change under the reader.
"""

from plugins.core.lake.catalog import Lake
from plugins.core.lake.commit import Batch, Committed, StaleBatch, commit_batch
from plugins.core.lake.evolve import BronzeColumn, bronze_columns, ensure_columns
from plugins.core.lake.pins import Pin, pin_namespace, scan_sql
from plugins.core.lake.state import TableState, read_state

__all__ = [
    "Batch",
    "BronzeColumn",
    "Committed",
    "Lake",
    "Pin",
    "StaleBatch",
    "TableState",
    "bronze_columns",
    "commit_batch",
    "ensure_columns",
    "pin_namespace",
    "read_state",
    "scan_sql",
]
