"""Tables that loaders only ever extend: a column that the source dropped is still there, and no longer filled."""

from __future__ import annotations

import duckdb

from plugins.schema_drift.observing.snapshot_file import KeptTable
from plugins.schema_drift.table import SeenTable


def as_appended(con: duckdb.DuckDBPyConnection, now: SeenTable, old: KeptTable | None, alias: str) -> SeenTable:
    """TODO."""
    return now
