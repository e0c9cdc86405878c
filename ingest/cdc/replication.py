"""PostgreSQL's streaming replication protocol over libpq.

psycopg has no replication cursor; psycopg2's confirms by itself what was received, before anybody committed it.
https://www.postgresql.org/docs/current/protocol-replication.html
"""

from __future__ import annotations

import select
import struct
import time
from dataclasses import dataclass

import psycopg
from psycopg import pq

from ingest.cdc.events import lsn_text
from plugins.core.duck import literal, quote

_EPOCH_SECONDS = 946_684_800
_DATA, _KEEPALIVE = b"wk"
_ROWS = {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}


@dataclass
class Replication:
    """A connection in replication mode. sent: the LSN up to which the server has sent all there is."""

    connection: pq.abc.PGconn
    sent: int = 0
    is_asked: bool = False

    @property
    def version(self) -> int:
        """Of the server, such as 180004."""
        return self.connection.server_version

    def command(self, statement: str, patience: float = 60.0) -> list[tuple[str, ...]]:
        """Run one command of the protocol; returns its rows.

        Raises psycopg.Error; TimeoutError, with the command cancelled, if it takes longer than `patience` seconds.
        """
        self.connection.send_query(statement.encode())
        deadline = time.monotonic() + patience
        while self.connection.is_busy():
            if time.monotonic() > deadline:
                self.connection.get_cancel().cancel()
                raise TimeoutError(statement)
            self.wait(0.2)
            self.connection.consume_input()
        result = self.connection.get_result()
        while self.connection.get_result() is not None:
            pass  # the end of the answer
        if result is None:
            raise psycopg.OperationalError("the server closed the connection")
        if result.status not in _ROWS:
            raise psycopg.errors.error_from_result(result)
        return [
            tuple((result.get_value(row, column) or b"").decode() for column in range(result.nfields))
            for row in range(result.ntuples)
        ]

    def start(self, slot: str, publication: str, lsn: int) -> None:
        """Begin streaming from `lsn`, or from where the slot was confirmed if that is later."""
        statement = (
            f"START_REPLICATION SLOT {quote(slot)} LOGICAL {lsn_text(lsn)} "
            f"(proto_version '1', publication_names {literal(quote(publication))})"
        )
        result = self.connection.exec_(statement.encode())
        if result.status != pq.ExecStatus.COPY_BOTH:
            raise psycopg.errors.error_from_result(result)

    def read(self) -> bytes | memoryview | None:
        """The next message of the stream, or None if there is none now. Raises psycopg.Error."""
        while True:
            size, data = self.connection.get_copy_data(1)
            if size == 0:
                self.connection.consume_input()
                size, data = self.connection.get_copy_data(1)
                if size == 0:
                    return None
            if size < 0:
                self._ended()
            kind = data[0]
            if kind == _DATA:
                return data[25:]
            if kind == _KEEPALIVE:
                self.sent, _, asked = struct.unpack_from("!QQB", data, 1)
                self.is_asked = self.is_asked or bool(asked)

    def wait(self, seconds: float) -> None:
        """Wait until something comes, at most so long."""
        select.select([self.connection.socket], [], [], seconds)

    def confirm(self, lsn: int) -> None:
        """Tell the server that what is before `lsn` may be forgotten (0: nothing), and that we are alive."""
        now = int((time.time() - _EPOCH_SECONDS) * 1_000_000)
        self.connection.put_copy_data(struct.pack("!cQQQQB", b"r", lsn, lsn, lsn, now, 0))
        self.connection.flush()
        self.is_asked = False

    def _ended(self) -> None:
        """The stream is over: why. Raises psycopg.Error."""
        result = self.connection.get_result()
        if result is not None and result.status == pq.ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
        raise psycopg.OperationalError("the server closed the replication stream")
