"""A server's log, read by a thread of its own: runs of messages come through a bounded queue.

Decoding and writing go on meanwhile; when they fall behind, the queue is full, and the thread and the server wait.
"""

from __future__ import annotations

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, Self, TypeVar

# How long the messages of whole transactions wait for company.
LINGER_SECONDS = 0.05
# Runs that wait for the worker: what bounds memory when the server is faster than we are.
_WAITING = 4
_PATIENCE_SECONDS = 0.2

Run = TypeVar("Run")


@dataclass
class Gathering:
    """Messages that were read and not handed on yet: at most so many of them, and bytes.

    whole: how many of them, up to the end of a transaction.
    """

    most_messages: int
    most_bytes: int
    messages: list[bytes] = field(default_factory=list)
    bytes: int = 0
    whole: int = 0
    since: float = 0.0

    def add(self, message: bytes, *, is_end: bool) -> None:
        """Take a message. is_end: whether it ends a transaction."""
        if not self.messages:
            self.since = time.monotonic()
        self.messages.append(message)
        self.bytes += len(message)
        if is_end:
            self.whole = len(self.messages)

    @property
    def is_full(self) -> bool:
        """Whether it must be handed on before more is read."""
        return len(self.messages) >= self.most_messages or self.bytes >= self.most_bytes

    @property
    def is_due(self) -> bool:
        """Whether a whole transaction has waited long enough."""
        return bool(self.whole) and time.monotonic() - self.since >= LINGER_SECONDS

    def take(self) -> list[bytes]:
        """The whole transactions, or everything if there is none; what is left begins the next run."""
        end = self.whole or len(self.messages)
        taken, self.messages = self.messages[:end], self.messages[end:]
        self.bytes, self.whole, self.since = sum(map(len, self.messages)), 0, time.monotonic()
        return taken


class LogThread(ABC, Generic[Run]):
    """Reads a log while it is entered as a context manager. A subclass says how."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Run | BaseException] = queue.Queue(_WAITING)
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="log-reader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_ended.set()
        self.interrupt()
        self._thread.join(timeout=30)

    def next(self, timeout: float) -> Run | None:
        """The next run, or None if none came within `timeout` seconds; raises what reading raised."""
        try:
            found = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(found, BaseException):
            raise found
        return found

    @abstractmethod
    def read(self) -> None:
        """Connect and `put` runs until `is_ended`; in the thread."""

    def interrupt(self) -> None:
        """End a wait for the server, so that the thread sees that it is over."""

    @property
    def is_ended(self) -> bool:
        """Whether nobody wants more."""
        return self._is_ended.is_set()

    def put(self, what: Run | BaseException, while_waiting: Callable[[], None] = lambda: None) -> None:
        """Hand on; waits for room. `while_waiting` keeps the server from giving us up."""
        while not self.is_ended:
            try:
                self._queue.put(what, timeout=_PATIENCE_SECONDS)
            except queue.Full:
                while_waiting()
                continue
            return

    def _work(self) -> None:
        try:
            self.read()
        except BaseException as error:  # noqa: BLE001 - raised where the queue is read
            self.put(error)
