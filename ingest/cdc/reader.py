"""The replication stream of a slot, as runs of messages.

The thread that reads is also the only one that speaks to the server, which must hear from us now and then, and
learns there what was committed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.cdc.log_thread import LINGER_SECONDS, Gathering, LogThread
from ingest.cdc.replication import Replication
from ingest.cdc.server import Server

_MESSAGES, _BYTES = 50_000, 8 << 20
_STATUS_SECONDS = 10
_COMMIT = b"C"


@dataclass(frozen=True)
class MessageRun:
    """Messages as they came: whole transactions, or a part of one that is too large to wait for its end; or none.

    sent: LSN up to which the server had nothing more for us when the run ended; 0: unknown.
    """

    messages: Sequence[bytes]
    sent: int


class LogReader(LogThread[MessageRun]):
    """Reads a slot from `start` (0: from where it was confirmed). Use as a context manager."""

    def __init__(self, server: Server, slot: str, publication: str, start: int = 0) -> None:
        super().__init__()
        self._server, self._slot, self._publication, self._start = server, slot, publication, start
        self._confirmed = self._told = 0
        self._told_at = time.monotonic()

    def confirm(self, lsn: int) -> None:
        """Everything before `lsn` is committed here: the server need not keep it."""
        self._confirmed = max(self._confirmed, lsn)

    def read(self) -> None:
        """As `LogThread.read`."""
        with self._server.replication() as stream:
            stream.start(self._slot, self._publication, self._start)
            self._read(stream)

    def _read(self, stream: Replication) -> None:
        known = 0
        gathering = Gathering(_MESSAGES, _BYTES)
        while not self.is_ended:
            message = stream.read()
            if message is not None:
                found = bytes(message)
                gathering.add(found, is_end=found[:1] == _COMMIT)
                if not gathering.is_full:
                    continue
            if gathering.is_full or gathering.is_due:
                self.put(MessageRun(gathering.take(), 0), lambda: self._tell(stream))
            elif not gathering.messages and stream.sent > known:
                known = stream.sent
                self.put(MessageRun((), known), lambda: self._tell(stream))
            else:
                stream.wait(LINGER_SECONDS / 2)
            self._tell(stream)
        self._tell(stream)

    def _tell(self, stream: Replication) -> None:
        """Let the server know what was committed, and now and then that we are alive."""
        now = time.monotonic()
        if self._confirmed > self._told or stream.is_asked or now - self._told_at >= _STATUS_SECONDS:
            self._told, self._told_at = self._confirmed, now
            stream.confirm(self._told)
