"""Change events of one stream → Parquet pieces → one bronze commit.

Pieces are written as events come, so that a transaction of any size passes in bounded memory; nobody sees them
before `commit` adds them all at once, with the number of the transaction up to which the table is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
from ulid import ULID

from ingest.cdc.live import tombstones_sql
from ingest.load import Job
from ingest.load.dead_letters import bury
from ingest.load.files import file_stem, next_batch_id, remove_orphans
from ingest.load.frozen import refused
from ingest.load.landing import Landing, plan_landing, pulled_sql
from ingest.load.outcomes import Counts
from ingest.load.parquet import audited, write_parquet
from ingest.load.types import AUDIT_TYPES, Column, Shape, shape_of
from ingest.mysql import columns as source
from ingest.mysql.events import AUDIT, Changes, Truncation
from ingest.mysql.transactions import NUMBER, epoch_of
from plugins.core.duck import quote
from plugins.core.failpoints import reach
from plugins.core.lake import Batch, TableState, commit_batch, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import file_size, remove_file

_EVENTS = "smelt_events"
# Beside what every bronze row has.
CHANGE_TYPES = {
    "_smelt_gtid": pa.string(),
    "_smelt_log_position": pa.string(),
    "_smelt_sequence": pa.int64(),
    "_smelt_committed_at": pa.timestamp("us", tz="UTC"),
}
# The place is fixed-width text that sorts in log order: number of the transaction, place in it.
_PLACE = "format('{:016d}.{:012d}', _smelt_number, _smelt_sequence)::varchar as _smelt_source_position"


@dataclass
class StreamWriter:
    """Writes the changes of one stream, whose table must be there. con: a connection for it alone.

    described: the table's columns, for a table that is emptied before any of its rows are seen.
    """

    job: Job
    con: duckdb.DuckDBPyConnection
    described: Sequence[source.Column]
    counts: Counts = field(default_factory=Counts)
    _pending: list[Changes] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)
    _landed: tuple[Sequence[source.Column], Shape, Landing] | None = None

    def __post_init__(self) -> None:
        remove_orphans(self.job.lake, self.job.identifier)
        self.state: TableState = read_state(self.job.lake.table(self.job.identifier))
        self._batch_id = next_batch_id(self.state.batch_id)

    @property
    def number(self) -> int:
        """The table holds every change up to the transaction with this number."""
        return int(self.state.position[NUMBER])

    @property
    def pending(self) -> tuple[int, int]:
        """Events that are held in memory, and their bytes."""
        return sum(map(len, self._pending)), sum(changes.rows.nbytes for changes in self._pending)

    @property
    def columns(self) -> Sequence[Column]:
        """The source's columns as they were last described; none if nothing changed yet."""
        return self._landed[1].columns if self._landed else ()

    def add(self, found: Changes | Truncation) -> int:
        """Take the next events; those that the table has already are passed over. Returns how many were new."""
        if isinstance(found, Truncation):
            if found.transaction.number <= self.number:
                return 0
            self._truncate(found)
            return 1
        fresh = found.after(self.number)
        if not len(fresh):
            return 0
        if self._pending and self._pending[0].table.columns != fresh.table.columns:
            self.flush()
        self._pending.append(fresh)
        return len(fresh)

    def flush(self) -> None:
        """Write what is pending to a piece."""
        if not self._pending:
            return
        columns = self._pending[0].table.columns
        deletions = sum(changes.deletions for changes in self._pending)
        self.counts += Counts(events=sum(map(len, self._pending)), deletions=deletions)
        events = pa.concat_tables([changes.rows for changes in self._pending])
        self._pending.clear()
        rows, landing = self._rows(columns, events)
        if landing.held:
            self.con.execute(f"create or replace temp table smelt_staged as {rows}")
            kept, letters = refused(self.con, "smelt_staged", landing)
            identifier = f"bronze.{self.job.source.name}__dead_letters"
            buried = bury(self.job.lake, identifier, self.job.stream.name, letters)
            self.counts += Counts(events=-len(letters), letters=buried)
            rows = f"select * from {kept}"
        self._piece(rows)

    def commit(self, number: int) -> int | None:
        """Make everything that was taken visible; the table is then complete up to the transaction with `number`.

        Returns the snapshot's id, or None if there was nothing to commit.
        """
        self.flush()
        if not self._files:
            return None
        expected = {NUMBER: self.state.position[NUMBER]}
        batch = Batch(
            self._batch_id, self._files, self.state.batch_id, expected, {NUMBER: number}, epoch=epoch_of(number)
        )
        self.state = commit_batch(self.job.lake, self.job.identifier, batch).state
        self._batch_id = next_batch_id(self.state.batch_id)
        self._files = []
        return self.state.snapshot_id

    def _rows(self, columns: Sequence[source.Column], events: pa.Table) -> tuple[str, Landing]:
        """SELECT of `events` in bronze columns."""
        self.con.register(_EVENTS, events)
        typed = [f"{quote(c.name)}::{c.bronze_type} as {quote(c.name)}" for c in columns]
        selected = ", ".join([*typed, _PLACE, "_smelt_extra"])
        if self._landed is None or self._landed[0] != columns:
            shape = shape_of(self.con, f"select {selected} from {_EVENTS}")
            landing = plan_landing(
                self.con, self.job.lake, self.job.identifier, shape, self.job.stream.schema_policy, False,
                {**AUDIT_TYPES, **CHANGE_TYPES},
            )  # fmt: skip
            self._landed = columns, shape, landing
        _, shape, landing = self._landed
        kept = ("_smelt_op", *CHANGE_TYPES)
        return pulled_sql(f"select {selected}, {', '.join(kept)} from {_EVENTS}", shape, landing, kept), landing

    def _truncate(self, found: Truncation) -> None:
        """A tombstone for each row that the table holds: what reads bronze needs to know of no other operation."""
        self.flush()
        columns = self._landed[0] if self._landed else self.described
        rows, landing = self._rows(columns, _emptied(columns, found))
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


def _emptied(columns: Sequence[source.Column], found: Truncation) -> pa.Table:
    """One event without values, in the columns of `Changes.rows`."""
    made = found.transaction
    values = ("d", made.number, 1, made.gtid, made.place, made.committed * 1_000_000)
    audit = {field.name: pa.array([value], field.type) for field, value in zip(AUDIT, values, strict=True)}
    return pa.table({**{c.name: pa.nulls(1) for c in columns}, "_smelt_extra": pa.nulls(1, pa.string()), **audit})
