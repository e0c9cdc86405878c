"""`bronze.<source>__cdc_transactions`: one row for each transaction of the log, in commit order.

It is committed last of all tables of its source, so its position says up to where all of them are complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from ingest.load.files import file_stem, next_batch_id, remove_orphans
from ingest.load.types import AUDIT_TYPES
from ingest.mysql.events import Ended
from plugins.core.lake import LOG, Batch, Lake, TableState, commit_batch, ensure_columns, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import write_rows

# Entry of a position: the last transaction that a table has.
NUMBER = "transaction"
_SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("gtid", pa.string()),
        ("log_position", pa.string()),
        ("committed_at", pa.timestamp("us", tz="UTC")),
        ("events", pa.int64()),
        *AUDIT_TYPES.items(),
    ]
)


def transactions_table(source: str) -> str:
    """Its identifier."""
    return f"bronze.{source}{LOG}"


def epoch_of(number: int) -> str:
    """A transaction's number as text that sorts as it does."""
    return f"{number:016d}"


@dataclass
class TransactionWriter:
    """Writes the transactions of one source."""

    lake: Lake
    identifier: str
    _pending: list[Ended] = field(default_factory=list)

    def __post_init__(self) -> None:
        ensure_columns(self.lake, self.identifier, _SCHEMA)
        remove_orphans(self.lake, self.identifier)
        self.state: TableState = read_state(self.lake.table(self.identifier))

    @property
    def position(self) -> Mapping[str, Any]:
        """What was last committed; empty for a new table.

        transaction: number of the last one that was read. gtid: all that were read, as the server writes them.
        file, end: where it ended in the log of the server that was read. streams: those that get the log; one that
        isn't among them misses what is read of it. anew: those whose tables must be read again. passed_over: the
        GTID of a transaction that was rolled back.
        """
        return self.state.position

    @property
    def number(self) -> int:
        """The last transaction that all tables have; 0: nothing was read yet."""
        return int(self.position.get(NUMBER, 0))

    @property
    def gtid(self) -> str:
        """All transactions that were read."""
        return self.position["gtid"]

    def add(self, ended: Sequence[Ended]) -> None:
        """Take the next transactions."""
        self._pending += ended

    def note(self, **entries: object) -> None:
        """Write down what the position says beside the log's place, if it says something else."""
        if any(self.position.get(name) != value for name, value in entries.items()):
            self.commit(self.number, **entries)

    def commit(self, number: int, **position: object) -> None:
        """Write what was taken; all tables of the source are complete up to the transaction with `number`."""
        rows = self._rows()
        batch_id = next_batch_id(self.state.batch_id)
        table = self.lake.table(self.identifier)
        files = []
        if rows.num_rows:
            file = f"{data_folder(table)}/{file_stem(batch_id)}.parquet"
            place = rows.schema.get_field_index("_smelt_batch_id")
            stamp = pa.array([batch_id] * rows.num_rows, pa.string())
            write_rows(table, rows.set_column(place, "_smelt_batch_id", stamp), file)
            files.append(file)
        expected = {NUMBER: self.position.get(NUMBER)}
        advance = {NUMBER: number, **position}
        batch = Batch(batch_id, files, self.state.batch_id, expected, advance, epoch=epoch_of(number))
        self.state = commit_batch(self.lake, self.identifier, batch).state
        self._pending.clear()

    def _rows(self) -> pa.Table:
        now, found = datetime.now(UTC), self._pending
        count, made = len(found), [ended.transaction for ended in found]
        columns = [
            pa.array([one.number for one in made], pa.int64()),
            pa.array([one.gtid for one in made], pa.string()),
            pa.array([one.place for one in made], pa.string()),
            pa.array([one.committed * 1_000_000 for one in made], pa.timestamp("us", tz="UTC")),
            pa.array([ended.events for ended in found], pa.int64()),
            pa.nulls(count, pa.string()),
            pa.array([now] * count, pa.timestamp("us", tz="UTC")),
            pa.array([epoch_of(one.number) for one in made], pa.string()),
            pa.array(["c"] * count, pa.string()),
            pa.nulls(count, pa.string()),
        ]
        return pa.Table.from_arrays(columns, schema=_SCHEMA)
