"""What the ledger knows of streams: which schema versions there were, and which loads brought them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, func, select

from plugins.core.ledger import TABLES, Ledger
from plugins.schema_drift.observing.found import plain_type
from plugins.schema_drift.table import Column

Stream = tuple[str, str]
"""Source and stream."""


@dataclass(frozen=True)
class Version:
    """A schema version of a stream: its columns as pulled, when it was first seen (UTC), and by which load.

    has_rows: whether that load brought rows; snapshot_id: what the table was after it.
    """

    number: int
    at: datetime
    columns: tuple[Column, ...]
    batch_id: str | None
    snapshot_id: int | None
    has_rows: bool


@dataclass(frozen=True)
class Records:
    """The ledger of one project, as far as streams go."""

    ledger: Ledger

    def versions(self) -> dict[Stream, list[Version]]:
        """The schema versions of every stream, oldest first."""
        versions, loads = TABLES["schema_versions"], TABLES["stream_loads"]
        same = [versions.c[name] == loads.c[name] for name in ("run_id", "source", "stream")]
        query = (
            select(
                *(versions.c[name] for name in ("source", "stream", "version", "at", "columns")),
                *(loads.c[name] for name in ("batch_id", "snapshot_id", "outcome")),
            )
            .select_from(versions.outerjoin(loads, and_(*same)))
            .order_by(versions.c.version, versions.c.event_id)
        )
        found: dict[Stream, list[Version]] = {}
        for row in self.ledger.read(query):
            columns = tuple(Column(one["name"], plain_type(one["type"])) for one in row["columns"])
            found.setdefault((row["source"], row["stream"]), []).append(
                Version(
                    row["version"],
                    _utc(row["at"]),
                    columns,
                    row["batch_id"],
                    row["snapshot_id"],
                    row["outcome"] == "loaded",
                )
            )
        return found

    def pinned_at(self, run_id: str) -> datetime | None:
        """When a build chose its pins."""
        pins = TABLES["pins"]
        rows = self.ledger.read(select(func.min(pins.c.at).label("at")).where(pins.c.run_id == run_id))
        return _utc(rows[0]["at"]) if rows and rows[0]["at"] is not None else None

    def batch_of(self, snapshot_ids: Collection[int]) -> dict[int, str]:
        """The batch that made each of these snapshots, where a load says so."""
        loads = TABLES["stream_loads"]
        query: Any = select(loads.c.snapshot_id, func.min(loads.c.batch_id).label("batch_id")).where(
            loads.c.snapshot_id.in_(list(snapshot_ids)), loads.c.outcome == "loaded"
        )
        return {
            row["snapshot_id"]: row["batch_id"] for row in self.ledger.read(query.group_by(loads.c.snapshot_id))
        }

    def last_batch(self, stream: Stream, before: datetime) -> str | None:
        """The newest batch with rows that a stream had before a time."""
        loads = TABLES["stream_loads"]
        query = select(func.max(loads.c.batch_id).label("batch_id")).where(
            loads.c.source == stream[0],
            loads.c.stream == stream[1],
            loads.c.outcome == "loaded",
            loads.c.at < before,
        )
        return self.ledger.read(query)[0]["batch_id"]

    def first_load(self, stream: Stream, after_batch: str | None) -> tuple[str, datetime] | None:
        """The oldest load with rows that came after a batch, and when."""
        loads = TABLES["stream_loads"]
        query: Any = select(loads.c.batch_id, loads.c.at).where(
            loads.c.source == stream[0], loads.c.stream == stream[1], loads.c.outcome == "loaded"
        )
        if after_batch is not None:
            query = query.where(loads.c.batch_id > after_batch)
        rows = self.ledger.read(query.order_by(loads.c.batch_id).limit(1))
        return (rows[0]["batch_id"], _utc(rows[0]["at"])) if rows else None

    def failures(self) -> dict[Stream, str]:
        """Why the newest load of a stream failed, for those whose did."""
        loads = TABLES["stream_loads"]
        newest = select(func.max(loads.c.event_id)).group_by(loads.c.source, loads.c.stream)
        query: Any = select(loads.c.source, loads.c.stream, loads.c.error).where(
            loads.c.event_id.in_(newest), loads.c.outcome == "failed"
        )
        return {(row["source"], row["stream"]): row["error"] or "" for row in self.ledger.read(query)}


def version_at(
    versions: list[Version], snapshot_id: int | None, batch: str | None, at: datetime
) -> Version | None:
    """The version that a snapshot has, pinned at a time; None: the stream had none yet.

    A version without rows of its own leaves the snapshot as it was, so that only the time tells. One with rows
    came with its batch: it may be recorded after the pin was chosen, and a pin may be held at an older batch.
    """
    known = [
        version
        for version in versions
        if (version.snapshot_id == snapshot_id and version.has_rows)
        or (version.at <= at and not _is_later(version, batch))
    ]
    return known[-1] if known else None


def _is_later(version: Version, batch: str | None) -> bool:
    return version.has_rows and batch is not None and version.batch_id is not None and version.batch_id > batch


def _utc(time: datetime) -> datetime:
    """SQLite forgets the zone."""
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
