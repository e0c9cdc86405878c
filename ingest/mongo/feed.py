"""The collections of one source as a feed: take, write, commit, in this order.

1. Documents and events are written to files that nobody sees.
2. Each table commits its files with its place in the change stream; the table of places comes last.

The server is told nothing: its oplog holds what it holds. Killed anywhere, the stream is read again from the last
common place, and each table passes over what it has.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

import duckdb

from ingest.load import Job, StreamResult
from ingest.load.outcomes import Outcomes
from ingest.mongo.client import Deployment, require_change_streams
from ingest.mongo.collections import namespaces
from ingest.mongo.events import Event
from ingest.mongo.log import PlaceWriter, Taken
from ingest.mongo.preparing import prepare, sharing
from ingest.mongo.snapshot import is_through
from ingest.mongo.stream import ChangeReader, Watched
from ingest.mongo.writer import TOKEN, UNTIL, CollectionWriter
from ingest.retry import Transient
from ingest.watch.feed import Lag
from plugins.core import duck
from plugins.core.failpoints import reach

# Events that one commit carries, if so many are waiting.
_BATCH = 500_000
# The stream moves on with other collections too; bronze remembers how far, or the oplog would run away from it.
_IDLE_SECONDS = 10.0
# So long a transaction may go on coming before what is read of it has to wait for the next turn.
_PATIENCE_SECONDS = 5.0


class MongoFeed:
    """The captured collections of one source. Opening it reads what bronze has nothing of yet.

    Streams that were not asked for take part if they were captured before, so that all are at one place.

    Raises SmeltError for what a person must do; `Transient` if the server can't be reached.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        source, lake = jobs[0].source, jobs[0].lake
        self.name = source.name
        deployment = Deployment(lake.settings, source.connection)
        self._log = PlaceWriter(lake, source.name)
        jobs = [*jobs, *sharing(jobs, self._log)]
        found = namespaces(deployment, source, [job.stream for job in jobs])
        self._watched = Watched(deployment, source.name, list(found.values()), source.mongo.full_document)
        self._open = ExitStack()
        try:
            self._client = self._open.enter_context(deployment.client())
            self._server = require_change_streams(deployment, self._client)
            writers = {job.stream.name: CollectionWriter(job, self._connection()) for job in jobs}
            prepared = prepare(self._watched, self._client, found, writers, self._log)
            self._writers = {found[name]: writer for name, writer in prepared.writers.items()}
            accounted = list(self._writers.values())
            self._outcomes = Outcomes(accounted, prepared.compared)
            # They are of the source: told with its first stream.
            self._outcomes.notes[accounted[0].job.name] += prepared.notes
            self._reader = ChangeReader(self._watched, self._client, self._server, prepared.start)
            self._open.callback(self._reader.close)
        except BaseException:
            self._open.close()
            raise
        self._end: Mapping[str, object] | None = None
        self._unit: object = None
        reached = max(writer.position.get(TOKEN, "") for writer in self._writers.values())
        self._ahead = reached if reached > prepared.start.text else ""
        self._last: object = None
        self._taken = Taken()
        self._oldest: int | None = None
        # Why the stream can't be read on as it is; what was taken is committed first.
        self.must_reopen: str | None = None
        self._advanced_at = time.monotonic()

    @property
    def is_full(self) -> bool:
        """Whether as many events are held as one commit may carry, or a commit is due for another reason."""
        return self._taken.events >= _BATCH or self.must_reopen is not None

    @property
    def has_ended(self) -> bool:
        """Whether everything was taken that had happened when `until_now` was called."""
        if self.must_reopen:
            return True
        return self._end is not None and self._unit is None and is_through(self._reader, self._end)

    def until_now(self) -> None:
        """Let `has_ended` tell when everything is taken that has happened by now."""
        server = require_change_streams(self._watched.deployment, self._client)
        self._end = {"time": [server.now.time, server.now.inc], "place": self._watched.now(self._client).text}

    def take(self, seconds: float) -> int:
        """As `Feed.take`; a transaction of several documents is taken whole."""
        taken, deadline = 0, time.monotonic() + seconds
        while self.must_reopen is None:
            event = self._reader.peek()
            if event is None:
                self._unit = None
                break
            if self._unit is None or _unit(event) != self._unit:
                # Whatever came before is whole.
                self._unit = None
                if self.is_full or time.monotonic() >= deadline:
                    break
            elif time.monotonic() >= deadline + _PATIENCE_SECONDS:
                break
            self._reader.next()
            self._unit = _unit(event)
            taken += self._add(event)
        return taken

    def commit(self) -> Sequence[StreamResult]:
        """As `Feed.commit`; in the middle of a transaction nothing is committed."""
        if self._unit is not None:
            return []
        is_due = time.monotonic() - self._advanced_at >= _IDLE_SECONDS
        if self._taken.events or is_due or self.must_reopen or self._are_ready():
            self.settle()
        if self.must_reopen:
            raise Transient(self.must_reopen, retry_after=0.0)
        return self._outcomes.since_last()

    def settle(self) -> None:
        """Commit what was taken, and up to where there was nothing more."""
        place = self._reader.place
        has_moved = self._log.place is None or place.text > self._log.place.text
        if self._unit is not None or not (has_moved or self._taken.events or self._are_ready()):
            return
        # What a run that was killed has committed is seen when a place that is as far has a row.
        is_new = bool(self._ahead) and place.text >= self._ahead
        for writer in self._writers.values():
            entries, is_seen = self._shown(writer)
            if writer.commit(place.text, entries, is_seen=is_seen):
                reach("after-stream-commit")
                is_new = True
        reach("before-place")
        self._log.commit(place, self._taken, is_seen=is_new)
        self._ahead = self._ahead if place.text < self._ahead else ""
        reach("after-place")
        self._taken, self._oldest, self._advanced_at = Taken(), None, time.monotonic()

    def results(self) -> list[StreamResult]:
        """What became of each stream since the feed was opened, first readings included; goes to the ledger."""
        return self._outcomes.whole()

    def lag(self) -> Lag:
        """As `Feed.lag`: events that are held, and the age of the oldest; nothing says how many are to come."""
        if self._oldest is not None:
            return Lag(events=self._taken.events, seconds=max(0.0, time.time() - self._oldest / 1e6))
        return Lag(events=0, seconds=0.0) if self._reader.is_drained else Lag()

    def close(self) -> None:
        """As `Feed.close`."""
        self._open.close()

    def _connection(self) -> duckdb.DuckDBPyConnection:
        con = duck.connect()
        self._open.callback(con.close)
        con.execute("set memory_limit = '1GB'")
        return con

    def _add(self, event: Event) -> int:
        """Take an event; returns 1 if bronze didn't have it."""
        if event.kind == "invalidate":
            self.must_reopen = f"{self.name}: a database that is captured was dropped; the stream is opened anew"
            return 0
        count = 0
        if event.of in self._writers and event.kind in ("c", "u", "d", "drop", "rename"):
            writer = self._writers[event.of]
            count = int(writer.take(event))
            writer.job.progress(count)
        if event.kind == "rename" and event.to in self._writers and self._writers[event.to].renew(event):
            self.must_reopen = f"{self.name}: {event.of} was renamed to {event.to}; it is read again"
        if count:
            self._account(event)
        return count

    def _account(self, event: Event) -> None:
        change = event.change
        is_new = event.transaction is not None and self._last != event.transaction
        self._last = event.transaction
        self._taken = replace(
            self._taken, events=self._taken.events + 1, transactions=self._taken.transactions + is_new,
            cluster_time=change.cluster_time, committed=change.committed,
        )  # fmt: skip
        if self._oldest is None:
            self._oldest = change.committed

    def _are_ready(self) -> bool:
        """Whether a table that nobody sees yet may be seen now."""
        return any(writer.is_hidden and self._shown(writer)[1] for writer in self._writers.values())

    def _shown(self, writer: CollectionWriter) -> tuple[Mapping[str, object], bool]:
        """Entries of the position that say so, and whether readers may see the table with this commit."""
        until = writer.position.get(UNTIL)
        if until is None:
            return {}, True
        return ({UNTIL: None}, True) if is_through(self._reader, until) else ({}, False)


def _unit(event: Event) -> object:
    """What is committed together: the events of a transaction; None: the event is whole by itself."""
    return event.transaction
