"""The server's log as runs of events.

When decoding and writing fall behind, the server waits: up to its `net_write_timeout`, which is set for this.
"""

from __future__ import annotations

import time

from ingest.cdc.log_thread import LINGER_SECONDS, Gathering, LogThread
from ingest.mysql.decoder import QUERY, XID
from ingest.mysql.dump import SILENCE_SECONDS, Dump
from ingest.mysql.server import Kind, Server
from ingest.retry import Transient

_EVENTS, _BYTES = 100_000, 8 << 20
_BEGIN = b"BEGIN"


class LogReader(LogThread[list[bytes]]):
    """Reads the log from after the transactions in `start`. Use as a context manager."""

    def __init__(self, server: Server, kind: Kind, start: str) -> None:
        super().__init__()
        self._server, self._kind, self._start = server, kind, start
        self._dump: Dump | None = None

    def interrupt(self) -> None:
        """As `LogThread.interrupt`."""
        if self._dump is not None:
            self._dump.interrupt()

    def read(self) -> None:
        """As `LogThread.read`."""
        self._dump = Dump(self._server, self._kind, self._start)
        try:
            self._read(self._dump)
        finally:
            self._dump.close()

    def _read(self, dump: Dump) -> None:
        gathering = Gathering(_EVENTS, _BYTES)
        heard = time.monotonic()
        while not self.is_ended:
            events = dump.read(LINGER_SECONDS if gathering.whole else 1.0)
            for event in events:
                gathering.add(event, is_end=_is_end(event))
            if events:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENCE_SECONDS:
                raise Transient(f"{self._server.where} has been silent for {SILENCE_SECONDS:.0f} s")
            if gathering.is_full or gathering.is_due:
                self.put(gathering.take())
                heard = time.monotonic()


def _is_end(event: bytes) -> bool:
    """Whether it ends a transaction; a statement other than BEGIN is one of its own."""
    return event[4] == XID or (event[4] == QUERY and not event.endswith(_BEGIN))
