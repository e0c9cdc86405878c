"""Captures the changes of one source: snapshot, then the log; decode, write, commit, confirm, in this order.

1. Events are written to files that nobody sees.
2. Each table commits its files with its position in the log; the table of transactions comes last.
3. Only then does the server hear that it need not keep the log up to there.

Killed anywhere, the server sends the log again from what was confirmed, and each table passes over what it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from ingest.cdc.decoder import Decoder
from ingest.cdc.events import Decoded, lsn_number
from ingest.cdc.preparing import prepare, table_of
from ingest.cdc.reader import LogReader
from ingest.cdc.relations import PgType, Relation
from ingest.cdc.server import Server, ask, load_types, require_logical
from ingest.cdc.transactions import TransactionWriter, transactions_table
from ingest.cdc.writer import StreamWriter
from ingest.connections import dsn_of
from ingest.load import Job, StreamResult, full_disk
from ingest.load.history import record_load, record_schema
from ingest.retry import Transient, retrying
from ingest.spec import SourceSpec
from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import StaleBatch

# Events that are held in memory at most, and that one commit holds at least if so many are waiting.
_PIECE, _BATCH = 250_000, 1_000_000
_BATCH_SECONDS = 30.0
_POLL_SECONDS = 0.2


@dataclass
class _Tables:
    """Writers of a source's streams by table, and what was taken since the last commit."""

    writers: Mapping[tuple[str, str], StreamWriter]
    log: TransactionWriter
    events: int = 0
    end: int = 0
    since: float = 0.0

    def key_of(self, relation: Relation) -> Sequence[str] | None:
        writer = self.writers.get(relation.table)
        if writer is None:
            return None
        key = writer.job.stream.primary_key
        if relation.identity != "f" and not set(key) <= set(relation.key):
            raise SmeltError(
                f"{writer.job.name}: rows are now told apart by {', '.join(relation.key) or 'nothing'}, "
                f"not by {', '.join(key)}",
                "restore the primary key, or set the table to `replica identity full`",
            )
        return key

    def take(self, decoded: Decoded) -> None:
        if not self.events:
            self.since = time.monotonic()
        for changes in decoded.changes:
            writer = self.writers[changes.relation.table]
            writer.add(changes)
            writer.job.progress(len(changes))
            self.events += len(changes)
        self.log.add(decoded.transactions)
        if len(decoded.transactions.end):
            self.end = int(decoded.transactions.end[-1])
        if sum(writer.pending for writer in self.writers.values()) >= _PIECE:
            for writer in self.writers.values():
                writer.flush()

    def commit(self, end: int) -> None:
        for writer in self.writers.values():
            if writer.commit(end) is not None:
                reach("after-stream-commit")
        self.log.commit(end)
        self.events = 0


def capture(jobs: Sequence[Job]) -> list[StreamResult]:
    """Bring the captured streams of one source up to the server's log as it is now; returns what became of each.

    Raises SmeltError. What was committed before stays.
    """
    try:
        return retrying(lambda: _captured(jobs), on_wait=jobs[0].waited)
    except StaleBatch as error:
        raise SmeltError(
            f"{jobs[0].source.name}: another process captured it at the same time: {error}", "run one at a time"
        ) from error
    except duckdb.Error as error:
        raise full_disk(jobs[0], error) or SmeltError(
            f"{jobs[0].source.name}: changes can't be written: {str(error).splitlines()[0]}",
            "what was committed stays, and the server keeps the rest; correct what is said, and run it again",
        ) from error
    except Transient as error:
        hint = "start it or correct the connection; `smelt doctor` tests each connection"
        raise SmeltError(str(error), hint) from error


def _captured(jobs: Sequence[Job]) -> list[StreamResult]:
    started = time.monotonic()
    source, lake = jobs[0].source, jobs[0].lake
    server = Server(dsn_of(lake.settings, source.connection), f"connection {source.connection!r}")
    with server.session() as session:
        require_logical(session, server.where)
        types = load_types(session)
    log = TransactionWriter(lake, transactions_table(source.name))
    prepared = prepare(server, source, jobs, log)
    with server.session() as session:
        ((now,),) = ask(session, "select pg_current_wal_flush_lsn()::text")
    captured = _Tables({table_of(job.stream): StreamWriter(job, _connection()) for job in jobs}, log)
    _follow(server, source, captured, types, lambda sent: sent >= lsn_number(now))
    seconds = time.monotonic() - started
    return [
        _result(writer, prepared.results.get(writer.job.name), seconds, prepared.notes if n == 0 else ())
        for n, writer in enumerate(captured.writers.values())
    ]


def _follow(
    server: Server,
    source: SourceSpec,
    captured: _Tables,
    types: Mapping[int, PgType],
    is_enough: Callable[[int], bool],
) -> None:
    """Read the slot until the server has sent `is_enough`, and everything of that is committed."""
    decoder = Decoder(lambda: _types(server), captured.key_of, types)
    is_whole = True
    with LogReader(server, source.slot, source.publication) as reader:
        while True:
            run = reader.next(_POLL_SECONDS)
            if run and run.messages:
                for decoded in decoder.decode(run.messages):
                    captured.take(decoded)
                    is_whole = decoded.is_whole
            is_end = bool(run) and is_whole and is_enough(max(run.sent, captured.end))
            if is_whole and captured.events and (is_end or _is_due(captured)):
                captured.commit(captured.end)
                reach("before-confirm")
                reader.confirm(captured.end)
            if is_end:
                end = max(run.sent, captured.end) if run else captured.end
                if end > captured.log.lsn:
                    captured.commit(end)
                    reader.confirm(end)
                return


def _types(server: Server) -> Mapping[int, PgType]:
    with server.session() as session:
        return load_types(session)


def _connection() -> duckdb.DuckDBPyConnection:
    con = duck.connect()
    con.execute("set memory_limit = '1GB'")
    return con


def _result(
    writer: StreamWriter, whole: StreamResult | None, seconds: float, notes: Sequence[str]
) -> StreamResult:
    """What became of a stream: its first snapshot, if it was taken, and its changes."""
    job, counts = writer.job, writer.counts
    version = (
        record_schema(job.run, job.source.name, job.stream.name, list(writer.columns)) if writer.columns else None
    )
    changed = StreamResult(
        job.source.name,
        job.stream.name,
        outcome="loaded" if counts.events or counts.deletions else "unchanged",
        rows_read=counts.events,
        rows_loaded=counts.events,
        tombstones=counts.deletions,
        dead_letters=counts.letters,
        bytes=counts.bytes,
        seconds=seconds,
        batch_id=writer.state.batch_id,
        snapshot_id=writer.state.snapshot_id,
        schema_version=version.number if version else None,
        schema_change=version.change if version else None,
        notes=tuple(notes),
    )
    if changed.outcome == "loaded" or whole is None:
        record_load(job.run, changed, dict(writer.state.position))
    if whole is None:
        return changed
    return replace(
        changed,
        outcome="loaded" if "loaded" in (changed.outcome, whole.outcome) else "unchanged",
        rows_read=whole.rows_read + changed.rows_read,
        rows_loaded=whole.rows_loaded + changed.rows_loaded,
        tombstones=whole.tombstones + changed.tombstones,
        dead_letters=whole.dead_letters + changed.dead_letters,
        bytes=whole.bytes + changed.bytes,
        schema_version=changed.schema_version or whole.schema_version,
        schema_change=changed.schema_change or whole.schema_change,
        notes=(*whole.notes, *notes),
    )


def _is_due(captured: _Tables) -> bool:
    return captured.events >= _BATCH or time.monotonic() - captured.since >= _BATCH_SECONDS
