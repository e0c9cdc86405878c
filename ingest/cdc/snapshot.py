"""First reading of tables, in the snapshot of a slot: whole, or in parts that are committed one after the other.

Parts are read in parallel and committed in the order of the key, so one border in the table's position says what
is there. Until the last part is there, nobody sees any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from time import monotonic
from typing import Any

import duckdb
import psycopg
import pyarrow as pa

from ingest.cdc.chunks import HIDDEN, UNREAD, Chunk, Chunks, plan_chunks, unread_part
from ingest.cdc.columns import CHANGE_TYPES
from ingest.cdc.events import lsn_text
from ingest.cdc.server import NewSlot
from ingest.extract.base import Pull, PullRequest
from ingest.extract.postgres import PostgresExtractor, split_table
from ingest.load import Job, StreamResult, full_disk, load_stream, unreachable_lake
from ingest.load.files import file_stem, next_batch_id, remove_orphans
from ingest.load.history import record_load, record_schema
from ingest.load.landing import Landing, plan_landing, pulled_sql
from ingest.load.parquet import audited, write_parquet
from ingest.load.types import Shape, shape_of
from ingest.spec import SourceSpec, StreamSpec
from plugins.core.failpoints import reach
from plugins.core.lake import UNSENT, Batch, TableState, commit_batch, ensure_columns, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import file_size, remove_file
from plugins.core.settings import Settings

# Each needs a connection to the server, and holds a row group or two in memory.
_WORKERS = 4


@dataclass(frozen=True)
class SnapshotExtractor:
    """Pulls tables as they were when a slot was made. part: predicate of the rows; None: all."""

    made: NewSlot
    part: str | None = None

    def pull(self, request: PullRequest) -> Pull:
        """Begin a pull in the slot's snapshot."""
        whole = replace(request, stream=request.stream.model_copy(update={"cursor": None}))
        pull = PostgresExtractor(self.made.snapshot, self.part).pull(whole)
        lsn = {"lsn": request.position.get("lsn")}
        return replace(pull, expected=lsn, advance={"lsn": lsn_text(self.made.lsn), UNREAD: None})

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """As for any pull."""
        return PostgresExtractor().check(settings, source)


def table_of(stream: StreamSpec) -> tuple[str, str]:
    """Schema and name of the stream's table."""
    return split_table(stream.table or f"public.{stream.name}")


def read_table(session: psycopg.Connection, job: Job, made: NewSlot) -> StreamResult:
    """Read what bronze lacks of a table, as it was at the first moment of `made`; bronze has the log up to there.

    Rows that are there already, of pulls or of an earlier capture, are compared, and what differs is loaded.
    Raises as `load_stream` does.
    """
    table = job.lake.find(job.identifier)
    state = read_state(table) if table else TableState(None, {}, None, "")
    unread = unread_part(state.position) if job.override is None else None
    # A value that an event left out is in no part of the table that is still to come: its row may have moved.
    in_parts = UNSENT not in state.position if unread else state.snapshot_id is None
    size = int(job.source.cdc.chunk)
    plan = plan_chunks(session, table_of(job.stream), job.stream.primary_key, size, unread) if in_parts else None
    landed = _landed(job, made, state) if plan else None
    if plan and landed and not landed[1].held:
        result = _read_parts(job, made, plan, *landed)
    else:
        result = load_stream(replace(job, extractor=SnapshotExtractor(made)))
    ensure_columns(job.lake, job.identifier, pa.schema(list(CHANGE_TYPES.items())))
    return result


@dataclass(frozen=True)
class _Part:
    """A part of a table in a file that nobody sees yet."""

    chunk: Chunk
    batch_id: str
    file: str
    rows: int


