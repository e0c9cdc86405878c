"""Published runs that go: while sources are followed, a run is published every few seconds."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ulid import ULID

from plugins.core.ledger import Ledger, open_holds
from plugins.core.settings import Settings
from plugins.core.settings.lake import MaintenanceSettings, RetentionSettings
from plugins.core.warehouse.lock import queue_for
from plugins.core.warehouse.pinned import run_files
from plugins.core.warehouse.published import current_run


def plan_pruning(
    runs: Mapping[str, datetime],
    needed: Collection[str],
    maintenance: MaintenanceSettings,
    retention: RetentionSettings,
    now: datetime,
) -> list[str]:
    """Ids of the runs that go: all but the newest, those `needed`, and the last of each hour, day and month (UTC).

    Hours are those of the last day. runs: when each was begun.
    """
    ordered = sorted(runs, key=lambda run: (runs[run], run))
    hours = [
        run for run in ordered if now - runs[run] <= min(timedelta(days=1), timedelta(days=retention.silver_days))
    ]
    days = [run for run in ordered if now - runs[run] <= timedelta(days=retention.silver_days)]
    months = [run for run in ordered if now - runs[run] <= timedelta(days=retention.gold_days)]
    last_of_hour = {(runs[run].date(), runs[run].hour): run for run in hours}
    last_of_day = {runs[run].date(): run for run in days}
    last_of_month = {(runs[run].year, runs[run].month): run for run in months}
    last = {*last_of_hour.values(), *last_of_day.values(), *last_of_month.values()}
    kept = {*ordered[-maintenance.published_runs :], *needed, *last}
    return [run for run in ordered if run not in kept]


def prune_runs(settings: Settings, *, is_dry: bool = False) -> list[str]:
    """Remove runs that can't be rolled back to any more; returns their ids. Their tables' files go later.

    The run that readers see stays, and each that a stream which is held back is compared with.
    """
    paths = run_files(settings)
    if len(paths) <= settings.maintenance.published_runs:
        return []
    with queue_for(settings.published_dir / "catalog"):
        current = current_run(settings)
        needed = {hold.compared_with for hold in open_holds(Ledger(settings)) if hold.compared_with}
        needed |= {current.id} if current else set()
        begun = {path.stem: at for path in run_files(settings) if (at := _begun(path)) is not None}
        gone = plan_pruning(begun, needed, settings.maintenance, settings.retention, datetime.now(UTC))
        for run_id in [] if is_dry else gone:
            path = settings.published_dir / "runs" / run_id
            path.with_suffix(".duckdb").unlink(missing_ok=True)
            shutil.rmtree(path, ignore_errors=True)
    return gone


def _begun(path: Path) -> datetime | None:
    """When the run began, as its id says; None if it says nothing."""
    try:
        return ULID.from_str(path.stem).datetime
    except ValueError:
        return None
