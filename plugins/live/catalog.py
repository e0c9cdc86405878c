"""The catalog file of a published run with its entities as of the newest bronze commit.

    lake/published/live/<run>-<n>.duckdb    what `catalog.duckdb` is between two builds, while sources are followed

The file is a copy of the run's. The views of entities that got new rows read the published table without the keys
that changed, and the current rows of those keys, which lie in the file itself: a reader computes nothing.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from plugins.core import duck
from plugins.core.duck import literal, quote
from plugins.core.lake import Lake, Pin, pin_namespace, scan_sql
from plugins.core.lake.pin import local_path
from plugins.core.ledger import Ledger, open_holds
from plugins.core.project.resources import Manifest
from plugins.core.settings import Settings
from plugins.core.warehouse.published import PublishedRun, current_run, live_path, point_to_live, run_path
from plugins.live.entities import LiveEntity, live_entities
from plugins.live.merging import Fresh, begin, merge

# Readers that found the name of a file open it within this time.
_KEPT_SECONDS = 60.0
_MEMORY = "2GB"


@dataclass(frozen=True)
class Refreshed:
    """What readers see now. rows: bronze rows that views were brought up to date with, by dataset.

    left: datasets that could not be, with the reason; they are as of the last build.
    """

    run_id: str
    rows: Mapping[str, int]
    left: Mapping[str, str]
    seconds: float


@dataclass
class _Base:
    """The run that is being kept current: its entities, and the newest batch that it has of each bronze table."""

    run: PublishedRun
    entities: Sequence[LiveEntity]
    pins: Mapping[str, Pin]
    read_up_to: Mapping[str, str]
    fresh: dict[str, Fresh] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)


class LiveCatalog:
    """Keeps the published catalog current. For one thread; close it when done."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._lake = settings, Lake(settings)
        self._con = _scratch()
        self._base: _Base | None = None
        self._number = 0

    def close(self) -> None:
        """Free the memory; what readers see stays."""
        self._con.close()

    def refresh(self) -> Refreshed | None:
        """Bring the views up to bronze as it is now; None if nothing is published, or nothing is new.

        If a build publishes meanwhile, its run is what readers see, and the next call begins from that.
        """
        started = time.monotonic()
        run = current_run(self._settings)
        if run is None:
            return None
        if self._base is None or self._base.run.id != run.id:
            self._base = self._begin(run)
        if not self._merge_new(self._base):
            return None
        base = self._base
        path = self._write(base)
        if not point_to_live(self._settings, path, run.id):
            path.unlink(missing_ok=True)
            return None
        self._remove_old(path)
        rows = {dataset: fresh.rows for dataset, fresh in base.fresh.items()}
        return Refreshed(run.id, rows, dict(base.left), time.monotonic() - started)

    def file_of(self, run: PublishedRun) -> Path | None:
        """A catalog file of `run`, not for readers yet, with what is newer in bronze; None: nothing is."""
        base = self._begin(run)
        return self._write(base) if self._merge_new(base) else None

    def _begin(self, run: PublishedRun) -> _Base:
        # A new database for each run: one that tables come and go in for days keeps something of each.
        self._con.close()
        self._con = _scratch()
        path = run_path(self._settings, run.id).with_suffix("") / "manifest.json"
        published = {table.dataset for table in run.tables} - {stale.dataset for stale in run.stale}
        entities = live_entities(Manifest.read(path), published) if path.is_file() else []
        wanted = {entity.table for entity in entities}
        pins = {pin.table: pin for pin in run.pins if pin.table in wanted}
        return _Base(run, entities, pins, {name: self._newest_batch(pin) for name, pin in pins.items()})

    def _newest_batch(self, pin: Pin) -> str:
        """The newest batch that a pinned snapshot holds; "" if it is empty: batch ids grow from load to load."""
        ((newest,),) = self._con.execute(f"select max(_smelt_batch_id) from {scan_sql(pin)}").fetchall()
        return newest or ""

    def _merge_new(self, base: _Base) -> bool:
        """Compute what is new of each entity whose bronze table moved on; whether any did."""
        held = {one.table for one in open_holds(Ledger(self._settings)) if one.is_blocking}
        for entity in base.entities:
            if entity.table in held:
                base.fresh.pop(entity.dataset, None)
        tables = {entity.table for entity in base.entities} & base.read_up_to.keys() - held
        pins = {pin.table: pin for pin in pin_namespace(self._lake, "bronze", names=tables)}
        is_new = False
        for entity in base.entities:
            pin = pins.get(entity.table)
            if pin is None or not self._is_ahead(base, entity, pin):
                continue
            is_new = True
            try:
                known = base.fresh.get(entity.dataset) or self._built(base, entity)
                base.fresh[entity.dataset] = merge(self._con, known, pin)
                base.left.pop(entity.dataset, None)
            except duckdb.Error as error:
                base.fresh.pop(entity.dataset, None)
                base.left[entity.dataset] = str(error).splitlines()[0]
        return is_new

    def _built(self, base: _Base, entity: LiveEntity) -> Fresh:
        return begin(self._con, entity, base.run, base.pins[entity.table], base.read_up_to[entity.table])

    def _is_ahead(self, base: _Base, entity: LiveEntity, pin: Pin) -> bool:
        known = base.fresh.get(entity.dataset)
        return pin.snapshot_id != (known.pin if known else base.pins[entity.table]).snapshot_id

    def _write(self, base: _Base) -> Path:
        """The catalog file; nobody sees it before it is pointed to."""
        self._number += 1
        path = live_path(self._settings, base.run.id, f"{os.getpid()}-{self._number:06d}")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        shutil.copyfile(run_path(self._settings, base.run.id), temporary)
        self._con.execute(f"attach {literal(str(temporary))} as live_catalog")
        try:
            self._lay_views(base)
        finally:
            self._con.execute("use memory")
            self._con.execute("detach live_catalog")
        os.replace(temporary, path)
        return path

    def _lay_views(self, base: _Base) -> None:
        con = self._con
        con.execute("use live_catalog")
        con.execute("create schema smelt_live")
        con.execute(
            "create or replace table smelt.live (dataset varchar, stream varchar, table_name varchar, "
            "metadata_location varchar, snapshot_id bigint, rows bigint, refreshed_at timestamptz)"
        )
        now = datetime.now(UTC)
        for dataset, fresh in base.fresh.items():
            values, keys = _tables_of(dataset)
            con.execute(f"create table {values} as from {fresh.values}")
            con.execute(f"create table {keys} as from {fresh.keys}")
            con.execute(_view_sql(con, base.run, fresh.entity, values, keys))
            pin = fresh.pin
            stream = pin.table.replace("__", ".", 1)
            con.execute(
                "insert into smelt.live values (?, ?, ?, ?, ?, ?, ?)",
                [dataset, stream, pin.table, pin.metadata_location, pin.snapshot_id, fresh.rows, now],
            )

    def _remove_old(self, current: Path) -> None:
        """Files that no reader is about to open any more; who has one open keeps it."""
        for path in current.parent.glob("*"):
            try:
                if path != current and time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                    path.unlink()
            except FileNotFoundError:
                continue  # another process removed it


