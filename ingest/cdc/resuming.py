"""Tables whose first reading was broken off: the log is read up to a new snapshot, then the rest in that snapshot.

Rows that are there get their changes up to the snapshot; those of rows that aren't are passed over, because the
snapshot has what came of them. So each row begins in bronze as it was at one place of the log, and goes on from
there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from ingest.cdc.chunks import unread_part
from ingest.cdc.decoder import Decoder
from ingest.cdc.preparing import make_slot
from ingest.cdc.reader import LogReader
from ingest.cdc.server import Server, composites_as_json, load_types
from ingest.cdc.snapshot import read_table
from ingest.cdc.tables import Tables
from ingest.cdc.transactions import TransactionWriter
from ingest.load import Job, StreamResult
from ingest.load.history import record_load
from ingest.load.outcomes import changes_result
from ingest.spec import SourceSpec
from plugins.core.failpoints import reach
from plugins.core.lake import read_state

_BATCH = 500_000
_POLL_SECONDS = 0.5


def resume(
    server: Server, source: SourceSpec, jobs: Sequence[Job], log: TransactionWriter
) -> dict[str, StreamResult]:
    """Read what is unread of the tables; returns what became of those that had any, by stream.

    jobs: all of them, as they share one log. Raises as reading a table and reading the log do.
    """
    unread = [job for job in jobs if unread_part(read_state(job.lake.table(job.identifier)).position)]
    if not unread:
        return {}
    with server.replication() as replication, server.session() as session:
        # The exported snapshot lives as long as the connection that made the slot does nothing else.
        made = make_slot(server, source, replication, f"{source.slot}_snapshot", is_temporary=True)
        caught = _catch_up(server, source, jobs, log, made.lsn)
        reach("after-catch-up")
        results = {}
        for job in unread:
            read = read_table(session, job, made)
            results[job.name] = caught[job.name].followed_by(read) if job.name in caught else read
        return {**caught, **results}


def _catch_up(
    server: Server, source: SourceSpec, jobs: Sequence[Job], log: TransactionWriter, until: int
) -> dict[str, StreamResult]:
    """Commit the changes that were committed before `until`, and none after; results of streams that had any."""
    started, tables = time.monotonic(), Tables.of(jobs, log)
    try:
        with server.session() as session, LogReader(server, source.slot, source.publication) as reader:
            as_json = partial(composites_as_json, session)
            decoder = Decoder(lambda: load_types(session), tables.key_of, as_json, load_types(session))
            is_there = False
            while not is_there:
                run = reader.next(_POLL_SECONDS)
                if run is None:
                    continue
                is_there = run.sent >= until
                for decoded in decoder.decode(run.messages):
                    tables.take(decoded.before(until))
                    is_there = is_there or decoded.reaches(until)
                    if tables.events >= _BATCH and decoded.is_whole and not is_there:
                        tables.commit(tables.end)
            tables.commit(until)
        seconds = time.monotonic() - started
        results = {}
        for writer in tables.writers.values():
            if writer.counts.events or writer.counts.deletions:
                result = changes_result(writer, writer.counts, seconds, None)
                record_load(writer.job.run, result, dict(writer.state.position))
                results[writer.job.name] = result
        return results
    finally:
        tables.close()
