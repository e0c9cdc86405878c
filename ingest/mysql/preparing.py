"""What must be so before the log is followed: tables that may be captured, a log that is there; snapshots."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ingest.load import Job, StreamResult
from ingest.load.history import record_load
from ingest.load.outcomes import changes_result
from ingest.mysql.describing import Described, require_capturable, table_of
from ingest.mysql.following import Following, lost
from ingest.mysql.gtid import gtids
from ingest.mysql.server import Kind, Server, read_gtids
from ingest.mysql.snapshot import Snapshot, open_snapshot, read_table
from ingest.mysql.tables import Tables
from ingest.mysql.transactions import NUMBER, TransactionWriter
from plugins.core.failpoints import reach
from plugins.core.lake import read_state

if TYPE_CHECKING:
    import pymysql


@dataclass(frozen=True)
class Prepared:
    """What can be followed. jobs: with their tables, by stream. results: of those that were read."""

    jobs: Mapping[str, tuple[Job, Described]]
    results: dict[str, StreamResult]


def prepare(
    server: Server, kind: Kind, session: pymysql.Connection, jobs: Sequence[Job], log: TransactionWriter
) -> Prepared:
    """See to the tables, and read those that aren't in bronze yet, all in one snapshot, up to which the log is
    read.

    Raises SmeltError for what a person must do, among it changes that are lost: the server has deleted that log.
    """
    tables = {
        job.stream.name: (job, require_capturable(session, job.source, job.stream, table_of(job.stream, server)))
        for job in jobs
    }
    # Streams that were left out for a while missed what was read meanwhile; of others, the table is another now.
    fresh = [job for job in jobs if job.override is not None or not has_position(job) or _is_behind(job, log)]
    started = {name: found for name, found in tables.items() if found[0] not in fresh}
    if started:
        _require_log(server, kind, session, jobs[0], log)
    if not fresh:
        return Prepared(tables, {})
    # Killed before they are read, they are still to be read: the log goes on without them.
    anew = {*log.position.get("anew", []), *(job.stream.name for job in fresh if has_position(job))}
    if "gtid" in log.position:
        log.note(anew=sorted(anew))
    results: dict[str, StreamResult] = {}
    with open_snapshot(server, kind) as snapshot:
        reach("after-snapshot")
        if started:
            results |= _catch_up(server, kind, started, log, snapshot)
        else:
            number = 1 + max([log.number, *(_number(job) for job in jobs)])
            place = {"gtid": snapshot.taken.text, "file": snapshot.file, "end": snapshot.end}
            log.commit(number, **place, passed_over=None, anew=sorted(anew))
        reach("after-catch-up")
        for job in fresh:
            compared = replace(job, override={}) if has_position(job) else job
            read = read_table(compared, tables[job.stream.name][1], snapshot, log.number)
            results[job.name] = results[job.name].followed_by(read) if job.name in results else read
    return Prepared(tables, results)


def _catch_up(
    server: Server,
    kind: Kind,
    jobs: Mapping[str, tuple[Job, Described]],
    log: TransactionWriter,
    snapshot: Snapshot,
) -> dict[str, StreamResult]:
    """Commit the changes up to the snapshot, and none after; results of streams that had any."""
    began = time.monotonic()
    following = Following(server, kind, jobs, log, until=snapshot.taken)
    try:
        while not following.is_there:
            following.take(1.0)
            if following.is_due:
                following.commit()
        following.commit()
        following.require_same_tables()
        return _results(following.tables, time.monotonic() - began)
    finally:
        following.close()


def _results(tables: Tables, seconds: float) -> dict[str, StreamResult]:
    results = {}
    for writer in tables.writers.values():
        if writer.counts.events or writer.counts.deletions:
            result = changes_result(writer, writer.counts, seconds, None)
            record_load(writer.job.run, result, dict(writer.state.position))
            results[writer.job.name] = result
    return results


def has_position(job: Job) -> bool:
    """Whether the table of a stream was captured before."""
    table = job.lake.find(job.identifier)
    return table is not None and NUMBER in read_state(table).position


def _number(job: Job) -> int:
    table = job.lake.find(job.identifier)
    return int(read_state(table).position.get(NUMBER, 0)) if table is not None else 0


def _is_behind(job: Job, log: TransactionWriter) -> bool:
    """Whether the log was read without the stream, which must be compared with its table."""
    name, position = job.stream.name, log.position
    return "gtid" not in position or name in position["anew"] or name not in position.get("streams", [name])


def _require_log(
    server: Server, kind: Kind, session: pymysql.Connection, job: Job, log: TransactionWriter
) -> None:
    """Raise SmeltError if the server never had what bronze has: it is another, or its log was reset."""
    known, found = gtids(log.gtid, is_mariadb=kind.is_mariadb), read_gtids(session, kind)
    if not found.covers(known):
        raise lost(
            job.source.name,
            f"{server.where} has the log up to {found.text or 'nothing'}, and bronze has it up to {known.text}: "
            "it is another server, one that lost its last transactions, or its log was reset",
        )
