"""Loading one stream: pull → reconcile → Parquet → commit → ledger → acknowledge."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
from ulid import ULID

from ingest.connections import ConnectionPool
from ingest.extract.base import DeadLetter, Extractor, Pull, PullRequest
from ingest.extract.registry import extractor
from ingest.load.dead_letters import bury
from ingest.load.files import file_stem, next_batch_id, remove_orphans, staging_folder
from ingest.load.frozen import refused
from ingest.load.history import record_load, record_schema
from ingest.load.landing import Landing, plan_landing, pulled_sql, source_sql
from ingest.load.parquet import audited, write_parquet
from ingest.load.reconcile import difference, expose, newest_sql
from ingest.load.result import StreamResult
from ingest.load.types import AUDIT_TYPES, Shape, shape_of
from ingest.retry import Transient, retrying
from ingest.spec import SourceSpec, StreamSpec
from plugins.core import duck
from plugins.core.duck import literal, quote
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import Batch, Lake, Pin, StaleBatch, TableState, commit_batch, read_state, scan_sql
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import file_size, remove_file
from plugins.core.lake.sidecar import Sidecar
from plugins.core.ledger import Run
from plugins.core.objects.faults import unreachable
from plugins.core.settings import mask

# Each loser of a race pulls again; more than this many losses in a row is no race.
_RACES = 30
_LAKE_HINT = "check the server and the keys that lake.storage refers to, and run again; nothing was lost"
_FULL = re.compile(r"No space left|disk is full|File too large|quota exceeded", re.IGNORECASE)


@dataclass(frozen=True)
class Job:
    """One stream to load in one run.

    override: the position to read from instead of the table's; {} reads from the start.
    progress: called with the number of further rows read; watch: with the connection that does the work.
    extractor: what reads the stream; None: what reads sources of its kind.
    """

    lake: Lake
    run: Run
    pool: ConnectionPool
    source: SourceSpec
    stream: StreamSpec
    override: Mapping[str, Any] | None = None
    progress: Callable[[int], None] = lambda _rows: None
    watch: Callable[[duckdb.DuckDBPyConnection, int | None], None] = lambda _con, _estimate: None
    waited: Callable[[Transient, float], None] = lambda _error, _seconds: None
    extractor: Extractor | None = None

    @property
    def identifier(self) -> str:
        """The bronze table."""
        return self.source.identifier(self.stream.name)

    @property
    def name(self) -> str:
        """`source.stream`."""
        return f"{self.source.name}.{self.stream.name}"


class _LakeUnreachable(Transient):
    """The bucket of the lake did not answer; nothing was committed, or the table says that it was."""


@dataclass(frozen=True)
class _Written:
    """What an attempt has prepared for the commit."""

    rows_read: int
    rows_loaded: int
    tombstones: int
    files: list[str]
    bytes: int
    letters: list[DeadLetter]
    notes: tuple[str, ...]
    advance: dict[str, Any]


def load_stream(job: Job) -> StreamResult:
    """Load one stream and record it. Raises SmeltError; whatever happens, each source row lands once."""
    remove_orphans(job.lake, job.identifier)
    sidecar = Sidecar(job.lake, job.identifier)
    if job.lake.find(job.identifier) is not None:
        sidecar.sweep()
    started, result, is_last = time.monotonic(), None, False
    with _kept_folder(job) as keep:
        while not is_last:
            loaded, is_last = _load_next(job, sidecar, keep)
            result = loaded if result is None else result.followed_by(loaded)
            # A position that was asked for is where the first pull begins; the others go on from there.
            job = replace(job, override=None)
    if result is None:
        raise AssertionError("a load pulls at least once")
    return replace(result, seconds=time.monotonic() - started)


@contextmanager
def _kept_folder(job: Job) -> Iterator[Path]:
    folder = staging_folder(job.lake.settings.local_root, str(ULID()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _load_next(job: Job, sidecar: Sidecar, keep: Path) -> tuple[StreamResult, bool]:
    """One pull and its commit, and whether it was the last."""
    for _ in range(_RACES):
        try:
            return retrying(lambda: _attempt(job, sidecar, keep), on_wait=job.waited)
        except StaleBatch:
            # What another writer has loaded meanwhile is no longer pending.
            shutil.rmtree(keep)
            keep.mkdir()
        except _LakeUnreachable as error:
            raise SmeltError(str(error), _LAKE_HINT) from error
        except Transient as error:
            hint = (
                f"start it or correct connection {job.source.connection!r}; `smelt doctor` tests each connection"
            )
            raise SmeltError(str(error), hint) from error
    raise SmeltError(f"{job.name}: other writers always came first", "run fewer writers of this stream at once")


def _attempt(job: Job, sidecar: Sidecar, keep: Path) -> tuple[StreamResult, bool]:
    table = job.lake.find(job.identifier)
    state = read_state(table) if table else TableState(None, {}, None, "")
    batch_id = next_batch_id(state.batch_id)
    workdir = staging_folder(job.lake.settings.local_root, batch_id)
    try:
        with job.pool.lease(job.source) as con:
            con.execute(f"set temp_directory = {literal(str(workdir / 'spill'))}")
            con.execute("create or replace temp sequence smelt_position")
            position = state.position if job.override is None else job.override
            request = PullRequest(
                job.lake.settings, job.source, job.stream, position, con, workdir, job.progress, keep, sidecar
            )
            return _pull_and_commit(job, request, state, batch_id)
    except (duckdb.Error, OSError) as error:
        if told := unreachable(job.lake.root, error):
            raise _LakeUnreachable(mask(told)) from error
        raise
    finally:
        shutil.rmtree(workdir, ignore_errors=True)


def _pull_and_commit(
    job: Job, request: PullRequest, state: TableState, batch_id: str
) -> tuple[StreamResult, bool]:
    started, con, workdir = time.monotonic(), request.con, request.workdir
    pull = (job.extractor or extractor(job.source.kind)).pull(request)
    job.watch(con, pull.estimated_rows)
    reach("after-extract")
    try:
        shape = shape_of(con, pull.relation)
        landing = plan_landing(
            con, job.lake, job.identifier, shape, job.stream.schema_policy, state.snapshot_id is None
        )
        written = _write(job, con, state, pull, shape, landing, batch_id, workdir)
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, OSError) as error:
        raise _explained(job, pull, error) from error
    reach("after-parquet")
    buried = bury(job.lake, f"bronze.{job.source.name}__dead_letters", job.stream.name, written.letters)
    is_moved = {**state.position, **written.advance} != dict(state.position)
    if written.files or is_moved:
        state = _commit(job, state, pull, written, batch_id)
    version = record_schema(job.run, job.source.name, job.stream.name, shape.columns) if shape.columns else None
    result = StreamResult(
        job.source.name,
        job.stream.name,
        outcome="loaded" if written.files else "unchanged",
        rows_read=written.rows_read,
        rows_loaded=written.rows_loaded,
        tombstones=written.tombstones,
        dead_letters=buried,
        bytes=written.bytes,
        batch_id=batch_id if written.files or is_moved else None,
        snapshot_id=state.snapshot_id,
        schema_version=version.number if version else None,
        schema_change=version.change if version else None,
        notes=written.notes,
    )
    result = replace(result, seconds=time.monotonic() - started)
    record_load(job.run, result, dict(state.position))
    reach("before-acknowledge")
    pull.acknowledge()
    reach("after-acknowledge")
    return result, pull.is_last


def _commit(job: Job, state: TableState, pull: Pull, written: _Written, batch_id: str) -> TableState:
    # A position that was asked for on the command line isn't the table's; the batch id still guards the race.
    expected = pull.expected if job.override is None else {}
    batch = Batch(batch_id, written.files, state.batch_id, expected, written.advance)
    try:
        return commit_batch(job.lake, job.identifier, batch).state
    except StaleBatch:
        table = job.lake.table(job.identifier)
        for file in written.files:
            remove_file(table, file)
        raise


def _write(
    job: Job,
    con: duckdb.DuckDBPyConnection,
    state: TableState,
    pull: Pull,
    shape: Shape,
    landing: Landing,
    batch_id: str,
    workdir: Path,
) -> _Written:
    """Write what must be appended to one Parquet file in the table's folder; none if nothing must."""
    table = job.lake.table(job.identifier)
    file = f"{data_folder(table)}/{file_stem(batch_id)}.parquet"
    keys = _keys(job, landing)
    pulled = pulled_sql(pull.relation, shape, landing)
    letters: list[DeadLetter] = []
    tombstones = 0
    if state.snapshot_id is None:
        # Nothing to compare with: the pull streams straight into the table's folder.
        read = f"select *, 'r' as _smelt_op from ({pulled})"
        rows_read = rows = write_parquet(con, audited(read, batch_id), file)
        loaded = f"read_parquet({literal(file)})"
        if not rows:
            remove_file(table, file)
            loaded = f"({_no_rows(landing)})"
    else:
        staged = workdir / "pulled.parquet"
        rows_read = write_parquet(con, pulled, str(staged), compression="compression lz4_raw")
        reach("after-stage")
        loaded = f"read_parquet({literal(str(staged))})"
        kept = loaded
        if landing.held:
            kept, letters = refused(con, loaded, landing)
        pin = Pin("bronze", "", state.metadata_location, state.snapshot_id)
        duck.load_extensions(con, duck.LAKE_EXTENSIONS)
        known = scan_sql(pin)
        if job.stream.sync_mode == "cdc" and keys:
            # A batch of changes may hold several versions of a key; a pull is compared with the newest.
            known = f"({newest_sql(known, keys)})"
        expose(con, kept, known, landing.columns, list(AUDIT_TYPES))
        found = difference(con, landing.columns, keys, pull.scope.predicate)
        rows, tombstones = found.rows, found.tombstones
        if rows or tombstones:
            write_parquet(con, audited(found.sql, batch_id), file)
    advance = {**pull.advance, **pull.advance_from(con, source_sql(loaded, landing))}
    files = [file] if rows or tombstones else []
    size = sum(file_size(table, name) for name in files)
    return _Written(
        rows_read,
        rows,
        tombstones,
        files,
        size,
        [*pull.dead_letters, *letters],
        _notes(job, pull, landing),
        advance,
    )


