"""Pins: one metadata file and snapshot of a table, so that a reader's view never changes under it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pyiceberg.table import Table

from plugins.core.duck import literal
from plugins.core.lake.catalog import Lake, local_path


@dataclass(frozen=True)
class Pin:
    """A table frozen at a snapshot. `snapshot_id` is None for a table that never had rows (or had none yet)."""

    namespace: str
    table: str
    metadata_location: str
    snapshot_id: int | None


def pin_namespace(lake: Lake, namespace: str, as_of: datetime | None = None) -> list[Pin]:
    """A pin for each table of `namespace`: its current snapshot, or the newest one committed up to `as_of` (UTC)."""
    return [
        Pin(namespace, name, table.metadata_location, _snapshot_at(table, as_of))
        for name in lake.tables(namespace)
        for table in [lake.table(f"{namespace}.{name}")]
    ]


def _snapshot_at(table: Table, as_of: datetime | None) -> int | None:
    if as_of is None:
        current = table.current_snapshot()
        return current.snapshot_id if current else None
    millis = int(as_of.timestamp() * 1000)
    found = table.snapshot_as_of_timestamp(millis)
    return found.snapshot_id if found else None


def scan_sql(pin: Pin) -> str:
    """A DuckDB table expression that reads exactly the pinned snapshot."""
    location = literal(local_path(pin.metadata_location))
    if pin.snapshot_id is None:
        # Nothing was committed yet at the pin: the table's columns, and no rows.
        return f"(select * from iceberg_scan({location}) where false)"
    return f"iceberg_scan({location}, snapshot_from_id = {pin.snapshot_id}::ubigint)"
