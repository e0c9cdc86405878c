"""The stream of the binlog that a server sends to a replica: asked for by GTID, split into events.

https://mariadb.com/kb/en/com_binlog_dump/,
https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_binlog_dump_gtid.html
"""

from __future__ import annotations

import secrets
import socket
import struct
import uuid
from typing import Any

from ingest.mysql.decoder import HEADER
from ingest.mysql.packets import Packets
from ingest.mysql.server import Kind, Server, ask
from ingest.retry import Transient

_DUMP, _DUMP_GTID = 0x12, 0x1E
_THROUGH_GTID = 4
_FORMAT = 15
# A server that has nothing to send says so this often; one that is silent for longer is gone.
_HEARTBEAT_NANOSECONDS = 1_000_000_000
SILENCE_SECONDS = 30.0
_CHUNK = 1 << 18
_CRC32 = 1


class Dump:
    """An open stream, from after the transactions in `start` (as the server writes GTIDs). Raises as
    `Server.open`.
    """

    def __init__(self, server: Server, kind: Kind, start: str) -> None:
        self._server = server
        self._connection: Any = server.open()
        with server.explained():
            # From 2³¹ on, so as to be nobody else's: of two replicas with the same number, the server ends one.
            number = (1 << 31) + secrets.randbelow(1 << 31)
            ((checksum,),) = ask(self._connection, "select @@global.binlog_checksum")
            self._has_checksum = checksum.upper() != "NONE"
            with self._connection.cursor() as cursor:
                cursor.execute("set @master_binlog_checksum = @@global.binlog_checksum")
                cursor.execute(f"set @master_heartbeat_period = {_HEARTBEAT_NANOSECONDS}")
                if kind.is_mariadb:
                    cursor.execute("set @mariadb_slave_capability = 4, @slave_gtid_strict_mode = 1")
                    cursor.execute("set @slave_connect_state = %s", [start])
                else:
                    made = str(uuid.uuid4())
                    cursor.execute("set @slave_uuid = %s, @replica_uuid = %s", [made, made])
            self._connection._write_bytes(asked(kind, number, start))
        self._packets = Packets()

    def read(self, seconds: float) -> list[bytes]:
        """Events that have come, without checksums; none if none came within `seconds`.

        Raises Transient if the connection is lost, LogLostError if the server no longer has the log.
        """
        sock = self._connection._sock
        try:
            sock.settimeout(seconds)
            received = sock.recv(_CHUNK)
        except TimeoutError:
            return []
        except OSError as error:
            raise Transient(f"{self._server.where}: the connection was lost: {error}") from error
        if not received:
            raise Transient(f"{self._server.where}: the server closed the connection")
        with self._server.explained():
            return [self._stripped(self._event(packet)) for packet in self._packets.take(received)]

    def interrupt(self) -> None:
        """Let `read`, in whichever thread, end at once."""
        try:
            self._connection._sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            return  # it is closed already

    def close(self) -> None:
        """Leave the server."""
        self._connection._force_close()

    def _event(self, packet: bytes) -> bytes:
        if packet[:1] != b"\0":
            self._refuse(packet)
        return packet[1:]

    def _refuse(self, packet: bytes) -> None:
        """Raise what the server says instead of an event."""
        if packet[:1] == b"\xff":
            import pymysql

            pymysql.err.raise_mysql_exception(packet)
        raise Transient(f"{self._server.where}: the server ended the stream of its log")

    def _stripped(self, event: bytes) -> bytes:
        if event[4] == _FORMAT:
            # It says how the events after it are written; itself, it has a checksum whenever there are any.
            self._has_checksum = event[-5] == _CRC32
        return event[:-4] if self._has_checksum and len(event) > HEADER + 4 else event


def asked(kind: Kind, number: int, start: str) -> bytes:
    """The command, as a packet."""
    if kind.is_mariadb:
        body = struct.pack("<BIHI", _DUMP, 4, 0, number)
    else:
        from pymysqlreplication.gtid import GtidSet

        read = GtidSet(start).encoded()
        body = struct.pack("<BHIIQI", _DUMP_GTID, _THROUGH_GTID, number, 0, 4, len(read)) + read
    return struct.pack("<I", len(body)) + body