def _no_rows(landing: Landing) -> str:
    nulls = ", ".join(f"null::{c.type} as {quote(c.name)}" for c in landing.columns)
    return f"select {nulls or '1'} where false"


def _keys(job: Job, landing: Landing) -> list[str]:
    """Bronze names of the primary key; raises SmeltError if the source lacks one of its columns."""
    names = {c.source: c.name for c in landing.columns}
    missing = [key for key in job.stream.primary_key if key not in names]
    if not names:
        return []
    if missing:
        raise SmeltError(
            f"{job.name}: there is no primary key column {missing[0]!r} (columns: {', '.join(names)})",
            f"correct primary_key in {job.source.folder / 'source.yml'}",
        )
    return [names[key] for key in job.stream.primary_key]


def _notes(job: Job, pull: Pull, landing: Landing) -> tuple[str, ...]:
    if not landing.held:
        return tuple(pull.notes)
    names = ", ".join(column.name for column in landing.held)
    return (*pull.notes, f"schema policy freeze: no room for {names}, rows with values there are dead letters")


def _explained(job: Job, pull: Pull, error: duckdb.Error | OSError) -> Exception:
    if told := unreachable(job.lake.root, error):
        return _LakeUnreachable(mask(told))
    return full_disk(job, error) or pull.explain(error)


def unreachable_lake(job: Job, error: Exception) -> SmeltError | None:
    """What to say if `error` means that the lake's bucket does not answer; None if it means something else."""
    told = unreachable(job.lake.root, error)
    return SmeltError(told, _LAKE_HINT) if told else None


def full_disk(job: Job, error: Exception) -> SmeltError | None:
    """What to say if `error` means that nothing more can be written; None if it means something else."""
    if not _FULL.search(str(error)):
        return None
    where = job.lake.settings.local_root
    return SmeltError(
        f"{job.name}: the disk of {where} is full, or its quota is used up",
        "free some space and run it again; nothing was lost",
    )
