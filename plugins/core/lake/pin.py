"""A pin: one metadata file and snapshot of a table, so that a reader's view never changes under it."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.core.duck import literal


@dataclass(frozen=True)
class Pin:
    """A table frozen at a snapshot. `snapshot_id` is None for a table that never had rows (or had none yet)."""

    namespace: str
    table: str
    metadata_location: str
    snapshot_id: int | None


def scan_sql(pin: Pin) -> str:
    """A DuckDB table expression that reads exactly the pinned snapshot."""
    location = literal(local_path(pin.metadata_location))
    if pin.snapshot_id is None:
        # Nothing was committed yet at the pin: the table's columns, and no rows.
        return f"(select * from iceberg_scan({location}) where false)"
    return f"iceberg_scan({location}, snapshot_from_id = {pin.snapshot_id}::ubigint)"


def local_path(location: str) -> str:
    """A `file://` location as a plain path; other locations unchanged. DuckDB and Arrow both take the result."""
    return location.removeprefix("file://")
