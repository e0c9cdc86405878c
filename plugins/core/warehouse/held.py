"""Rows that came to bronze after the snapshot at which a stream is held: in bronze, and in no model yet."""

from __future__ import annotations

from collections.abc import Iterable

from plugins.core import duck
from plugins.core.lake import Lake, Pin, scan_sql
from plugins.core.ledger import Hold


def count_held(lake: Lake, holds: Iterable[Hold]) -> dict[str, int]:
    """Rows held back of each blocking hold's stream, by its name (`source.stream`); reads Parquet footers only."""
    blocking = [one for one in holds if one.is_blocking and one.pin is not None]
    if not blocking:
        return {}
    with duck.connect() as con:
        return {one.name: _rows(con, _newest(lake, one)) - _rows(con, one.pin) for one in blocking}


def _newest(lake: Lake, hold: Hold) -> Pin | None:
    table = lake.find(f"bronze.{hold.table}")
    snapshot = table.current_snapshot() if table else None
    return Pin("bronze", hold.table, table.metadata_location, snapshot.snapshot_id) if table and snapshot else None


def _rows(con: duck.duckdb.DuckDBPyConnection, pin: Pin | None) -> int:
    """Bronze only ever grows, so the difference of two counts is what came between them."""
    if pin is None or pin.snapshot_id is None:
        return 0
    return con.execute(f"select count(*) from {scan_sql(pin)}").fetchall()[0][0]
