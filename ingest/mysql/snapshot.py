"""The database as it was after certain transactions, in one transaction of ours: where reading its log begins.

MariaDB says by itself which place of the log a consistent snapshot is of; on MySQL, a short global read lock keeps
the place from moving on while the snapshot begins. Tables are read one after the other, each whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingest.extract.base import Pull, PullRequest, Scope
from ingest.load import Job, StreamResult, load_stream
from ingest.mysql.describing import Described
from ingest.mysql.gtid import Gtids, gtids
from ingest.mysql.reading import staged
from ingest.mysql.server import Kind, Server, ask, log_end, read_gtids
from ingest.mysql.transactions import NUMBER
from ingest.mysql.writer import CHANGE_TYPES
from ingest.retry import Transient
from ingest.spec import SourceSpec
from plugins.core.lake import ensure_columns
from plugins.core.settings import Settings

if TYPE_CHECKING:
    import pymysql

# Of a first reading, and of how long it may take.
_BEGIN = (
    "set session transaction isolation level repeatable read",
    "start transaction with consistent snapshot, read only",
)
_LOCK_SECONDS = 20


@dataclass(frozen=True)
class Snapshot:
    """An open transaction. taken: the transactions that it sees; file, end: where they end in the log."""

    server: Server
    connection: Any
    taken: Gtids
    file: str
    end: int


@contextmanager
def open_snapshot(server: Server, kind: Kind) -> Iterator[Snapshot]:
    """A snapshot, for as long as the context is open. Raises SmeltError, or Transient if it may pass."""
    # Values come as the bytes that the server sends; see `reading`.
    with server.session(conv={}, use_unicode=False) as connection, server.session() as asking:
        if kind.is_mariadb:
            ask(connection, "set session max_statement_time = 0")
            _begin(connection)
            found = {name: value.decode() for name, value in _status(connection)}
            file, end = found[b"Binlog_snapshot_file"], int(found[b"Binlog_snapshot_position"])
            ((text,),) = ask(asking, "select binlog_gtid_pos(%s, %s)", file, end)
            if text is None:
                raise Transient(f"{server.where}: the log was rotated while a snapshot began")
            taken = gtids(text, is_mariadb=True)
        else:
            taken, file, end = _begin_locked(connection, asking, kind)
        yield Snapshot(server, connection, taken, file, end)


def _begin(connection: pymysql.Connection) -> None:
    with connection.cursor() as cursor:
        for statement in _BEGIN:
            cursor.execute(statement)


def _status(connection: pymysql.Connection) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in ask(connection, "show status like 'binlog\\_snapshot\\_%'")]


def _begin_locked(
    connection: pymysql.Connection, asking: pymysql.Connection, kind: Kind
) -> tuple[Gtids, str, int]:
    """Begin it while nobody can commit; the lock is held for the moment that this takes."""
    ask(asking, f"set session lock_wait_timeout = {_LOCK_SECONDS}")
    ask(asking, "flush tables with read lock")
    try:
        _begin(connection)
        file, end = log_end(asking)
        return read_gtids(asking, kind), file, end
    finally:
        ask(asking, "unlock tables")


@dataclass(frozen=True)
class SnapshotExtractor:
    """Pulls a table as a snapshot sees it. number: of the transaction up to which the source is read then."""

    snapshot: Snapshot
    table: Described
    number: int

    def pull(self, request: PullRequest) -> Pull:
        """Read the table. Raises SmeltError, or Transient: among others if it was altered since the snapshot
        began.
        """
        with self.snapshot.server.explained():
            relation = staged(self.snapshot.connection, self.table, "", request)
        return Pull(
            relation=relation,
            scope=Scope.everything(),
            expected={NUMBER: request.position.get(NUMBER)},
            advance={NUMBER: self.number},
            estimated_rows=self.table.estimate or None,
        )

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """Not for a snapshot."""
        raise NotImplementedError


def read_table(job: Job, table: Described, snapshot: Snapshot, number: int) -> StreamResult:
    """Read what bronze lacks of a table; rows that are there already are compared, and what differs is loaded.

    Raises as `load_stream` does.
    """
    result = load_stream(replace(job, extractor=SnapshotExtractor(snapshot, table, number)))
    ensure_columns(job.lake, job.identifier, pa.schema(list(CHANGE_TYPES.items())))
    return result