def _scratch() -> duckdb.DuckDBPyConnection:
    con = duck.connect()
    con.execute(f"set memory_limit = '{_MEMORY}'")
    # Each file is read once: kept, they would fill the memory up to its limit.
    con.execute("set enable_external_file_cache = false")
    return con


def _tables_of(dataset: str) -> tuple[str, str]:
    name = dataset.replace(".", "__")
    return f"smelt_live.{quote(name)}", f"smelt_live.{quote(name + '__keys')}"


def _view_sql(
    con: duckdb.DuckDBPyConnection, run: PublishedRun, entity: LiveEntity, values: str, keys: str
) -> str:
    """The entity's view: published rows whose key did not change, and the current rows of those that did.

    Columns and types are those that were published: what Iceberg has no type for was cast there.
    """
    table = run.table(entity.dataset)
    assert table is not None, "entities are chosen among the tables of the run"
    published = f"iceberg_scan({literal(local_path(table.metadata_location))})"
    columns = con.execute(f"describe select * from {published}").fetchall()
    names = ", ".join(f"published.{quote(name)}" for name, *_ in columns)
    casts = ", ".join(f"cast({quote(name)} as {kind}) as {quote(name)}" for name, kind, *_ in columns)
    same = " and ".join(f"changed.{quote(column)} = published.{quote(column)}" for column in entity.key)
    relation = ".".join(map(quote, entity.relation[1:]))
    return (
        f"create or replace view {relation} as "
        f"select {names} from {published} as published "
        f"where not exists (select 1 from {keys} as changed where {same}) "
        f"union all select {casts} from {values}"
    )
