"""The tables of a source while its log is read: what was taken of each, and their common commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from ingest.cdc.events import Decoded
from ingest.cdc.relations import Relation
from ingest.cdc.snapshot import table_of
from ingest.cdc.transactions import TransactionWriter
from ingest.cdc.writer import StreamWriter
from ingest.load import Job
from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach

# Events that are held in memory at most.
_PIECE = 250_000


@dataclass
class Tables:
    """Writers of a source's streams by table, and what was taken since the last commit.

    end: LSN after the last transaction that was taken. oldest: when the first one was committed (µs since 1970).
    """

    writers: Mapping[tuple[str, str], StreamWriter]
    log: TransactionWriter
    events: int = 0
    end: int = 0
    oldest: int | None = None

    @classmethod
    def of(cls, jobs: Sequence[Job], log: TransactionWriter) -> Tables:
        """Of streams whose tables are there."""
        return cls({table_of(job.stream): StreamWriter(job, _connection()) for job in jobs}, log)

    def key_of(self, relation: Relation) -> Sequence[str] | None:
        """The key by which bronze tells rows of a relation apart; None: it is of no interest.

        Raises SmeltError if the log does not have the key any more.
        """
        writer = self.writers.get(relation.table)
        if writer is None:
            return None
        key = writer.job.stream.primary_key
        if relation.identity != "f" and not set(key) <= set(relation.key):
            raise SmeltError(
                f"{writer.job.name}: rows are now told apart by {', '.join(relation.key) or 'nothing'}, "
                f"not by {', '.join(key)}",
                "restore the primary key, or set the table to `replica identity full`",
            )
        return key

    def take(self, decoded: Decoded) -> int:
        """Take what was decoded; returns how many events."""
        taken = 0
        for changes in decoded.changes:
            writer = self.writers[changes.relation.table]
            writer.add(changes)
            writer.job.progress(len(changes))
            taken += len(changes)
        self.log.add(decoded.transactions)
        if len(decoded.transactions.end):
            self.end = int(decoded.transactions.end[-1])
            if self.oldest is None and taken:
                self.oldest = int(decoded.transactions.committed[0])
        self.events += taken
        if sum(writer.pending for writer in self.writers.values()) >= _PIECE:
            for writer in self.writers.values():
                writer.flush()
        return taken

    def commit(self, end: int) -> None:
        """Commit what was taken, table by table and then their transactions: all are complete up to `end`."""
        for writer in self.writers.values():
            if writer.commit(end) is not None:
                reach("after-stream-commit")
        self.log.commit(end)
        self.events, self.oldest = 0, None

    def close(self) -> None:
        """Let go of what was taken and not committed."""
        for writer in self.writers.values():
            writer.con.close()


def _connection() -> duckdb.DuckDBPyConnection:
    con = duck.connect()
    con.execute("set memory_limit = '1GB'")
    return con
