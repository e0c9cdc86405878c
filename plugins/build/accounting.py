"""The balance of each stream, from the model `silver.row_accounting`."""

from __future__ import annotations

import duckdb

from plugins.build.result import RowAccount

_ACCOUNTING = "silver.row_accounting"


def row_accounts(cursor: duckdb.DuckDBPyConnection) -> tuple[RowAccount, ...]:
    """The balance of each stream, from the model `row_accounting`; empty in a project without it."""
    exists = (
        "select 1 from information_schema.tables where table_schema = 'silver' and table_name = 'row_accounting'"
    )
    if not cursor.execute(exists).fetchone():
        return ()
    names = ", ".join(RowAccount.__dataclass_fields__)
    return tuple(
        RowAccount(*row) for row in cursor.execute(f"select {names} from {_ACCOUNTING} order by stream").fetchall()
    )
