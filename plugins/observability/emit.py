"""Collects a run's events and hands them to the transports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from plugins.core.errors import SmeltError
from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import Settings
from plugins.observability.dbt_events import dbt_events
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
    rows = {
        name: ledger.read(select(TABLES[name]).where(TABLES[name].c.run_id == run_id))
        for name in ("run_events", "stream_loads", "publishes", "pins")
    }
    events = run_events(settings, run_id, rows["run_events"])
    events += ingest_events(settings, ledger, run_id, rows["stream_loads"])
    problem = None
    if artifacts is not None:
        built, problem = dbt_events(settings, run_id, artifacts)
        events += built
    events += publish_events(settings, run_id, rows["publishes"], rows["pins"])
    return events, problem
