"""The balance of each stream, from the model `silver.row_accounting`."""

from __future__ import annotations

import duckdb

from plugins.build.result import RowAccount

_COLUMNS = "stream, bronze_rows, silver_rows, quarantined_rows, superseded_rows, tombstone_rows, is_balanced"


def row_accounts(cursor: duckdb.DuckDBPyConnection) -> tuple[RowAccount, ...]:
    """The balance of each stream; empty in a project without that model."""
    exists = (
        "select 1 from information_schema.tables where table_schema = 'silver' and table_name = 'row_accounting'"
    )
    if not cursor.execute(exists).fetchone():
        return ()
    rows = cursor.execute(f"select {_COLUMNS} from silver.row_accounting order by stream").fetchall()
    return tuple(RowAccount(*counts, expired=0, is_balanced=balanced) for *counts, balanced in rows)
