"""The log of a source, followed from where bronze is: read, decoded, written, committed."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ingest.load import Job
from ingest.mysql.decoder import Decoder
from ingest.mysql.describing import Described
from ingest.mysql.events import Decoded, Place, RolledBackError
from ingest.mysql.gtid import Gtids, gtids
from ingest.mysql.reader import LogReader
from ingest.mysql.server import Kind, LogLostError, Server, read_catalog
from ingest.mysql.tables import Tables
from ingest.mysql.transactions import TransactionWriter
from ingest.retry import Transient
from plugins.core.errors import SmeltError

# Events that one commit carries, if so many are waiting.
_BATCH = 1_000_000
_POLL_SECONDS = 0.2


class Following:
    """Reads the log for `jobs` (with their tables, by stream), from the place in `log` on.

    until: transactions at whose end nothing more is taken; None: there is no end.
    Raises SmeltError for what can't be read, Transient if the connection is lost or the log must be opened anew,
    LogLostError if the server no longer has it.
    """

    def __init__(
        self,
        server: Server,
        kind: Kind,
        jobs: Mapping[str, tuple[Job, Described]],
        log: TransactionWriter,
        until: Gtids | None = None,
    ) -> None:
        self._until, self._log = until, log
        self._source = next(iter(jobs.values()))[0].source.name
        self.tables = Tables.of(jobs, log, gtids(log.gtid, is_mariadb=kind.is_mariadb))
        self.is_whole = True
        self._replaced: list[str] = []
        captured = frozenset(self.tables.writers)
        with server.session() as session:
            catalog = read_catalog(session, kind, sorted(captured))
        place = Place(log.position.get("file", ""), log.position.get("end", 0))
        passed_over = log.position.get("passed_over")
        seen = gtids(log.gtid, is_mariadb=kind.is_mariadb) if until else None
        self._decoder = Decoder(catalog, captured, self.tables.key_of, log.number, passed_over, place, until, seen)
        self._reader = LogReader(server, kind, log.gtid)
        self._reader.__enter__()

    @property
    def place(self) -> Place:
        """Where the last event that was taken ends."""
        return self._decoder.place

    @property
    def is_there(self) -> bool:
        """Whether the end was reached."""
        return self._until is not None and self.has_reached(self._until)

    def has_reached(self, end: Gtids) -> bool:
        """Whether all transactions of `end` were taken, and none is half taken."""
        return self.is_whole and self.tables.taken.covers(end)

    @property
    def is_due(self) -> bool:
        """Whether nothing more may be taken before a commit: one is full, or a table was replaced."""
        return (self.tables.events >= _BATCH and self.is_whole) or bool(self.tables.anew)

    def take(self, seconds: float) -> int:
        """Take what comes, for at most `seconds`; returns how many events. With an end, nothing beyond it."""
        taken, deadline = 0, time.monotonic() + seconds
        self.require_same_tables()
        while not self.is_there and not self.is_due:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                run = self._reader.next(min(left, _POLL_SECONDS))
            except LogLostError as error:
                raise lost(self._source, str(error)) from error
            if run is not None:
                taken += self._decoded(run)
        return taken

    def _decoded(self, run: list[bytes]) -> int:
        taken = 0
        try:
            for decoded in self._decoder.decode(run):
                taken += self._taken(decoded)
                if self.is_there or self.tables.anew:
                    break
        except RolledBackError as error:
            # What was taken of it can't be told from the rest any more: all is read again, and it is passed over.
            self._log.note(passed_over=error.gtid)
            raise Transient(f"transaction {error.gtid} was rolled back", retry_after=0.1) from error
        return taken

    def _taken(self, decoded: Decoded) -> int:
        taken = self.tables.take(decoded)
        self.is_whole = decoded.is_whole
        return taken

    def commit(self) -> None:
        """Commit what was taken; of tables that were replaced, that they must be read again."""
        anew = sorted({*self._log.position.get("anew", []), *self.tables.anew})
        self.tables.commit(file=self.place.file, end=self.place.end, passed_over=None, anew=anew)
        self._replaced, self.tables.anew = self.tables.anew, []

    def require_same_tables(self) -> None:
        """Raise Transient if tables were replaced, and that is committed: the log must be opened anew."""
        if self._replaced:
            names = ", ".join(sorted(set(self._replaced)))
            raise Transient(f"tables that were dropped, renamed or made anew: {names}", retry_after=0.1)

    def close(self) -> None:
        """Let go of the server; what wasn't committed is still in its log."""
        self._reader.__exit__(None, None, None)
        self.tables.close()


def lost(source: str, why: str) -> SmeltError:
    """What to say if changes of a source can't be had any more."""
    return SmeltError(
        f"{source}: changes that bronze doesn't have are no longer in the server's log: {why}",
        f"`smelt ingest {source} --reset {source}` reads the tables again and loads what differs; keep the log "
        "for longer (binlog_expire_logs_seconds) than Smelt may be away",
    )
