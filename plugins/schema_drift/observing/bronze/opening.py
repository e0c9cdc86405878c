"""Sets bronze as it was at some pins beside bronze as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from plugins.core import duck
from plugins.core.lake import Lake, Pin, metadata_locations, pin_namespace
from plugins.core.ledger import Ledger, open_holds
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.core.warehouse.published import PublishedRun, current_run, read_run, run_path
from plugins.schema_drift.observing.bronze.compared import Comparing, Moved
from plugins.schema_drift.observing.bronze.now import LETTERS, NAMESPACE
from plugins.schema_drift.observing.bronze.records import Records, version_at
from plugins.schema_drift.observing.bronze.streams import StreamSpec, declared_streams, stream_of
from plugins.schema_drift.observing.inputs import PairInputs
from plugins.schema_drift.observing.manifest import source_manifest
from plugins.schema_drift.observing.pair import Pair
from plugins.schema_drift.observing.watched import Watched, selected, watched_tables


@dataclass(frozen=True)
class Then:
    """A time of bronze. at: when each table's pin was chosen, by its name; others at `pinned_at`.

    is_earlier: the pins are of older snapshots than their metadata's current ones.
    """

    label: str
    pins: Mapping[str, Pin]
    pinned_at: datetime
    at: Mapping[str, datetime] = field(default_factory=dict)
    is_earlier: bool = False

    def time_of(self, table: str) -> datetime:
        """When the pin of this table was chosen."""
        return self.at.get(table, self.pinned_at)


def published_by(settings: Settings, run_id: str) -> Then | None:
    """Bronze as a published run read it; None if no such run was published."""
    path = run_path(settings, run_id)
    return _then_of(Records(Ledger(settings)), read_run(path)) if path.is_file() else None


def _then_of(records: Records, run: PublishedRun) -> Then:
    at = records.pinned_at(run.id) or run.at
    return Then(f"published run {run.id} of {run.at:%Y-%m-%d %H:%M} UTC", {p.table: p for p in run.pins}, at)


def then_of_time(settings: Settings, at: datetime) -> Then:
    """Bronze as it was at a time (UTC), as far back as snapshots are kept."""
    lake = Lake(settings)
    pins = pin_namespace(lake, NAMESPACE, at) if lake.exists() else []
    there = {pin.table: pin for pin in pins if pin.snapshot_id is not None}
    return Then(f"bronze of {at:%Y-%m-%d %H:%M} UTC", there, at, is_earlier=True)


def last_published(settings: Settings) -> Then | None:
    """Bronze as the last published run read it; streams that are held back, as before they were."""
    run = current_run(settings)
    if run is None:
        return None
    records = Records(Ledger(settings))
    then = _then_of(records, run)
    pins, at = dict(then.pins), {}
    for held in open_holds(records.ledger):
        path = run_path(settings, held.compared_with) if held.compared_with else None
        if path is None or not path.is_file():
            continue
        earlier = _then_of(records, read_run(path))
        if held.table in earlier.pins:
            pins[held.table], at[held.table] = earlier.pins[held.table], earlier.pinned_at
        else:
            pins.pop(held.table, None)
    return Then(then.label, pins, then.pinned_at, at)


def open_bronze(
    stack: ExitStack,
    project: Project,
    settings: Settings,
    then: Then | None,
    select: Sequence[str],
    scratch: Path,
) -> Pair:
    """The streams that moved since a time, then and now. then: None: nothing was published yet."""
    lake, records = Lake(settings), Records(Ledger(settings))
    streams = declared_streams(project.folder)
    watched = _watched(project, streams, select)
    if then is None or not lake.exists():
        note = "nothing is published yet, so there is nothing that sources are compared with"
        return Pair(connect_empty(stack), (), (), ("nothing published", "bronze now"), notes=(note,))
    if then.is_earlier and not then.pins:
        note = "nothing had been loaded at that time, so there is nothing that sources are compared with"
        return Pair(connect_empty(stack), (), (), (then.label, "bronze now"), notes=(note,))
    locations = metadata_locations(lake, NAMESPACE)
    tables = [one for one in sorted({*then.pins, *locations}) if not one.endswith(LETTERS)]
    looked = [one for one in tables if not select or one in watched]
    versions = records.versions()
    now = {table: _pin_now(lake, table, then, locations) for table in looked if table in locations}
    batches = records.batch_of({p.snapshot_id for t in looked if (p := then.pins.get(t)) and p.snapshot_id})
    moved = []
    for table in looked:
        spec = stream_of(table, streams)
        known = versions.get((spec.source, spec.name), [])
        pin = then.pins.get(table)
        batch = batches.get(pin.snapshot_id) if pin and pin.snapshot_id else None
        old = version_at(known, pin.snapshot_id, batch, then.time_of(table)) if pin else None
        new = known[-1] if known else None
        if pin is not None and table in now and _is_same(pin, now[table]) and old == new:
            continue
        moved.append(Moved(watched.get(table) or _named(table, spec), spec, pin, now.get(table), old, new, batch))
    con = _connect(stack, scratch) if moved else connect_empty(stack)
    comparing = Comparing(con, lake, records, settings.drift.sample_rows)
    for one in moved:
        comparing.add(one)
    comparing.notes += _failed(records, looked, streams)
    every_pin = {**now, **{t: p for t, p in then.pins.items() if t not in now and t in locations}}
    return Pair(
        con,
        tuple(comparing.before),
        tuple(comparing.after),
        (then.label, "bronze now"),
        (then.pinned_at, None),
        tuple(comparing.notes),
        len(looked),
        comparing.first_told,
        comparing.first_seen,
        PairInputs(tuple(then.pins.values()), tuple(every_pin.values())),
    )


def connect_empty(stack: ExitStack) -> duckdb.DuckDBPyConnection:
    """A connection for when there is nothing to read."""
    return stack.enter_context(duck.connect(":memory:", ()))


def _connect(stack: ExitStack, scratch: Path) -> duckdb.DuckDBPyConnection:
    con = stack.enter_context(duck.connect())
    con.execute(f"set temp_directory = {duck.literal(str(scratch / 'spilled'))}")
    return con


def _watched(project: Project, streams: Mapping[str, StreamSpec], select: Sequence[str]) -> dict[str, Watched]:
    """The dbt sources that read bronze, by table; of streams that no dbt source names, the streams themselves."""
    declared = [one for one in watched_tables(source_manifest(project)) if one.schema.lower() == NAMESPACE]
    known = {one.identifier for one in declared}
    unnamed = [_named(table, spec) for table, spec in streams.items() if table not in known]
    return {one.identifier: one for one in selected([*declared, *unnamed], select)}


def _named(table: str, spec: StreamSpec) -> Watched:
    return Watched(f"{NAMESPACE}.{table}", f"{spec.source}.{spec.name}", "", NAMESPACE, table)


def _pin_now(lake: Lake, table: str, then: Then, locations: Mapping[str, str]) -> Pin:
    pin = then.pins.get(table)
    if not then.is_earlier and pin is not None and pin.metadata_location == locations[table]:
        return pin
    loaded = lake.table(f"{NAMESPACE}.{table}")
    snapshot = loaded.current_snapshot()
    return Pin(NAMESPACE, table, loaded.metadata_location, snapshot.snapshot_id if snapshot else None)


def _is_same(pin: Pin, now: Pin) -> bool:
    return pin.snapshot_id == now.snapshot_id


def _failed(records: Records, looked: Sequence[str], streams: Mapping[str, StreamSpec]) -> list[str]:
    failures = records.failures()
    names = {(spec.source, spec.name) for spec in (stream_of(table, streams) for table in looked)}
    return [
        f"{source}.{stream}: the last load failed, so how the source is now is not known: {error.splitlines()[0]}"
        for (source, stream), error in sorted(failures.items())
        if (source, stream) in names and error
    ]
