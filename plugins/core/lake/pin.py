"""A pin: one metadata file and snapshot of a table, so that a reader's view never changes under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugins.core.duck import literal
from plugins.core.lake.carrying import carried_sql


@dataclass(frozen=True)
class Pin:
    """A table frozen at a snapshot. `snapshot_id` is None for a table that never had rows (or had none yet).

    unsent: columns of change events whose value a source leaves out where it did not change and is large; a reader
    gets the value of the row's version before, found by `key`.
    in_place: the rows are at their source: `sql` reads them there, once `connection` (None: none) is attached as
    `alias`. `scan_sql` gives none of them.
    """

    namespace: str
    table: str
    metadata_location: str
    snapshot_id: int | None
    key: Sequence[str] = ()
    unsent: Sequence[str] = ()
    in_place: Mapping[str, str | None] | None = None


def scan_sql(pin: Pin) -> str:
    """A DuckDB table expression that reads exactly the pinned snapshot."""
    location = literal(local_path(pin.metadata_location))
    if pin.snapshot_id is None:
        # Nothing was committed yet at the pin: the table's columns, and no rows.
        return f"(select * from iceberg_scan({location}) where false)"
    scan = f"iceberg_scan({location}, snapshot_from_id = {pin.snapshot_id}::ubigint)"
    return f"({carried_sql(scan, pin.key, pin.unsent)})" if pin.unsent else scan


def local_path(location: str) -> str:
    """A `file://` location as a plain path; other locations unchanged. DuckDB and Arrow both take the result."""
    return location.removeprefix("file://")
