"""The changes of one source as a feed: decode, write, commit, in this order.

1. Events are written to files that nobody sees.
2. Each table commits its files with the number of the last transaction that it has.
3. The table of transactions comes last, with the GTIDs that were read: from there reading goes on.

Killed anywhere, the log is read again from what the table of transactions says, and each table passes over what it
has. The server keeps nothing for us, and is told nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ingest.load import Job, StreamResult
from ingest.load.outcomes import Outcomes
from ingest.mysql.following import Following
from ingest.mysql.gtid import Gtids
from ingest.mysql.preparing import has_position, prepare
from ingest.mysql.server import Server, log_end, log_files, read_gtids, require_binlog
from ingest.mysql.transactions import TransactionWriter, transactions_table
from ingest.watch.feed import Lag

# What was read of other tables is written down too, or the server might delete the log from where reading goes on.
_IDLE_SECONDS = 10.0


class MysqlFeed:
    """The captured streams of one source. Opening it reads what bronze doesn't have yet of their tables.

    Streams that were not asked for take part if they were captured before: they share the place in the log.
    until_now: nothing is taken that was committed after the feed was opened.

    Raises SmeltError for what a person must do; `Transient` if the server can't be reached.
    """

    def __init__(self, jobs: Sequence[Job], *, until_now: bool = False) -> None:
        source, lake = jobs[0].source, jobs[0].lake
        jobs = [*jobs, *_sharing(jobs)]
        self.name = source.name
        self._server = Server(lake.settings, source.connection)
        self._session = self._server.open()
        try:
            with self._server.explained():
                self._kind = require_binlog(self._session, self._server.where)
                end = self._end() if until_now else None
                log = TransactionWriter(lake, transactions_table(source.name))
                prepared = prepare(self._server, self._kind, self._session, jobs, log)
                log.note(streams=sorted(prepared.jobs), anew=[])
            self._log = log
            self._following = Following(self._server, self._kind, prepared.jobs, log, end)
        except BaseException:
            self._session.close()
            raise
        self._outcomes = Outcomes(list(self._following.tables.writers.values()), prepared.results)
        self._advanced_at = time.monotonic()

    @property
    def is_full(self) -> bool:
        """As `Feed.is_full`."""
        return self._following.is_due

    @property
    def is_there(self) -> bool:
        """Whether the end was reached, if there is one."""
        return self._following.is_there

    def take(self, seconds: float) -> int:
        """As `Feed.take`; a transaction that is still coming goes on with the next call."""
        return self._following.take(seconds)

    def commit(self) -> Sequence[StreamResult]:
        """As `Feed.commit`; in the middle of a transaction nothing is committed."""
        tables = self._following.tables
        if not self._following.is_whole and not tables.anew:
            return []
        if tables.events or tables.anew:
            self._commit()
            return self._outcomes.since_last()
        if time.monotonic() - self._advanced_at >= _IDLE_SECONDS:
            self.settle()
        return []

    def settle(self) -> None:
        """Commit what was taken, and how far the log was read."""
        if self._following.is_whole and self._following.tables.is_moved:
            self._commit()
        self._following.require_same_tables()

    def results(self) -> list[StreamResult]:
        """What became of each stream since the feed was opened, first snapshots included; goes to the ledger."""
        return self._outcomes.whole()

    def lag(self) -> Lag:
        """As `Feed.lag`: bytes of the server's log that bronze hasn't, and the age of the oldest commit taken."""
        tables = self._following.tables
        with self._server.explained():
            file, end = log_end(self._session)
            place = self._following.place
            behind = end - place.end
            if file != place.file:
                sizes = log_files(self._session)
                names = list(sizes)
                between = names[names.index(place.file) :] if place.file in sizes else names
                behind = sum(sizes[name] for name in between) - (place.end if place.file in sizes else 0)
        seconds = max(0.0, time.time() - tables.oldest) if tables.events and tables.oldest else 0.0
        return Lag(tables.events, max(0, behind), seconds)

    def close(self) -> None:
        """As `Feed.close`; what wasn't committed is still in the server's log."""
        self._following.close()
        self._session.close()

    def _commit(self) -> None:
        self._advanced_at = time.monotonic()
        self._following.commit()

    def _end(self) -> Gtids:
        return read_gtids(self._session, self._kind)


def open_feed(jobs: Sequence[Job]) -> MysqlFeed:
    """The captured streams of one source, followed. Raises as `MysqlFeed` does."""
    return MysqlFeed(jobs)


def _sharing(jobs: Sequence[Job]) -> list[Job]:
    """The source's other streams whose tables are captured."""
    source, asked = jobs[0].source, {job.stream.name for job in jobs}
    others = [Job(jobs[0].lake, jobs[0].run, jobs[0].pool, source, stream) for stream in source.streams]
    return [
        job
        for job in others
        if job.stream.sync_mode == "cdc" and job.stream.name not in asked and has_position(job)
    ]
