"""The server's log as runs of events through a bounded queue, read by a thread of its own.

Decoding and writing go on meanwhile; when they fall behind, the queue is full, the thread waits, and so does the
server (up to its `net_write_timeout`, which is set for this).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from ingest.mysql.decoder import QUERY, XID
from ingest.mysql.dump import SILENCE_SECONDS, Dump
from ingest.mysql.server import Kind, Server
from ingest.retry import Transient

_EVENTS, _BYTES = 50_000, 4 << 20
# How long the events of whole transactions wait for company.
_LINGER_SECONDS = 0.05
# Runs that wait for the worker: what bounds memory when the server is faster than we are.
_WAITING = 4
_PATIENCE_SECONDS = 0.2
_BEGIN = b"BEGIN"


@dataclass
class _Gathering:
    """Events that were read and not handed on yet. whole: how many of them, up to the end of a transaction."""

    events: list[bytes] = field(default_factory=list)
    bytes: int = 0
    whole: int = 0
    since: float = 0.0

    def add(self, events: Sequence[bytes]) -> None:
        if not self.events:
            self.since = time.monotonic()
        for event in events:
            self.events.append(event)
            self.bytes += len(event)
            if event[4] == XID or (event[4] == QUERY and not event.endswith(_BEGIN)):
                self.whole = len(self.events)

    @property
    def is_full(self) -> bool:
        return len(self.events) >= _EVENTS or self.bytes >= _BYTES

    @property
    def is_due(self) -> bool:
        return bool(self.whole) and time.monotonic() - self.since >= _LINGER_SECONDS

    def take(self) -> list[bytes]:
        """Whole transactions, or everything if there is none; what is left begins the next run."""
        end = self.whole or len(self.events)
        taken, self.events = self.events[:end], self.events[end:]
        self.bytes, self.whole, self.since = sum(map(len, self.events)), 0, time.monotonic()
        return taken


class LogReader:
    """Reads the log from after the transactions in `start`. Use as a context manager."""

    def __init__(self, server: Server, kind: Kind, start: str) -> None:
        self._server, self._kind, self._start = server, kind, start
        self._queue: queue.Queue[list[bytes] | BaseException] = queue.Queue(_WAITING)
        self._is_ended = threading.Event()
        self._dump: Dump | None = None
        self._thread = threading.Thread(target=self._work, name="binlog-reader", daemon=True)

    def __enter__(self) -> LogReader:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_ended.set()
        if self._dump is not None:
            self._dump.interrupt()
        self._thread.join(timeout=30)

    def next(self, timeout: float) -> list[bytes] | None:
        """The next run, or None if none came within `timeout` seconds; raises what reading raised."""
        try:
            found = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(found, BaseException):
            raise found
        return found

    def _work(self) -> None:
        try:
            self._dump = Dump(self._server, self._kind, self._start)
            try:
                self._read(self._dump)
            finally:
                self._dump.close()
        except BaseException as error:  # noqa: BLE001 - raised where the queue is read
            self._put(error)

    def _read(self, dump: Dump) -> None:
        gathering = _Gathering()
        heard = time.monotonic()
        while not self._is_ended.is_set():
            events = dump.read(_LINGER_SECONDS if gathering.whole else 1.0)
            if events:
                heard = time.monotonic()
                gathering.add(events)
            elif time.monotonic() - heard > SILENCE_SECONDS:
                raise Transient(f"{self._server.where} has been silent for {SILENCE_SECONDS:.0f} s")
            if gathering.is_full or gathering.is_due:
                self._put(gathering.take())
                heard = time.monotonic()

    def _put(self, what: list[bytes] | BaseException) -> None:
        """Hand on; waits for room, which slows the server down."""
        while not self._is_ended.is_set():
            try:
                self._queue.put(what, timeout=_PATIENCE_SECONDS)
            except queue.Full:
                continue
            return
