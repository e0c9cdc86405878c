"""Makes messages durable: those that come while the disk is busy share the next fsync."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ingest.spec import SourceSpec
from ingest.webhooks.frames import Message, encode
from ingest.webhooks.spool import Spool, sync_folder
from plugins.core.failpoints import reach

W = TypeVar("W")

# One frame, and one segment, at most.
_FRAME_MESSAGES, _FRAME_BYTES = 4096, 8 * 2**20
_SEGMENT_BYTES = 16 * 2**20
_LOOK_SECONDS = 1.0


class Overloaded(Exception):
    """Nothing can be accepted for now; `seconds` until it is worth another try."""

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass
class _Open:
    """The segment that is being written. end, last: what is durable of it, in bytes and by sequence number.

    is_broken: a write failed; nobody knows what the file holds beyond its durable part: it isn't written again.
    """

    path: Path
    handle: int
    began: float
    end: int = 0
    last: int = 0
    is_broken: bool = False


class Journal(Generic[W]):
    """Writes one spool. settle: called from the journal's thread with waiters whose messages are durable and None,
    or with the error that kept them from being so.

    Constructed with the server's lock held. Raises SmeltError if what is there is damaged.
    """

    def __init__(
        self, spool: Spool, source: SourceSpec, settle: Callable[[Sequence[W], Exception | None], None]
    ) -> None:
        self._spool, self._limits, self._settle = spool, source.webhooks, settle
        self._next = spool.recover() + 1
        self._seed = spool.seed
        self._queue: list[tuple[Message, W]] = []
        self._bytes = 0
        self._wake = threading.Condition()
        self._open: _Open | None = None
        self._looked = 0.0
        self._refusal: Overloaded | None = None
        self._is_closing = False
        self._look()
        self._thread = threading.Thread(target=self._run, name=f"journal-{source.name}", daemon=True)
        self._thread.start()

    def offer(self, message: Message, waiter: W) -> None:
        """Queue a message; its waiter is settled later. Raises Overloaded if it is not taken."""
        if self._refusal is not None:
            raise self._refusal
        with self._wake:
            if self._is_closing:
                raise Overloaded("the server is stopping", 5)
            if len(self._queue) >= self._limits.max_waiting:
                raise Overloaded("too many messages are waiting for the disk", 1)
            self._queue.append((message, waiter))
            if len(self._queue) == 1:
                self._wake.notify()

    @property
    def refusal(self) -> Overloaded | None:
        """Why nothing is accepted now, if so."""
        return self._refusal

    def close(self) -> None:
        """Make durable what is queued, complete the segment, and end."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._step():
                pass
        finally:
            with self._wake:
                self._is_closing = True
                left, self._queue = self._queue, []
            if left:
                self._settle([waiter for _, waiter in left], Overloaded("the server is stopping", 5))

    def _step(self) -> bool:
        """Wait for messages, or until the segment is complete, and do what is due; whether there will be more."""
        with self._wake:
            if not self._queue and not self._is_closing:
                self._wake.wait(self._patience())
            batch = self._take()
            is_over = self._is_closing and not batch and not self._queue
        if batch:
            self._persist([message for message, _ in batch], [waiter for _, waiter in batch])
        if self._open and (is_over or self._is_full(self._open)):
            self._seal(self._open)
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._look()
        return not is_over

    def _take(self) -> list[tuple[Message, W]]:
        count = size = 0
        for message, _ in self._queue[:_FRAME_MESSAGES]:
            size += len(message.body)
            count += 1
            if size >= _FRAME_BYTES:
                break
        batch, self._queue = self._queue[:count], self._queue[count:]
        return batch

    def _patience(self) -> float:
        if self._open is None:
            return _LOOK_SECONDS
        return min(_LOOK_SECONDS, max(0.01, self._open.began + self._every - time.monotonic()))

    @property
    def _every(self) -> float:
        return self._limits.commit_every.total_seconds()

    def _is_full(self, segment: _Open) -> bool:
        is_due = time.monotonic() - segment.began >= self._every
        return segment.is_broken or segment.end >= _SEGMENT_BYTES or is_due

    def _persist(self, messages: Sequence[Message], waiters: Sequence[W]) -> None:
        # A number is used once, whatever becomes of its message.
        first, self._next = self._next, self._next + len(messages)
        try:
            segment = self._writable(first)
            data = encode(first, messages, self._seed)
            _write(segment.handle, data)
            reach("after-spool-write")
            os.fdatasync(segment.handle)
        except OSError as error:
            if self._open:
                self._open.is_broken = True
            self._settle(waiters, Overloaded(f"the spool cannot be written: {error.strerror}", 30))
            return
        segment.end += len(data)
        segment.last = first + len(messages) - 1
        reach("after-spool-sync")
        self._settle(waiters, None)

    def _writable(self, first: int) -> _Open:
        if self._open and self._open.is_broken:
            # Later messages must not overtake what is durable in it: it is completed before another is begun.
            self._seal(self._open)
            if self._open:
                raise OSError(errno.EIO, "an earlier segment cannot be completed")
        return self._open or self._begin(first)

    def _begin(self, first: int) -> _Open:
        path = self._spool.open_file(first)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._open = _Open(path, handle, time.monotonic())
        # The name must be as durable as what is in it.
        sync_folder(path.parent)
        return self._open

    def _seal(self, segment: _Open) -> None:
        """Complete the segment; if that fails, it stays, and is tried again."""
        try:
            if segment.handle >= 0:
                handle, segment.handle = segment.handle, -1
                os.close(handle)
            reach("before-seal")
            if segment.last:
                self._spool.seal(segment.path, segment.last)
            else:
                segment.path.unlink(missing_ok=True)
        except OSError:
            segment.is_broken = True
            return
        self._open = None
        reach("after-seal")

    def _look(self) -> None:
        """Whether there is room for more, on the disk and in the spool."""
        self._looked = time.monotonic()
        disk = os.statvfs(self._spool.folder)
        if disk.f_bavail * disk.f_frsize < self._limits.keep_free:
            self._refusal = Overloaded("the disk is full", 60)
        elif self._spool.waiting_bytes() > self._limits.max_spool:
            self._refusal = Overloaded("too much waits for bronze", 30)
        else:
            self._refusal = None


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
