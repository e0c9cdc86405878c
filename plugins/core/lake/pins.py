"""Choosing pins: the snapshot of each table at a time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugins.core.errors import SmeltError
from plugins.core.lake.catalog import Lake
from plugins.core.lake.gaps import BEFORE_ALL, read_gaps
from plugins.core.lake.in_place import in_place_sql, read_in_place
from plugins.core.lake.pin import Pin
from plugins.core.lake.state import EPOCH, LOG, UNSENT, read_state


def pin_namespace(
    lake: Lake, namespace: str, as_of: datetime | None = None, *, names: Collection[str] | None = None
) -> list[Pin]:
    """A pin for each table of `namespace`: its current snapshot, or the newest one committed up to `as_of` (UTC).

    Tables of a source whose changes are captured are all pinned at one place of its log, so that its transactions
    are whole. names: only these tables.
    """
    present = lake.tables(namespace)
    wanted = present if names is None else [name for name in present if name in names]
    sources = {name.partition("__")[0] for name in wanted}
    # A log's table is committed last, so it is loaded first: the others are then as far, or further.
    logs = {
        source: lake.table(f"{namespace}.{name}")
        for name in present
        if name.endswith(LOG) and (source := name.removesuffix(LOG)) in sources
    }
    epochs = {source: _epoch(log, _snapshot_at(log, as_of)) for source, log in logs.items()}
    return [
        _pin(namespace, name, lake.table(f"{namespace}.{name}"), as_of, epochs.get(name.partition("__")[0]))
        for name in wanted
    ]


def metadata_locations(lake: Lake, namespace: str) -> dict[str, str]:
    """The current metadata file of each table of `namespace`; what is as it was has not been written to.

    A catalog in a database is asked once for all, any other once a table.
    """
    if isinstance(lake.catalog, SqlCatalog):
        rows = select(IcebergTables.table_name, IcebergTables.metadata_location).where(
            IcebergTables.catalog_name == lake.catalog.name, IcebergTables.table_namespace == namespace
        )
        with Session(lake.catalog.engine) as session:
            return {name: location for name, location in session.execute(rows) if location is not None}
    return {name: lake.table(f"{namespace}.{name}").metadata_location for name in lake.tables(namespace)}


def _epoch(table: Table, snapshot_id: int | None) -> str:
    """The epoch of a snapshot; "" if it has none, which is before all others."""
    snapshot = table.metadata.snapshot_by_id(snapshot_id) if snapshot_id else None
    return (snapshot.summary[EPOCH] or "") if snapshot and snapshot.summary else ""


def _up_to(table: Table, snapshot_id: int | None, epoch: str) -> int | None:
    """The newest snapshot from `snapshot_id` back that is not beyond `epoch`.

    Not along parents: where one has expired, the snapshot after it has none any more.
    """
    start = table.metadata.snapshot_by_id(snapshot_id) if snapshot_id is not None else None
    if start is None or _epoch(table, snapshot_id) <= epoch:
        return snapshot_id
    before = [
        snapshot
        for snapshot in table.metadata.snapshots
        if (snapshot.sequence_number or 0) < (start.sequence_number or 0)
        and _epoch(table, snapshot.snapshot_id) <= epoch
    ]
    newest = max(before, key=lambda snapshot: snapshot.sequence_number or 0, default=None)
    return newest.snapshot_id if newest else None


def _require_kept(table: Table, snapshot_id: int | None, as_of: datetime | None, epoch: str | None) -> None:
    """Raise SmeltError if a snapshot that expired may have been the one: an older one would be a wrong answer."""
    gap = read_gaps(table.properties).get(BEFORE_ALL if snapshot_id is None else snapshot_id)
    if gap is None or not gap.hides(int(as_of.timestamp() * 1000) if as_of else None, epoch):
        return
    after = min((s.timestamp_ms for s in table.metadata.snapshots if s.timestamp_ms >= gap.at), default=gap.at)
    first, last = (datetime.fromtimestamp(at / 1000, UTC) for at in (gap.at, after))
    wanted = f"{as_of:%Y-%m-%d %H:%M:%S}" if as_of else "now"
    raise SmeltError(
        f"{'.'.join(table.name())} as of {wanted} (UTC) is not kept any more: its snapshots from "
        f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} have expired",
        "choose a whole hour of the last day, a midnight (UTC) of the last days, or the time of a published run; "
        "`retention.bronze_days` and `maintenance.snapshots` say how much is kept",
    )


def _pin(namespace: str, name: str, table: Table, as_of: datetime | None, epoch: str | None) -> Pin:
    if found := read_in_place(table):
        live = {"connection": found.connection, "alias": found.alias, "sql": in_place_sql(found)}
        return Pin(namespace, name, table.metadata_location, None, in_place=live)
    snapshot_id = _snapshot_at(table, as_of)
    if epoch is not None:
        snapshot_id = _up_to(table, snapshot_id, epoch)
    _require_kept(table, snapshot_id, as_of, epoch)
    unsent = read_state(table).position.get(UNSENT)
    if unsent is None or snapshot_id is None:
        return Pin(namespace, name, table.metadata_location, snapshot_id)
    return Pin(namespace, name, table.metadata_location, snapshot_id, unsent["key"], unsent["columns"])


def _snapshot_at(table: Table, as_of: datetime | None) -> int | None:
    if as_of is None:
        current = table.current_snapshot()
        return current.snapshot_id if current else None
    millis = int(as_of.timestamp() * 1000)
    found = table.snapshot_as_of_timestamp(millis)
    return found.snapshot_id if found else None
