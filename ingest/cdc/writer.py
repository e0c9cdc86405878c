"""Change events of one stream → Parquet pieces → one bronze commit.

Pieces are written as events come, so that a transaction of any size passes in bounded memory; nobody sees them
before `commit` adds them all at once, with the position in the log up to which the table is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
from ulid import ULID

from ingest.cdc.chunks import HIDDEN, unread_part, without
from ingest.cdc.columns import CHANGE_TYPES, arrow_table, change_columns, emptied, source_columns
from ingest.cdc.events import Changes, Truncation, epoch_of, lsn_number, lsn_text
from ingest.cdc.live import tombstones_sql
from ingest.cdc.relations import Relation
from ingest.extract.base import DeadLetter
from ingest.load import Job
from ingest.load.dead_letters import bury
from ingest.load.files import file_stem, next_batch_id, remove_orphans
from ingest.load.frozen import refused
from ingest.load.landing import Landing, plan_landing, pulled_sql
from ingest.load.outcomes import Counts
from ingest.load.parquet import audited, write_parquet
from ingest.load.types import AUDIT_TYPES, Column, Shape, shape_of
from plugins.core.failpoints import reach
from plugins.core.lake import UNSENT, Batch, TableState, commit_batch, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import file_size, remove_file

_EVENTS = "smelt_events"


@dataclass
class StreamWriter:
    """Writes the changes of one stream, whose table must be there. con: a connection for it alone.

    Of a table that was read in part, events of the other part are passed over.
    """

    job: Job
    con: duckdb.DuckDBPyConnection
    counts: Counts = field(default_factory=Counts)
    _pending: list[Changes] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)
    _landed: tuple[Relation, Shape, Landing] | None = None
    _left_out: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        remove_orphans(self.job.lake, self.job.identifier)
        self.state: TableState = read_state(self.job.lake.table(self.job.identifier))
        self._batch_id = next_batch_id(self.state.batch_id)

    @property
    def lsn(self) -> int:
        """The table holds every change that was committed before this position."""
        return lsn_number(self.state.position["lsn"])

    @property
    def pending(self) -> int:
        """Events that are held in memory."""
        return sum(len(changes) for changes in self._pending)

    @property
    def columns(self) -> Sequence[Column]:
        """The source's columns as they were last described; none if nothing changed yet."""
        return self._landed[1].columns if self._landed else ()

    def add(self, found: Changes | Truncation) -> None:
        """Take the next events; those that the table has already are passed over."""
        if isinstance(found, Truncation):
            if found.lsn >= self.lsn:
                self._truncate(found)
            return
        fresh = found.since(self.lsn)
        if unread := unread_part(self.state.position):
            fresh = without(fresh, unread)
        if not len(fresh):
            return
        if self._pending and self._pending[0].relation != fresh.relation:
            self.flush()
        self._pending.append(fresh)

    def flush(self) -> None:
        """Write what is pending to a piece."""
        if not self._pending:
            return
        relation = self._pending[0].relation
        deletions = sum(changes.deletions for changes in self._pending)
        self.counts += Counts(events=self.pending, deletions=deletions)
        self._left_out.update(column for changes in self._pending for column in changes.unchanged)
        events = pa.concat_tables([arrow_table(changes) for changes in self._pending])
        self._pending.clear()
        rows, landing = self._rows(relation, events)
        if landing.held:
            rows = self._without_refused(rows, landing)
        self._piece(rows)

    def commit(self, end: int) -> int | None:
        """Make everything that was taken visible; the table is then complete up to `end`.

        Returns the snapshot's id, or None if there was nothing to commit.
        """
        self.flush()
        if not self._files:
            return None
        expected = {"lsn": self.state.position["lsn"]}
        advance = {"lsn": lsn_text(end), **self._unsent()}
        based_on = self.state.batch_id
        epoch = HIDDEN if unread_part(self.state.position) else epoch_of(end)
        batch = Batch(self._batch_id, self._files, based_on, expected, advance, epoch=epoch)
        self.state = commit_batch(self.job.lake, self.job.identifier, batch).state
        self._batch_id = next_batch_id(self.state.batch_id)
        self._files = []
        return self.state.snapshot_id

    def _rows(self, relation: Relation, events: pa.Table) -> tuple[str, Landing]:
        """SELECT of `events` (as text) in bronze columns."""
        self.con.register(_EVENTS, events)
        columns = source_columns(relation)
        if self._landed is None or self._landed[0] != relation:
            shape = shape_of(self.con, f"select {', '.join(columns)} from {_EVENTS}")
            landing = plan_landing(
                self.con, self.job.lake, self.job.identifier, shape, self.job.stream.schema_policy, False,
                {**AUDIT_TYPES, **CHANGE_TYPES},
            )  # fmt: skip
            self._landed = relation, shape, landing
        _, shape, landing = self._landed
        typed = f"select {', '.join([*columns, *change_columns()])} from {_EVENTS}"
        return pulled_sql(typed, shape, landing, ("_smelt_op", *CHANGE_TYPES)), landing

    def _unsent(self) -> dict[str, Any]:
        """Columns that some event left out, then or now, and the key to find the version before."""
        if not self._left_out or self._landed is None:
            return {}
        names = {column.source: column.name for column in self._landed[2].columns}
        before = self.state.position.get(UNSENT, {}).get("columns", [])
        columns = sorted({*before, *(names[column] for column in self._left_out if column in names)})
        key = [names[column] for column in self.job.stream.primary_key]
        return {UNSENT: {"key": key, "columns": columns}}

    def _truncate(self, found: Truncation) -> None:
        """A tombstone for each row that the table holds: what reads bronze needs to know of no other operation."""
        self.flush()
        rows, landing = self._rows(found.relation, emptied(found))
        gone = tombstones_sql(self.con, self.state, self._files, landing, self.job.stream.primary_key, rows)
        self.counts += Counts(deletions=self._piece(gone))

    def _piece(self, rows: str) -> int:
        table = self.job.lake.table(self.job.identifier)
        file = f"{data_folder(table)}/{file_stem(str(ULID()))}.parquet"
        count = write_parquet(self.con, audited(rows, self._batch_id), file)
        if count:
            self._files.append(file)
            self.counts += Counts(bytes=file_size(table, file))
        else:
            remove_file(table, file)
        reach("after-piece")
        return count

    def _without_refused(self, rows: str, landing: Landing) -> str:
        self.con.execute(f"create or replace temp table smelt_staged as {rows}")
        kept, letters = refused(self.con, "smelt_staged", landing)
        self.counts += Counts(events=-len(letters), letters=self._buried(letters))
        return f"select * from {kept}"

    def _buried(self, letters: Sequence[DeadLetter]) -> int:
        identifier = f"bronze.{self.job.source.name}__dead_letters"
        return bury(self.job.lake, identifier, self.job.stream.name, letters)
