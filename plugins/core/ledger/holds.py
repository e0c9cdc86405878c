"""Streams that are held back while a proposal waits: read from and written to the append-only `drift_holds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import select

from plugins.core.lake.pin import Pin
from plugins.core.ledger.run import Run
from plugins.core.ledger.store import Ledger
from plugins.core.ledger.tables import TABLES

_TABLE = "drift_holds"

Reason = Literal["merged", "undone", "closed", "by hand"]


@dataclass(frozen=True)
class Hold:
    """A stream whose source drifted, and how it was before.

    pin: the bronze snapshot that builds read meanwhile; None: the table had none. is_blocking: whether builds are
    held at it, or a proposal only waits. compared_with: the published run that the source is compared with until
    this is over. fingerprint: of the changes; the same drift has the same. detail: JSON, what the proposal came
    to. since: when it began (UTC).
    """

    source: str
    stream: str
    pin: Pin | None
    is_blocking: bool
    proposal_id: str | None
    fingerprint: str
    changes: tuple[Mapping[str, Any], ...] = ()
    compared_with: str | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`source.stream`."""
        return f"{self.source}.{self.stream}"

    @property
    def table(self) -> str:
        """The bronze table, without its namespace."""
        return f"{self.source}__{self.stream}"


@dataclass(frozen=True)
class Released:
    """A hold that is over, why, and when (UTC)."""

    hold: Hold
    reason: str
    at: datetime


def open_holds(ledger: Ledger) -> tuple[Hold, ...]:
    """What waits for a decision now, by stream; those that aren't blocking too."""
    return tuple(one for one in _newest(ledger) if isinstance(one, Hold))


def released_holds(ledger: Ledger) -> tuple[Released, ...]:
    """The last hold of each stream that has none now."""
    return tuple(one for one in _newest(ledger) if isinstance(one, Released))


def hold(run: Run, *holds: Hold) -> None:
    """Hold these streams back from now on; those that are held already are updated. All in one transaction."""
    known = {one.name for one in open_holds(run.ledger)}
    run.append(_TABLE, *(_row(one, "updated" if one.name in known else "held") for one in holds))


def release(run: Run, *holds: Hold, reason: Reason) -> None:
    """Let builds read everything of these streams again. All in one transaction."""
    run.append(_TABLE, *({**_row(one, "released"), "reason": reason} for one in holds))


def _row(hold: Hold, event: str) -> dict[str, Any]:
    return {
        "source": hold.source,
        "stream": hold.stream,
        "event": event,
        "reason": None,
        "is_blocking": hold.is_blocking,
        "proposal_id": hold.proposal_id,
        "metadata_location": hold.pin.metadata_location if hold.pin else None,
        "snapshot_id": hold.pin.snapshot_id if hold.pin else None,
        "compared_with": hold.compared_with,
        "fingerprint": hold.fingerprint,
        "changes": [dict(one) for one in hold.changes],
        "detail": dict(hold.detail),
    }


def _newest(ledger: Ledger) -> Sequence[Hold | Released]:
    """The last word on each stream, by name."""
    table = TABLES[_TABLE]
    found: dict[str, Hold | Released] = {}
    for row in ledger.read(select(table).order_by(table.c.at, table.c.event_id)):
        current = _read(row)
        before = found.get(current.name)
        if isinstance(before, Hold):
            current = replace(current, since=before.since)
        found[current.name] = (
            Released(current, row["reason"], _utc(row["at"])) if row["event"] == "released" else current
        )
    return [found[name] for name in sorted(found)]


def _read(row: Mapping[str, Any]) -> Hold:
    table = f"{row['source']}__{row['stream']}"
    location = row["metadata_location"]
    return Hold(
        source=row["source"],
        stream=row["stream"],
        pin=Pin("bronze", table, location, row["snapshot_id"]) if location else None,
        is_blocking=row["is_blocking"],
        proposal_id=row["proposal_id"],
        fingerprint=row["fingerprint"] or "",
        changes=tuple(row["changes"] or ()),
        compared_with=row["compared_with"],
        since=_utc(row["at"]),
        detail=row["detail"] or {},
    )


def _utc(time: datetime) -> datetime:
    """SQLite forgets the zone."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
