"""Writing to and reading from the ledger, on any database that SQLAlchemy speaks to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Engine, Select, create_engine, event, insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from ulid import ULID

from plugins.core.errors import SmeltError
from plugins.core.ledger.tables import TABLES, metadata
from plugins.core.settings import Settings, mask


@dataclass(frozen=True)
class Ledger:
    """The ops tables of one project. Safe to use from several threads and processes."""

    settings: Settings

    @cached_property
    def engine(self) -> Engine:
        """The database, with all tables made; raises SmeltError if it cannot be opened."""
        url = make_url(self.settings.ledger_url)
        if url.get_backend_name() == "sqlite":
            self.settings.make_local_root()
            engine = create_engine(url, connect_args={"timeout": 60})
            event.listen(engine, "connect", _use_wal)
        else:
            engine = create_engine(url, pool_pre_ping=True)
        try:
            _create_tables(engine)
        except DatabaseError as error:
            raise SmeltError(
                f"the ledger {mask(str(url))} cannot be opened: {mask(str(error.orig))}",
                "restore it from a backup, or move it away: a new one is made, without the history",
            ) from error
        return engine

    def append(self, table: str, rows: Iterable[Mapping[str, Any]], run_id: str | None = None) -> None:
        """Append `rows` to `table` in one transaction; `event_id`, `run_id` and `at` are filled in."""
        now = datetime.now(UTC)
        complete = [{"event_id": str(ULID()), "run_id": run_id, "at": now, **row} for row in rows]
        if complete:
            with self.engine.begin() as connection:
                connection.execute(insert(TABLES[table]), complete)

    def read(self, query: Select[Any]) -> list[dict[str, Any]]:
        """Rows of `query` (built on `TABLES`) as dicts."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


@retry(
    retry=retry_if_exception_type(OperationalError),
    wait=wait_random_exponential(multiplier=0.05, max=1),
    stop=stop_after_attempt(5),
    reraise=True,
)
def _create_tables(engine: Engine) -> None:
    """Make what is missing; two processes that both look first are told apart by the retry."""
    metadata.create_all(engine)


def _use_wal(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = normal")
    cursor.close()
