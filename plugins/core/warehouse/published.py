"""What is published: one catalog file per run, and `catalog.duckdb`, which is always one whole run.

    lake/published/catalog.duckdb        what readers open; replaced in one step (os.replace)
    lake/published/runs/<run>.duckdb     the same file of each run, for rollback
    lake/published/runs/<run>/           dbt's artifacts of that run, for deferral in CI
    lake/published/live/                 a run's file with newer rows, while its sources are followed

A catalog file holds views `silver.*` and `gold.*` over Iceberg metadata files that never change, and
tables `smelt.run`, `smelt.tables`, `smelt.pins` and `smelt.stale` that say where they come from, and what is
older than the run: tables made from streams that are held back.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import duckdb

from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import Pin
from plugins.core.lake.pin import local_path
from plugins.core.objects import allow_lake
from plugins.core.settings import Settings
from plugins.core.warehouse.lock import queue_for

CATALOG = "catalog.duckdb"
# Who replaces it holds this lock for as long as it takes.
_SWAP = "swap"


@dataclass(frozen=True)
class PublishedTable:
    """A table of a run: `dataset` is `schema.table`; `bytes` those of its Parquet file."""

    dataset: str
    metadata_location: str
    snapshot_id: int | None
    rows: int
    bytes: int
    is_rewritten: bool
    description: str = ""


@dataclass(frozen=True)
class StaleTable:
    """A table that a run did not build, because streams it is made from are held back.

    dataset: `schema.table`. since: when the first of its streams was held back (UTC). streams: their names.
    reason: what changed there, in a line. proposal_id: of the proposal that would end it; None: there is none.
    published_by: the run whose table readers still get; None: there never was one.
    """

    dataset: str
    since: datetime
    streams: tuple[str, ...]
    reason: str
    proposal_id: str | None
    published_by: str | None


@dataclass(frozen=True)
class PublishedRun:
    """One whole run: its tables, and the bronze snapshots they were built from. `at` is in UTC.

    stale: tables that stayed as an earlier run had published them.
    """

    id: str
    at: datetime
    target: str
    tables: tuple[PublishedTable, ...]
    pins: tuple[Pin, ...]
    stale: tuple[StaleTable, ...] = ()

    def table(self, dataset: str) -> PublishedTable | None:
        """The table of this name, if the run has it."""
        return next((table for table in self.tables if table.dataset == dataset), None)


def catalog_path(settings: Settings) -> Path:
    """The file that readers open."""
    return settings.published_dir / CATALOG


def run_path(settings: Settings, run_id: str) -> Path:
    """The catalog file of one run."""
    return settings.published_dir / "runs" / f"{run_id}.duckdb"


def live_path(settings: Settings, run_id: str, name: str) -> Path:
    """A catalog file of a run with newer rows."""
    return settings.published_dir / "live" / f"{run_id}-{name}.duckdb"


def write_run(settings: Settings, run: PublishedRun) -> None:
    """Write the catalog file of `run`; nobody sees it before `point_to`."""
    path = run_path(settings, run.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with duck.connect(temporary) as con:
        allow_lake(con, settings)
        _write_provenance(con, run)
        _lay_views(con, run.tables)
    os.replace(temporary, path)


def _write_provenance(con: duckdb.DuckDBPyConnection, run: PublishedRun) -> None:
    con.execute("create schema smelt")
    con.execute("create table smelt.run (run_id varchar, published_at timestamptz, target varchar)")
    con.execute("insert into smelt.run values (?, ?, ?)", [run.id, run.at, run.target])
    con.execute(
        "create table smelt.tables (dataset varchar, metadata_location varchar, snapshot_id bigint, "
        "rows bigint, bytes bigint, is_rewritten boolean, description varchar)"
    )
    con.execute(
        "create table smelt.pins (namespace varchar, table_name varchar, metadata_location varchar, "
        "snapshot_id bigint)"
    )
    tables = [
        (t.dataset, t.metadata_location, t.snapshot_id, t.rows, t.bytes, t.is_rewritten, t.description)
        for t in run.tables
    ]
    if tables:
        con.executemany("insert into smelt.tables values (?, ?, ?, ?, ?, ?, ?)", tables)
    pins = [(pin.namespace, pin.table, pin.metadata_location, pin.snapshot_id) for pin in run.pins]
    if pins:
        con.executemany("insert into smelt.pins values (?, ?, ?, ?)", pins)
    _write_stale(con, run.stale)


def _write_stale(con: duckdb.DuckDBPyConnection, tables: Sequence[StaleTable]) -> None:
    con.execute(
        "create table smelt.stale (dataset varchar, since timestamptz, streams varchar[], reason varchar, "
        "proposal_id varchar, published_by varchar)"
    )
    rows = [(t.dataset, t.since, list(t.streams), t.reason, t.proposal_id, t.published_by) for t in tables]
    if rows:
        con.executemany("insert into smelt.stale values (?, ?, ?, ?, ?, ?)", rows)


def _lay_views(con: duckdb.DuckDBPyConnection, tables: Sequence[PublishedTable]) -> None:
    for schema in sorted({table.dataset.split(".")[0] for table in tables}):
        con.execute(f"create schema {duck.quote(schema)}")
    for table in tables:
        name = ".".join(map(duck.quote, table.dataset.split(".", 1)))
        location = duck.literal(local_path(table.metadata_location))
        con.execute(f"create view {name} as from iceberg_scan({location})")
        if table.description:
            con.execute(f"comment on view {name} is {duck.literal(table.description)}")


def point_to(settings: Settings, run_id: str, file: Path | None = None) -> None:
    """Make `run_id` what readers see, in one step; file: of that run, with newer rows.

    Raises SmeltError if that run was never published.
    """
    source = run_path(settings, run_id)
    if not source.is_file():
        known = ", ".join(run.id for run in published_runs(settings)) or "none"
        raise SmeltError(f"run {run_id} was never published (published: {known})", "see `smelt rollback --list`")
    with queue_for(settings.published_dir / _SWAP):
        _swap(settings, file or source)
    reach("publish-after-swap")


def point_to_live(settings: Settings, path: Path, run_id: str) -> bool:
    """Make `path`, a file of `run_id` with newer rows, what readers see; False if they see another run by now."""
    with queue_for(settings.published_dir / _SWAP):
        current = current_run(settings)
        if current is None or current.id != run_id:
            return False
        _swap(settings, path)
    return True


def _swap(settings: Settings, source: Path) -> None:
    temporary = settings.published_dir / f".{CATALOG}.next"
    temporary.unlink(missing_ok=True)
    # A hard link, so that a reader can tell which run's file it is and open that: DuckDB shares one
    # database between all connections of a process to the same path, even when the file was replaced.
    os.link(source, temporary)
    reach("publish-before-swap")
    os.replace(temporary, catalog_path(settings))
    # Renaming a link onto another link of the same file does nothing, and leaves it.
    temporary.unlink(missing_ok=True)


def published_file(settings: Settings) -> Path:
    """The run file that `catalog.duckdb` is now; raises SmeltError if nothing is published."""
    catalog = catalog_path(settings)
    try:
        inode = catalog.stat().st_ino
    except FileNotFoundError:
        raise SmeltError(
            "nothing is published yet", "run `smelt run`, or `smelt ingest` and `smelt build`"
        ) from None
    for folder in ("live", "runs"):
        for path in (settings.published_dir / folder).glob("*.duckdb"):
            with contextlib.suppress(FileNotFoundError):  # of a file that was replaced meanwhile
                if path.stat().st_ino == inode:
                    return path
    return catalog


def current_run(settings: Settings) -> PublishedRun | None:
    """The run that readers see now, or None if nothing is published. Raises SmeltError if the file is damaged."""
    if not catalog_path(settings).is_file():
        return None
    file = published_file(settings)
    stamp = file.stat()
    return _known_run(file, stamp.st_ino, stamp.st_mtime_ns)


@lru_cache(maxsize=8)
def _known_run(path: Path, _inode: int, _modified_ns: int) -> PublishedRun:
    """A file that was read before is not read again: no catalog file ever changes."""
    return read_run(path)


def published_runs(settings: Settings) -> list[PublishedRun]:
    """All runs that can be rolled back to, oldest first."""
    runs = settings.published_dir / "runs"
    return [read_run(path) for path in sorted(runs.glob("*.duckdb"))] if runs.is_dir() else []


def read_run(path: Path) -> PublishedRun:
    """What a catalog file says about itself; raises SmeltError if it is damaged."""
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            run_id, at, target = con.execute(
                "select run_id, epoch_us(published_at), target from smelt.run"
            ).fetchall()[0]
            tables = con.execute("from smelt.tables").fetchall()
            pins = con.execute("from smelt.pins").fetchall()
            stale = _read_stale(con)
    except (duckdb.Error, IndexError) as error:
        raise damaged(path, error) from error
    return PublishedRun(
        run_id,
        _moment(at),
        target,
        tuple(PublishedTable(*row) for row in tables),
        tuple(Pin(*row) for row in pins),
        stale,
    )


def _read_stale(con: duckdb.DuckDBPyConnection) -> tuple[StaleTable, ...]:
    """Empty for runs of a time when nothing was ever held back: their files lack the table."""
    there = "select 1 from duckdb_tables() where schema_name = 'smelt' and table_name = 'stale'"
    if not con.execute(there).fetchone():
        return ()
    rows = con.execute(
        "select dataset, epoch_us(since), streams, reason, proposal_id, published_by from smelt.stale order by 1"
    ).fetchall()
    return tuple(StaleTable(row[0], _moment(row[1]), tuple(row[2]), *row[3:]) for row in rows)


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def damaged(path: Path, error: Exception) -> SmeltError:
    """The message for a catalog file that cannot be read."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else "it is empty"
    return SmeltError(
        f"the published catalog {path} cannot be read: {first}",
        "publish again with `smelt build`, or go back with `smelt rollback RUN` (`--list` shows the runs)",
    )
