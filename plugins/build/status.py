"""Where the pipeline stands: last runs, freshness of streams, balance of rows, what is held back and published."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from plugins.build.holding import held_streams
from plugins.build.result import HeldStream, RowAccount
from plugins.core.ledger import TABLES, Ledger, open_holds
from plugins.core.settings import Settings
from plugins.core.warehouse.published import PublishedRun, current_run
from plugins.quality import Freshness, stream_freshness


@dataclass(frozen=True)
class LastRun:
    """The newest run of a kind; `event` is start (running or killed), complete or fail."""

    kind: str
    run_id: str
    event: str
    at: str
    seconds: float | None
    error: str | None


@dataclass(frozen=True)
class Status:
    """Everything `smelt status` shows. held: streams that builds read as they were before their source changed."""

    runs: tuple[LastRun, ...]
    streams: tuple[Freshness, ...]
    accounts: tuple[RowAccount, ...]
    published: PublishedRun | None
    held: tuple[HeldStream, ...] = ()


def status(settings: Settings) -> Status:
    """Read the ledger and the published catalog; waits for nobody."""
    ledger = Ledger(settings)
    return Status(
        runs=_last_runs(ledger),
        streams=tuple(stream_freshness(settings, ledger).values()),
        accounts=_last_accounts(ledger),
        published=current_run(settings),
        held=held_streams(settings, [one for one in open_holds(ledger) if one.is_blocking]),
    )


def _last_runs(ledger: Ledger) -> tuple[LastRun, ...]:
    events = TABLES["run_events"]
    newest: dict[str, LastRun] = {}
    for row in ledger.read(select(events).order_by(events.c.event_id.desc()).limit(1000)):
        at = f"{row['at']:%Y-%m-%d %H:%M:%S}"
        newest.setdefault(
            row["kind"], LastRun(row["kind"], row["run_id"], row["event"], at, row["seconds"], row["error"])
        )
    return tuple(sorted(newest.values(), key=lambda run: run.at, reverse=True))


def _last_accounts(ledger: Ledger) -> tuple[RowAccount, ...]:
    accounts = TABLES["row_accounts"]
    newest: dict[str, RowAccount] = {}
    for row in ledger.read(select(accounts).order_by(accounts.c.event_id.desc()).limit(1000)):
        fields = {name: row[name] for name in RowAccount.__dataclass_fields__}
        newest.setdefault(row["stream"], RowAccount(**fields))
    return tuple(newest[stream] for stream in sorted(newest))


def as_json(value: Status) -> dict[str, Any]:
    """The status as plain values."""
    streams = [{**asdict(stream), "is_late": stream.is_late} for stream in value.streams]
    return {**asdict(value), "streams": streams}
