"""The tables of a source while its log is read: what was taken of each, and their common commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from ingest.load import Job
from ingest.mysql.describing import Described
from ingest.mysql.events import Decoded, Ended, Truncation
from ingest.mysql.gtid import Gtids
from ingest.mysql.tablemap import Table
from ingest.mysql.transactions import TransactionWriter
from ingest.mysql.writer import StreamWriter
from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach

# Events, and bytes of them, that are held in memory at most.
_PIECE_EVENTS, _PIECE_BYTES = 250_000, 96 << 20


@dataclass
class Tables:
    """Writers of a source's streams by table, and what was taken since the last commit.

    taken: transactions that were read. oldest: when the first one was committed (seconds since 1970). anew:
    streams whose tables were replaced.
    """

    writers: Mapping[tuple[str, str], StreamWriter]
    log: TransactionWriter
    taken: Gtids
    events: int = 0
    number: int = 0
    oldest: int | None = None
    anew: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, jobs: Mapping[str, tuple[Job, Described]], log: TransactionWriter, taken: Gtids) -> Tables:
        """Of streams whose tables are there. taken: as the log's position has them."""
        writers = {
            (table.database, table.name): StreamWriter(job, _connection(), table.columns)
            for job, table in jobs.values()
        }
        return cls(writers, log, taken, number=log.number)

    def key_of(self, table: Table) -> Sequence[str]:
        """The key by which bronze tells rows of a table apart. Raises SmeltError if it has lost a column of it."""
        writer = self.writers[table.table]
        key = writer.job.stream.primary_key
        lacking = sorted(set(key) - {column.name for column in table.columns})
        if lacking:
            raise SmeltError(
                f"{writer.job.name}: rows are told apart by {', '.join(lacking)}, which the table no longer has",
                "restore the column, or correct primary_key and read the table again with `smelt ingest --reset`",
            )
        return key

    def take(self, decoded: Decoded) -> int:
        """Take what was decoded; returns how many events."""
        taken = 0
        for found in decoded.changes:
            table = found.table if isinstance(found, Truncation) else found.table.table
            writer = self.writers[table]
            count = writer.add(found)
            writer.job.progress(count)
            taken += count
        self.anew += [self.writers[table].job.stream.name for table in decoded.replaced]
        self._ended(decoded.ended, is_fresh=bool(taken))
        self.events += taken
        held = [writer.pending for writer in self.writers.values()]
        if sum(events for events, _ in held) >= _PIECE_EVENTS or sum(size for _, size in held) >= _PIECE_BYTES:
            for writer in self.writers.values():
                writer.flush()
        return taken

    def _ended(self, ended: Sequence[Ended], *, is_fresh: bool) -> None:
        self.log.add(ended)
        for one in ended:
            self.taken.add(one.transaction.gtid)
        if ended:
            self.number = ended[-1].transaction.number
            if self.oldest is None and is_fresh:
                self.oldest = ended[0].transaction.committed

    @property
    def is_moved(self) -> bool:
        """Whether transactions were read that aren't committed."""
        return self.number > self.log.number

    def commit(self, **position: object) -> None:
        """Commit what was taken, table by table and then their transactions: all are complete up to the last."""
        for writer in self.writers.values():
            if writer.commit(self.number) is not None:
                reach("after-stream-commit")
        self.log.commit(self.number, gtid=self.taken.text, **position)
        self.events, self.oldest = 0, None

    def close(self) -> None:
        """Let go of what was taken and not committed."""
        for writer in self.writers.values():
            writer.con.close()


def _connection() -> duckdb.DuckDBPyConnection:
    con = duck.connect()
    con.execute("set memory_limit = '1GB'")
    return con
