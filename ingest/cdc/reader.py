"""The replication stream of a slot, as runs of messages through a bounded queue.

A thread of its own reads, so that decoding and writing go on meanwhile; it is also the only one that speaks to the
server, which must hear from us now and then, and learns there what was committed.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from ingest.cdc.replication import Replication
from ingest.cdc.server import Server

_MESSAGES, _BYTES = 50_000, 8 << 20
# How long the messages of whole transactions wait for company.
_LINGER_SECONDS = 0.05
# Runs that wait for the worker: what bounds memory when the server is faster than we are.
_WAITING = 4
_STATUS_SECONDS = 10
_PATIENCE_SECONDS = 0.2
_COMMIT = b"C"


@dataclass(frozen=True)
class MessageRun:
    """Messages as they came: whole transactions, or a part of one that is too large to wait for its end; or none.

    sent: LSN up to which the server had nothing more for us when the run ended; 0: unknown.
    """

    messages: Sequence[bytes]
    sent: int


@dataclass
class _Gathering:
    """Messages that were read and not handed on yet."""

    messages: list[bytes] = field(default_factory=list)
    bytes: int = 0
    whole: int = 0
    since: float = 0.0

    def add(self, message: bytes) -> None:
        if not self.messages:
            self.since = time.monotonic()
        self.messages.append(message)
        self.bytes += len(message)
        if message[:1] == _COMMIT:
            self.whole = len(self.messages)

    @property
    def is_full(self) -> bool:
        return len(self.messages) >= _MESSAGES or self.bytes >= _BYTES

    @property
    def is_due(self) -> bool:
        return bool(self.whole) and time.monotonic() - self.since >= _LINGER_SECONDS

    def take(self) -> list[bytes]:
        """The whole transactions, or everything if there is none; what is left begins the next run."""
        end = self.whole or len(self.messages)
        taken, self.messages = self.messages[:end], self.messages[end:]
        self.bytes, self.whole, self.since = sum(map(len, self.messages)), 0, time.monotonic()
        return taken


class LogReader:
    """Reads a slot from `start` (0: from where it was confirmed). Use as a context manager."""

    def __init__(self, server: Server, slot: str, publication: str, start: int = 0) -> None:
        self._server, self._slot, self._publication, self._start = server, slot, publication, start
        self._queue: queue.Queue[MessageRun | BaseException] = queue.Queue(_WAITING)
        self._confirmed = self._told = 0
        self._told_at = time.monotonic()
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="log-reader", daemon=True)

    def __enter__(self) -> LogReader:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_ended.set()
        self._thread.join(timeout=30)

    def next(self, timeout: float) -> MessageRun | None:
        """The next run, or None if none came within `timeout` seconds; raises what reading raised."""
        try:
            found = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(found, BaseException):
            raise found
        return found

    def confirm(self, lsn: int) -> None:
        """Everything before `lsn` is committed here: the server need not keep it."""
        self._confirmed = max(self._confirmed, lsn)

    def _work(self) -> None:
        try:
            with self._server.replication() as stream:
                stream.start(self._slot, self._publication, self._start)
                self._read(stream)
        except BaseException as error:  # noqa: BLE001 - raised where the queue is read
            self._put(error, lambda: None)

    def _read(self, stream: Replication) -> None:
        known = 0
        gathering = _Gathering()
        while not self._is_ended.is_set():
            message = stream.read()
            if message is not None:
                gathering.add(bytes(message))
                if not gathering.is_full:
                    continue
            if gathering.is_full or gathering.is_due:
                self._put(MessageRun(gathering.take(), 0), lambda: self._tell(stream))
            elif not gathering.messages and stream.sent > known:
                known = stream.sent
                self._put(MessageRun((), known), lambda: self._tell(stream))
            else:
                stream.wait(_LINGER_SECONDS / 2)
            self._tell(stream)
        self._tell(stream)

    def _tell(self, stream: Replication) -> None:
        """Let the server know what was committed, and now and then that we are alive."""
        now = time.monotonic()
        if self._confirmed > self._told or stream.is_asked or now - self._told_at >= _STATUS_SECONDS:
            self._told, self._told_at = self._confirmed, now
            stream.confirm(self._told)

    def _put(self, what: MessageRun | BaseException, while_waiting: Callable[[], None]) -> None:
        """Hand on; waits for room, which slows the server down. `while_waiting` keeps it from giving us up."""
        while not self._is_ended.is_set():
            try:
                self._queue.put(what, timeout=_PATIENCE_SECONDS)
            except queue.Full:
                while_waiting()
                continue
            return
