"""Keeps what the source tables of a project are, in one file, to be compared with what they will be."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.schema_drift.observing.found import HASH, ROW, Found, Rows, Wanted, Warehouse, first_line, hash_sql
from plugins.schema_drift.observing.keys import infer_key, known_key
from plugins.schema_drift.observing.looking import Look, look
from plugins.schema_drift.observing.manifest import source_manifest
from plugins.schema_drift.observing.snapshot_file import About, KeptTable, describe, lay_out
from plugins.schema_drift.observing.warehouse import connect, open_warehouse
from plugins.schema_drift.observing.watched import Watched
from plugins.schema_drift.table import Table

NEW = "smelt_drift_new"


@dataclass(frozen=True)
class Snapshot:
    """What was kept. tables, rows: how many are in it. notes: what could not be read, and why."""

    path: Path
    at: datetime
    tables: int
    rows: int
    notes: tuple[str, ...] = ()


def snapshot_path(settings: Settings) -> Path:
    """Where the newest snapshot is, unless another path is given."""
    return settings.project_dir / settings.drift.snapshot.replace("{root}", str(settings.local_root))


def take_snapshot(
    project: Project,
    settings: Settings,
    path: Path | None = None,
    select: Sequence[str] = (),
    on_progress: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Write columns, keys and sampled rows of the project's source tables to one file, in one step.

    path: default: the settings'; the one that is there is kept beside it, and a few before it. select: names of
    sources or `source.table`. A table that cannot be read is noted. Raises SmeltError if nothing can be, and where
    a part would take the place of the whole.
    """
    default = snapshot_path(settings)
    target = path if path is not None else default
    if select and path is None and default.exists():
        raise SmeltError(
            f"{default} is of all sources, and {', '.join(select)} would take its place",
            "give another file with --output, or leave --select out",
        )
    if path is None and default.is_relative_to(settings.local_root):
        settings.make_local_root()
    manifest = source_manifest(project)
    at = datetime.now(UTC)
    about = About(at, manifest.project_name, project.target or "", manifest.adapter)
    with (
        tempfile.TemporaryDirectory(prefix="smelt-drift-") as folder,
        connect(Path(folder)) as con,
        open_warehouse(con, project, settings, manifest.adapter, Path(folder)) as warehouse,
    ):
        seen = look(manifest, warehouse, select)
        keeping = _Keeping(con, warehouse, settings.drift.sample_rows, on_progress)
        try:
            beside = _write(keeping, seen, about, target)
            _put_in_place(beside, target, settings.drift.kept_snapshots if path is None else 0)
        except OSError as error:
            raise SmeltError(f"{target} cannot be written: {error}", "free the place, or give another") from error
    rows = sum(one.sampled or 0 for one in keeping.kept)
    tables = sum(one.is_watched and one.error is None for one in keeping.kept)
    return Snapshot(target, at, tables, rows, tuple(keeping.notes))


@dataclass
class _Keeping:
    """Tables are kept one after the other; `kept` is what is done, `notes` what could not be read."""

    con: duckdb.DuckDBPyConnection
    warehouse: Warehouse
    sample_rows: int
    on_progress: Callable[[str], None]
    kept: list[KeptTable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def keep_all(self, seen: Look) -> None:
        """Every table that is looked at, with rows, and the columns of the others."""
        present = {one.id: found for one, found in seen.tables if found is not None}
        counted = self.warehouse.count(list(present.values()))
        present = dict(zip(present, counted, strict=True))
        for done, (watched, found) in enumerate(seen.tables):
            if found is None:
                self.notes.append(f"{watched.name}: the warehouse has no {watched.schema}.{watched.identifier}")
                continue
            self.on_progress(f"keeping {watched.name} ({done + 1} of {len(seen.tables)})")
            self.kept.append(self._keep(watched, present[watched.id]))
        for found in (*seen.others, *seen.left_out):
            name = f"{found.schema}.{found.identifier}"
            table = Table(name, name, found.place, found.columns)
            self.kept.append(KeptTable(len(self.kept), table, False))

    def _keep(self, watched: Watched, found: Found) -> KeptTable:
        number = len(self.kept)
        key = known_key(found, watched.key)
        table = Table(watched.id, watched.name, found.place, found.columns, key, found.rows)
        if found.error is not None:
            self.notes.append(f"{watched.name} cannot be read: {found.error}")
            return KeptTable(number, table, True, error=found.error)
        if found.has_twins:
            self.notes.append(f"{watched.name}: columns differ only in case; its rows are not kept")
            return KeptTable(number, table, True)
        try:
            rows = self.warehouse.rows(found, Wanted(key, self.sample_rows))
            inferred = () if key else infer_key(self.con, rows.sql, found.columns, found.identifier)
            if inferred and (rows.is_sample or rows.hashed is not None):
                # The rows with the smallest hashes of that key, which will be the same ones next time.
                rows = self.warehouse.rows(found, Wanted(inferred, self.sample_rows))
            sampled = self._copy(number, rows, found, key or inferred)
        # Drivers raise whatever they do; the other tables are still worth keeping.
        except Exception as error:  # noqa: BLE001
            self.notes.append(f"{watched.name} cannot be read: {first_line(error)}")
            self.con.execute(f"drop table if exists {NEW}.rows.t{number}")
            return KeptTable(number, table, True, error=first_line(error))
        up_to = None
        if rows.is_sample:
            up_to = self.con.execute(f"select max({HASH}) from {NEW}.rows.t{number}").fetchall()[0][0]
        return KeptTable(number, replace(table, key=key or inferred), True, not key, sampled, up_to)

    def _copy(self, number: int, rows: Rows, found: Found, key: tuple[str, ...]) -> int:
        named = ", ".join(f"{duck.quote(column.name)} as c{n}" for n, column in enumerate(found.columns))
        hashed = HASH if rows.hashed is not None else f"{hash_sql(key)} as {HASH}"
        source = rows.hashed or rows.sql
        self.con.execute(f"create table {NEW}.rows.t{number} as select {named}, {hashed} from {source} as {ROW}")
        return self.con.execute(f"select count(*) from {NEW}.rows.t{number}").fetchall()[0][0]


def _write(keeping: _Keeping, seen: Look, about: About, target: Path) -> Path:
    """The file, whole, beside its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    con = keeping.con
    try:
        con.execute(f"attach {duck.literal(str(beside))} as {NEW} (block_size 16384)")
        # Written to the log first, everything would be written twice; a file that is not whole is thrown away.
        con.execute("set checkpoint_threshold = '1GB'")
        # What is in it is as confidential as the source, also while it is written.
        beside.chmod(0o600)
        lay_out(con, NEW, about)
        keeping.keep_all(seen)
        describe(con, NEW, keeping.kept)
        con.execute(f"checkpoint {NEW}")
        con.execute(f"detach {NEW}")
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return beside


def _put_in_place(beside: Path, target: Path, kept: int) -> None:
    """Replace the snapshot that is there; it and those before become `snapshot-1`, `snapshot-2`, …"""

    def earlier(number: int) -> Path:
        return target.with_name(f"{target.stem}-{number}{target.suffix}") if number else target

    if kept and target.exists():
        for number in range(kept, 1, -1):
            if earlier(number - 1).exists():
                os.replace(earlier(number - 1), earlier(number))
        # Both names, so that at no time there is none.
        earlier(1).unlink(missing_ok=True)
        os.link(target, earlier(1))
    os.replace(beside, target)
