"""The changes of one source as a feed: decode, write, commit, confirm, in this order.

1. Events are written to files that nobody sees.
2. Each table commits its files with its position in the log; the table of transactions comes last.
3. Only then does the server hear that it need not keep the log up to there.

Killed anywhere, the server sends the log again from what was confirmed, and each table passes over what it has.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ingest.cdc.decoder import Decoder
from ingest.cdc.events import lsn_number
from ingest.cdc.preparing import has_position, prepare
from ingest.cdc.reader import LogReader
from ingest.cdc.relations import PgType
from ingest.cdc.remade import remade, table_oids
from ingest.cdc.resuming import resume
from ingest.cdc.server import Server, ask, composites_as_json, load_types, require_logical
from ingest.cdc.tables import Tables
from ingest.cdc.transactions import TransactionWriter, transactions_table
from ingest.connections import dsn_of
from ingest.load import Job, StreamResult
from ingest.load.outcomes import Outcomes
from ingest.retry import Transient
from ingest.watch.feed import Lag
from plugins.core.failpoints import reach

# Events that one commit carries, if so many are waiting.
_BATCH = 1_000_000
_POLL_SECONDS = 0.2
# A slot moves on with the log of other tables too, or the server would keep it for nothing.
_IDLE_SECONDS = 10.0
# How often a feed looks whether its tables are still those that it captures.
_LOOK_SECONDS = 5.0


class CdcFeed:
    """The captured streams of one source. Opening it reads what bronze doesn't have yet of their tables.

    Streams that were not asked for take part if they were captured before: a slot passes each change once, to all.

    Raises SmeltError for what a person must do; `Transient` if the server can't be reached.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        source, lake = jobs[0].source, jobs[0].lake
        jobs = [*jobs, *_sharing(jobs)]
        self.name = source.name
        self._server = Server(dsn_of(lake.settings, source.connection), f"connection {source.connection!r}")
        with self._server.session() as session:
            require_logical(session, self._server.where)
            types = load_types(session)
        log = TransactionWriter(lake, transactions_table(source.name))
        prepared = prepare(self._server, source, jobs, log)
        resumed = resume(self._server, source, jobs, log)
        self._jobs, self._publication = jobs, source.publication
        with self._server.session() as session:
            self._oids = table_oids(session, self._publication, jobs)
        log.note(streams=sorted(job.stream.name for job in jobs), oids=self._oids)
        self._tables = Tables.of(jobs, log)
        writers = list(self._tables.writers.values())
        self._outcomes = Outcomes(writers, prepared.followed_by(resumed).results)
        # They are of the source: told with its first stream.
        self._outcomes.notes[writers[0].job.name] += prepared.notes
        self._decoder = Decoder(self._types, self._tables.key_of, self._as_json, types)
        self._is_whole = True
        self._sent = 0
        self._advanced_at = self._looked_at = time.monotonic()
        self._session = self._server.open()
        self._reader = LogReader(self._server, source.slot, source.publication)
        self._reader.__enter__()

    @property
    def is_full(self) -> bool:
        """Whether as many events are held as one commit may carry."""
        return self._tables.events >= _BATCH

    def end_of_log(self) -> int:
        """LSN up to which the server has written its log."""
        with self._server.explained():
            ((now,),) = ask(self._session, "select pg_current_wal_flush_lsn()::text")
        return lsn_number(now)

    def take(self, seconds: float) -> int:
        """As `Feed.take`; a transaction that is still coming goes on with the next call."""
        taken, deadline = 0, time.monotonic() + seconds
        while not self.is_full:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            run = self._reader.next(min(left, _POLL_SECONDS))
            if run is None:
                continue
            if not run.messages:
                # The server has nothing more for us up to here.
                self._sent = max(self._sent, run.sent)
                break
            for decoded in self._decoder.decode(run.messages):
                taken += self._tables.take(decoded)
                self._is_whole = decoded.is_whole
        return taken

    def has_reached(self, lsn: int) -> bool:
        """Whether everything before `lsn` was taken, and no transaction is half taken."""
        return self._is_whole and max(self._sent, self._tables.end) >= lsn

    def commit(self) -> Sequence[StreamResult]:
        """As `Feed.commit`; in the middle of a transaction nothing is committed."""
        if not self._is_whole:
            return []
        if self._tables.events:
            self._commit(self._tables.end)
            return self._outcomes.since_last()
        if time.monotonic() - self._advanced_at >= _IDLE_SECONDS:
            self.settle()
        return []

    def settle(self) -> None:
        """Commit what was taken; bronze is then as far as the server said it has sent everything."""
        end = max(self._sent, self._tables.end)
        if self._is_whole and (end > self._tables.log.lsn or self._tables.events):
            self._commit(end)

    def results(self) -> list[StreamResult]:
        """What became of each stream since the feed was opened, first snapshots included; goes to the ledger."""
        return self._outcomes.whole()

    def lag(self) -> Lag:
        """As `Feed.lag`: bytes of log that bronze hasn't, and the age of the oldest commit that was taken."""
        self._require_same_tables()
        held, oldest = self._tables.events, self._tables.oldest
        reached = self._tables.log.lsn if held else max(self._tables.log.lsn, self._sent)
        seconds = max(0.0, time.time() - oldest / 1e6) if held and oldest else 0.0
        return Lag(held, max(0, self.end_of_log() - reached), seconds)

    def close(self) -> None:
        """As `Feed.close`; the slot stays, and keeps what wasn't committed."""
        self._reader.__exit__(None, None, None)
        self._session.close()
        self._tables.close()

    def _commit(self, end: int) -> None:
        self._tables.commit(end)
        reach("before-confirm")
        self._reader.confirm(end)
        self._advanced_at = time.monotonic()

    def _require_same_tables(self) -> None:
        """Raise Transient if a table was dropped or made anew: the feed must be opened again, to read it whole."""
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        with self._server.explained():
            found = table_oids(self._session, self._publication, self._jobs)
        gone = sorted(self._oids.keys() - found.keys() | remade(self._oids, found))
        if gone:
            raise Transient(
                f"tables that were dropped, made anew or are no longer published: {', '.join(gone)}",
                retry_after=1.0,
            )

    def _types(self) -> Mapping[int, PgType]:
        with self._server.explained():
            return load_types(self._session)

    def _as_json(self, written: str, texts: Sequence[str]) -> Sequence[str]:
        with self._server.explained():
            return composites_as_json(self._session, written, texts)


def open_feed(jobs: Sequence[Job]) -> CdcFeed:
    """The captured streams of one source, followed. Raises as `CdcFeed` does."""
    return CdcFeed(jobs)


def _sharing(jobs: Sequence[Job]) -> list[Job]:
    """The source's other streams whose tables are captured."""
    source, asked = jobs[0].source, {job.stream.name for job in jobs}
    others = [Job(jobs[0].lake, jobs[0].run, jobs[0].pool, source, stream) for stream in source.streams]
    return [
        job
        for job in others
        if job.stream.sync_mode == "cdc" and job.stream.name not in asked and has_position(job)
    ]
