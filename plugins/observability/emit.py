"""Collects a run's events and hands them to the transports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from plugins.core.errors import SmeltError
from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import Settings
from plugins.observability.dbt_events import DbtEvents, dbt_events
from plugins.observability.ids import in_utc
from plugins.observability.ledger_events import ingest_events, publish_events, run_events
from plugins.observability.transport import append, plain, send

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent


def emit(settings: Settings, run_id: str, artifacts: Path | None) -> str | None:
    """See `plugins.observability.emit_run`."""
    try:
        events, problem = _collect(settings, run_id, artifacts)
        told = plain(events)
        append(settings, told)
        return "; ".join(filter(None, (problem, send(settings, told)))) or None
    except (SmeltError, OSError, SQLAlchemyError) as error:
        return f"lineage events were not written: {error}"


def _collect(settings: Settings, run_id: str, artifacts: Path | None) -> tuple[list[RunEvent], str | None]:
    ledger = Ledger(settings)
    rows = {name: _rows(ledger, name, run_id) for name in ("run_events", "stream_loads", "publishes", "pins")}
    if not rows["run_events"]:
        return [], None
    begun = rows["run_events"][0]
    run_job = f"smelt.{begun['kind']}"
    snapshots = {pin["table_name"]: pin["snapshot_id"] for pin in rows["pins"] if pin["namespace"] == "bronze"}
    built = (
        dbt_events(settings, run_id, run_job, artifacts, in_utc(begun["at"]), snapshots)
        if artifacts
        else DbtEvents()
    )
    events = [
        *run_events(settings, run_id, rows["run_events"], _job_of(ledger, begun["parent_run_id"])),
        *ingest_events(settings, ledger, run_id, run_job, rows["stream_loads"]),
        *built.events,
        *publish_events(settings, run_id, run_job, rows["publishes"], snapshots, built.tables),
    ]
    return events, built.problem


def _rows(ledger: Ledger, name: str, run_id: str) -> list[dict[str, Any]]:
    table = TABLES[name]
    return ledger.read(select(table).where(table.c.run_id == run_id).order_by(table.c.at))


def _job_of(ledger: Ledger, run_id: str | None) -> str:
    rows = _rows(ledger, "run_events", run_id) if run_id else []
    return f"smelt.{rows[0]['kind']}" if rows else "smelt"
