"""Between ingest and build: what was decided is released, drift is proposed, and what would break is held back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from plugins.core.errors import SmeltError
from plugins.core.lake import Lake, Pin, pin_namespace
from plugins.core.ledger import Hold, Ledger, open_holds, open_run, released_holds
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.core.warehouse.published import PublishedRun, current_run
from plugins.schema_drift.change import Change, Severity
from plugins.schema_drift.healing.answering import answer_drift
from plugins.schema_drift.healing.prints import print_of, prints_in
from plugins.schema_drift.healing.round import Check, Progress, Propose, Watch, guarded
from plugins.schema_drift.healing.settling import settle_holds
from plugins.schema_drift.healing.streams import read_streams, stream_of
from plugins.schema_drift.healing.taking_back import take_back
from plugins.schema_drift.healing.watched import Watched

if TYPE_CHECKING:
    from plugins.schema_drift.drifting import Checked


def watch(
    settings: Settings,
    project: Project,
    *,
    check: Check,
    propose: Propose,
    on_progress: Progress = lambda _: None,
) -> Watched:
    """Settle what waits, look for drift, propose, and hold back; `plugins.build` respects what is held.

    Where bronze is as the last published run read it and nothing is held, nothing is looked at. What fails is a
    warning: the run goes on. Killed anywhere and run again, the outcome is the same, with one pull request.
    Raises SmeltError only if the ledger or the lake cannot be read.
    """
    started, watched = time.monotonic(), Watched()
    published, ledger = current_run(settings), Ledger(settings)
    holds = open_holds(ledger)
    moved = _moved(settings, published) if published else frozenset()
    if published is not None and (moved or holds):
        watched.looked = True
        with open_run(ledger, "drift") as run:
            streams = dict(
                guarded(watched, lambda: read_streams(settings.project_dir), "schema policies were not read") or {}
            )
            on_progress("settling what waits")
            holds = settle_holds(settings, project, run, holds, watched)
            pins = {pin.table: pin for pin in published.pins}
            one = Watch(settings, project, run, published, check, propose, on_progress, watched, streams, pins)
            _look(one, holds, moved)
            run.detail.update(changes=watched.changes, news=[news.kind for news in watched.news])
    watched.seconds = time.monotonic() - started
    return watched


def _moved(settings: Settings, published: PublishedRun) -> frozenset[str]:
    """Bronze tables that got rows since the published run read them."""
    lake = Lake(settings)
    if not lake.exists():
        return frozenset()
    before = {pin.table: pin.snapshot_id for pin in published.pins}
    return frozenset(
        pin.table for pin in pin_namespace(lake, "bronze") if before.get(pin.table, -1) != pin.snapshot_id
    )


def _look(one: Watch, holds: Sequence[Hold], moved: Iterable[str]) -> None:
    """Check each source that waits against the time before its drift, and all others against what is published."""
    waiting: dict[str, list[Hold]] = {}
    for held in holds:
        waiting.setdefault(held.source, []).append(held)
    others = {stream_of(table, one.streams).source for table in moved if not _is_internal(table)}
    for source, group in waiting.items():
        _check(one, group[0].compared_with, (source,), {source: group})
    if fresh := sorted(others - waiting.keys()):
        _check(one, None, tuple(fresh), {source: [] for source in fresh})


def _is_internal(table: str) -> bool:
    return table.endswith("__dead_letters")


def _check(one: Watch, before: str | None, select: tuple[str, ...], waiting: Mapping[str, Sequence[Hold]]) -> None:
    one.on_progress("looking for drift")
    failed = f"drift of {', '.join(select)} was not looked for"
    checked = guarded(one.watched, lambda: _compare(one, before, select), failed)
    if checked is None:
        return
    checked = _undecided(one, checked)
    one.watched.changes += len(checked.drift.changes)
    for source, holds in waiting.items():
        found = _by_table(checked, source)
        gone = [held for held in holds if held.table not in found]
        kept = take_back(one, gone, has_more=bool(found)) if gone else []
        if found:
            answer_drift(one, checked, source, found, [*(held for held in holds if held.table in found), *kept])


def _compare(one: Watch, before: str | None, select: tuple[str, ...]) -> Checked:
    try:
        return one.check(one.project, one.settings, before, select)
    except SmeltError:
        if before is None:
            raise
        # The run of that time is gone; what is published now has the held streams as they were, too.
        return one.check(one.project, one.settings, None, select)


def _undecided(one: Watch, checked: Checked) -> Checked:
    """Without changes that were decided about, as long as nothing newer of their table has been published."""
    decided = {
        over.hold.table: prints_in(over.hold.changes)
        for over in released_holds(one.run.ledger)
        if over.reason != "undone" and _snapshot(one.pins.get(over.hold.table)) == _snapshot(over.hold.pin)
    }
    tables = _bronze_tables(checked)
    kept = (
        change
        for change in checked.drift.changes
        if print_of(change) not in decided.get(tables.get(change.table, ""), ())
    )
    return replace(checked, drift=replace(checked.drift, changes=tuple(kept)))


def _snapshot(pin: Pin | None) -> int | None:
    return pin.snapshot_id if pin else None


def _bronze_tables(checked: Checked) -> dict[str, str]:
    """Names of bronze tables by the id of the dbt source."""
    tables = (*checked.after, *checked.before)
    return {table.id: table.relation[1] for table in tables if table.relation[0].lower() == "bronze"}


def _by_table(checked: Checked, source: str) -> dict[str, list[Change]]:
    """Changes of a source that are worth telling, by bronze table."""
    of_source = checked.of_source(source)
    tables = _bronze_tables(of_source)
    found: dict[str, list[Change]] = {}
    for change in of_source.drift.changes:
        if change.severity is not Severity.SILENT and change.table in tables:
            found.setdefault(tables[change.table], []).append(change)
    return found
