"""A source of webhooks as a feed: complete segments of its spool, moved to bronze in micro-batches.

1. Each stream commits its messages with the sequence number up to which it has them.
2. The spool notes that number.
3. Only then are the segments deleted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import duckdb
from filelock import Timeout

from ingest.extract.base import DeadLetter
from ingest.load import Job, StreamResult, full_disk
from ingest.load.dead_letters import bury
from ingest.load.history import record_load
from ingest.watch.feed import Lag
from ingest.webhooks.frames import Message
from ingest.webhooks.keys import KeyIndex
from ingest.webhooks.spool import Segment, Spool, spool_of
from ingest.webhooks.writer import MessageWriter
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import StaleBatch

# What one commit carries at most, and how often the folder is looked at.
_BATCH_BYTES, _BATCH_MESSAGES = 32 * 2**20, 100_000
_POLL_SECONDS = 0.05
# A server completes its segment in a moment; one that doesn't is busy with a full disk.
_PATIENCE_SECONDS = 30.0


@dataclass
class SpoolFeed:
    """The spool of one source. Between `take` and `commit` no other process moves the same messages."""

    jobs: Sequence[Job]
    spool: Spool
    name: str = ""
    _held: list[Segment] = field(default_factory=list)
    _strangers: dict[str, list[DeadLetter]] = field(default_factory=dict)
    _writers: dict[str, MessageWriter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = self.jobs[0].source.name
        self._lock = self.spool.commit_lock

    def take(self, seconds: float) -> int:
        """Take complete segments, for at most `seconds`, or until a commit's worth is held; returns messages."""
        until = time.monotonic() + seconds
        if not self._lock.is_locked and not self._locked(seconds):
            return 0
        taken = 0
        while True:
            taken += self._take_segments()
            if self.is_full or time.monotonic() >= until:
                break
            time.sleep(min(_POLL_SECONDS, max(0.0, until - time.monotonic())))
        if not self._held:
            self._lock.release()
        return taken

    def commit(self) -> Sequence[StreamResult]:
        """Move what was taken to bronze, and delete it from the spool."""
        if not self._held:
            return []
        try:
            results = [writer.commit() for writer in self._writers.values() if writer.taken]
            results += self._bury_strangers()
        except StaleBatch as error:
            raise SmeltError(f"{self.name}: bronze is also written to by another process: {error}") from error
        except (duckdb.Error, OSError) as error:
            raise full_disk(self.jobs[0], error) or SmeltError(
                f"{self.name}: what was received can't be written to bronze: {str(error).splitlines()[0]}",
                "it stays in the spool; correct what is said, and run it again",
            ) from error
        reach("after-streams-commit")
        self.spool.forget(self._held)
        reach("after-forget")
        self._held.clear()
        self._lock.release()
        return results

    def lag(self) -> Lag:
        """Messages and bytes that are in complete segments, and how old the oldest segment is."""
        waiting = [segment for segment in self.spool.segments() if segment.last > self._committed()]
        events = sum(segment.last - segment.first + 1 for segment in waiting)
        try:
            oldest = time.time() - waiting[0].path.stat().st_mtime if waiting else 0.0
        except FileNotFoundError:
            oldest = 0.0
        return Lag(events, self.spool.waiting_bytes(), max(0.0, oldest))

    def close(self) -> None:
        """Let go; what was not committed is still in the spool."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        self._held.clear()
        self._lock.release()

    def _committed(self) -> int:
        return self.spool.committed if self.spool.exists() else 0

    def _locked(self, seconds: float) -> bool:
        self.spool.make()
        try:
            self._lock.acquire(timeout=max(seconds, 0.0))
        except Timeout:
            return False  # another process moves this spool's messages; it does what this one would
        return True

    @property
    def is_full(self) -> bool:
        """Whether as much is held as one commit may carry."""
        size = sum(segment.path.stat().st_size for segment in self._held)
        return size >= _BATCH_BYTES or sum(w.taken for w in self._writers.values()) >= _BATCH_MESSAGES

    def _take_segments(self) -> int:
        after = max([self._committed(), *(segment.last for segment in self._held)])
        taken = 0
        for segment in self.spool.segments():
            if segment.last <= self._committed():
                segment.path.unlink(missing_ok=True)  # it was moved before a loss of power
            if segment.last <= after:
                continue
            if self.is_full:
                break
            for frame in segment.frames():
                for sequence, message in enumerate(frame.messages, frame.first):
                    self._add(sequence, message)
                taken += len(frame.messages)
            self._held.append(segment)
        return taken

    def _add(self, sequence: int, message: Message) -> None:
        if not self._writers:
            self._writers = self._made()
        writer = self._writers.get(message.stream)
        if writer is not None:
            writer.add(sequence, message)
            return
        reason = f"{self.name} has no stream {message.stream} any more"
        letter = DeadLetter(reason, f"{sequence:018d}", message.body)
        self._strangers.setdefault(message.stream, []).append(letter)

    def _made(self) -> dict[str, MessageWriter]:
        keys = KeyIndex(self.spool.keys)
        writers = {job.stream.name: MessageWriter(job, self.spool, keys) for job in self.jobs}
        if not keys.is_filled():
            keys.refill(row for writer in writers.values() for row in writer.known_keys())
        return writers

    def _bury_strangers(self) -> list[StreamResult]:
        results = []
        for stream, letters in self._strangers.items():
            buried = bury(self.jobs[0].lake, f"bronze.{self.name}__dead_letters", stream, letters)
            results.append(StreamResult(self.name, stream, "loaded", rows_read=len(letters), dead_letters=buried))
        self._strangers.clear()
        return results


def open_feed(jobs: Sequence[Job]) -> SpoolFeed:
    """The feed of the source that all `jobs` belong to.

    They may be some of its streams: the spool holds those of all, and all are moved.
    """
    source = jobs[0].source
    whole = [
        next((j for j in jobs if j.stream.name == s.name), replace(jobs[0], stream=s)) for s in source.streams
    ]
    return SpoolFeed(whole, spool_of(jobs[0].lake.settings, source))


def drain(jobs: Sequence[Job]) -> list[StreamResult]:
    """Move to bronze what the spool holds now; returns what became of each stream. Raises SmeltError."""
    if any(job.override is not None for job in jobs):
        raise SmeltError(
            f"{jobs[0].source.name}: webhooks can't be read again: they are sent to us once",
            "ask the sender to send them again; repetitions are dropped by their key",
        )
    source = jobs[0].source
    feed = open_feed(jobs)
    totals = {job.stream.name: StreamResult(source.name, job.stream.name, "unchanged") for job in jobs}
    try:
        end = _end(feed.spool)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while feed.spool.exists() and feed.spool.committed < end:
            if feed.take(_POLL_SECONDS):
                deadline = time.monotonic() + _PATIENCE_SECONDS
                for result in feed.commit():
                    if result.stream in totals:
                        totals[result.stream] = _sum(totals[result.stream], result)
            elif time.monotonic() > deadline:
                raise SmeltError(
                    f"{source.name}: what was accepted up to number {end:,} does not get complete",
                    "look at what `smelt webhooks serve` says, or at who else moves it (`smelt doctor`)",
                )
    finally:
        feed.close()
    for job in jobs:
        record_load(job.run, totals[job.stream.name], None)
    return list(totals.values())


def _end(spool: Spool) -> int:
    """The sequence number up to which messages were accepted before now.

    Where no server runs, what it left open is completed here. Where one does, its open segment is waited for.
    """
    if not spool.exists():
        return 0
    lock = spool.server_lock
    try:
        with lock.acquire():
            return spool.recover()
    except Timeout:
        return spool.newest(_PATIENCE_SECONDS)


def _sum(total: StreamResult, result: StreamResult) -> StreamResult:
    return replace(total.followed_by(result), seconds=total.seconds + result.seconds)