def _read_parts(job: Job, made: NewSlot, plan: Chunks, shape: Shape, landing: Landing) -> StreamResult:
    remove_orphans(job.lake, job.identifier)
    table = job.lake.table(job.identifier)
    state, known = read_state(table), table.current_snapshot()
    if known and known.summary:
        job.progress(int(known.summary["total-records"] or 0))
    version = record_schema(job.run, job.source.name, job.stream.name, shape.columns)
    ids = [next_batch_id(state.batch_id)]
    for _ in plan.parts[1:]:
        ids.append(next_batch_id(ids[-1]))
    results = []
    with _written(job, made, landing, plan, ids) as parts:
        started = monotonic()
        for part in parts:
            state = _commit(job, made, state, part)
            result = StreamResult(
                job.source.name, job.stream.name, "loaded", rows_read=part.rows, rows_loaded=part.rows,
                bytes=file_size(table, part.file) if part.rows else 0, seconds=monotonic() - started,
                batch_id=part.batch_id, snapshot_id=state.snapshot_id,
                schema_version=version.number if version else None,
                schema_change=version.change if version else None,
            )  # fmt: skip
            record_load(job.run, result, dict(state.position))
            job.progress(part.rows)
            results.append(result)
            started = monotonic()
            reach("after-chunk")
    total = reduce(StreamResult.followed_by, results)
    return replace(total, seconds=sum(result.seconds for result in results))


@contextmanager
def _written(
    job: Job, made: NewSlot, landing: Landing, plan: Chunks, ids: Sequence[str]
) -> Iterator[Iterator[_Part]]:
    """The parts in their order, as soon as each and those before it are written; what isn't taken is removed."""
    limit = min(_WORKERS, len(plan.parts), job.lake.settings.connection(job.source.connection).max_connections)
    executor = ThreadPoolExecutor(limit, thread_name_prefix="snapshot")
    futures: list[Future[_Part]] = []
    taken = 0

    def each() -> Iterator[_Part]:
        nonlocal taken
        for future in futures:
            part = future.result()
            yield part
            taken += 1

    try:
        for chunk, batch_id in zip(plan.parts, ids, strict=True):
            futures.append(executor.submit(_write, job, made, landing, chunk, batch_id, plan.estimate))
        yield each()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        table = job.lake.table(job.identifier)
        for future in futures[taken:]:
            if not future.cancelled() and future.exception() is None:
                remove_file(table, future.result().file)


def _write(job: Job, made: NewSlot, landing: Landing, chunk: Chunk, batch_id: str, estimate: int | None) -> _Part:
    file = f"{data_folder(job.lake.table(job.identifier))}/{file_stem(batch_id)}.parquet"
    with _pulled(job, made, chunk.predicate) as (con, pull):
        job.watch(con, estimate)
        # Whether some value fits no bronze type may differ from part to part; the columns may not.
        pulled = pulled_sql(pull.relation, shape_of(con, pull.relation), landing)
        rows = write_parquet(con, audited(f"select *, 'r' as _smelt_op from ({pulled})", batch_id), file)
    reach("after-chunk-file")
    return _Part(chunk, batch_id, file, rows)


def _commit(job: Job, made: NewSlot, state: TableState, part: _Part) -> TableState:
    """Commit a part, with what is left to read in the position; the last part makes all of them visible."""
    is_last = part.chunk.rest is None
    files = [part.file]
    if not part.rows and not is_last:
        remove_file(job.lake.table(job.identifier), part.file)
        files = []
    advance: dict[str, Any] = {"lsn": lsn_text(made.lsn), UNREAD: part.chunk.rest}
    expected = {name: state.position.get(name) for name in ("lsn", UNREAD)}
    epoch = None if is_last else HIDDEN
    batch = Batch(part.batch_id, files, state.batch_id, expected, advance, epoch=epoch)
    return commit_batch(job.lake, job.identifier, batch).state


def _landed(job: Job, made: NewSlot, state: TableState) -> tuple[Shape, Landing]:
    """The table's columns, and where they land."""
    with _pulled(job, made, "false") as (con, pull):
        shape = shape_of(con, pull.relation)
        policy = job.stream.schema_policy
        return shape, plan_landing(con, job.lake, job.identifier, shape, policy, state.snapshot_id is None)


@contextmanager
def _pulled(job: Job, made: NewSlot, part: str) -> Iterator[tuple[duckdb.DuckDBPyConnection, Pull]]:
    """A pull of a part of the table; what fails while it is read is told in words."""
    settings = job.lake.settings
    with job.pool.lease(job.source) as con:
        con.execute("create or replace temp sequence smelt_position")
        request = PullRequest(settings, job.source, job.stream, {}, con, settings.local_root, job.progress)
        pull = SnapshotExtractor(made, part).pull(request)
        try:
            yield con, pull
        except duckdb.InterruptException:
            raise
        except (duckdb.Error, OSError) as error:
            raise unreachable_lake(job, error) or full_disk(job, error) or pull.explain(error) from error
