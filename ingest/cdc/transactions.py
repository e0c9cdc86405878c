"""`bronze.<source>__cdc_transactions`: one row for each transaction of the log, in commit order.

It is committed last of all tables of its source, so its position says up to where all of them are complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from ingest.cdc.events import Transactions, epoch_of, lsn_number, lsn_text
from ingest.load.files import file_stem, next_batch_id, remove_orphans
from ingest.load.types import AUDIT_TYPES
from plugins.core.lake import LOG, Batch, Lake, TableState, commit_batch, ensure_columns, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import write_rows

_SCHEMA = pa.schema(
    [
        ("xid", pa.int64()),
        ("commit_lsn", pa.string()),
        ("end_lsn", pa.string()),
        ("committed_at", pa.timestamp("us", tz="UTC")),
        ("events", pa.int64()),
        *AUDIT_TYPES.items(),
    ]
)


def transactions_table(source: str) -> str:
    """Its identifier."""
    return f"bronze.{source}{LOG}"


@dataclass
class TransactionWriter:
    """Writes the transactions of one source. start: what a new table begins with, `lsn` among it."""

    lake: Lake
    identifier: str
    _pending: list[Transactions] = field(default_factory=list)

    def __post_init__(self) -> None:
        ensure_columns(self.lake, self.identifier, _SCHEMA)
        remove_orphans(self.lake, self.identifier)
        self.reload()

    def reload(self) -> None:
        """Look again where the table is: another process may have committed."""
        self.state: TableState = read_state(self.lake.table(self.identifier))

    @property
    def position(self) -> Mapping[str, Any]:
        """What was last committed; empty for a new table.

        lsn: up to where the log was read. system, timeline: of the server, as IDENTIFY_SYSTEM says. streams: those
        that get the log; one that isn't among them misses what is read of it.
        """
        return self.state.position

    @property
    def lsn(self) -> int:
        """Everything that was committed before this position is in bronze; 0: nothing was read yet."""
        return lsn_number(self.position["lsn"]) if "lsn" in self.position else 0

    def add(self, transactions: Transactions) -> None:
        """Take the next transactions; those that are there already are passed over at the commit."""
        if len(transactions.lsn):
            self._pending.append(transactions)

    @property
    def streams(self) -> Sequence[str] | None:
        """Names of the streams that get the log; None: an older version has not written them down."""
        return self.position.get("streams")

    def note(self, **entries: object) -> None:
        """Write down what the position says beside the log's place, if it says something else."""
        if any(self.position.get(name) != value for name, value in entries.items()):
            self.commit(self.lsn, **entries)

    def commit(self, end: int, **position: object) -> None:
        """Write what was taken; all tables of the source are complete up to `end`."""
        rows = self._rows()
        batch_id = next_batch_id(self.state.batch_id)
        table = self.lake.table(self.identifier)
        files = []
        if rows.num_rows:
            file = f"{data_folder(table)}/{file_stem(batch_id)}.parquet"
            stamped = rows.set_column(
                rows.schema.get_field_index("_smelt_batch_id"), "_smelt_batch_id",
                pa.array([batch_id] * rows.num_rows, pa.string()),
            )  # fmt: skip
            write_rows(table, stamped, file)
            files.append(file)
        expected = {"lsn": self.position.get("lsn")}
        advance = {"lsn": lsn_text(end), **position}
        batch = Batch(batch_id, files, self.state.batch_id, expected, advance, epoch=epoch_of(end))
        self.state = commit_batch(self.lake, self.identifier, batch).state
        self._pending.clear()

    def _rows(self) -> pa.Table:
        now = datetime.now(UTC)
        tables = []
        for found in self._pending:
            fresh = slice(int((found.lsn < self.lsn).sum()), None)
            lsns = [int(lsn) for lsn in found.lsn[fresh]]
            count = len(lsns)
            columns = [
                pa.array(found.xid[fresh], pa.int64()),
                pa.array([lsn_text(lsn) for lsn in lsns], pa.string()),
                pa.array([lsn_text(int(lsn)) for lsn in found.end[fresh]], pa.string()),
                pa.array(found.committed[fresh], pa.int64()).cast(pa.timestamp("us", tz="UTC")),
                pa.array(found.events[fresh], pa.int64()),
                pa.nulls(count, pa.string()),
                pa.array([now] * count, pa.timestamp("us", tz="UTC")),
                pa.array([f"{lsn:016X}" for lsn in lsns], pa.string()),
                pa.array(["c"] * count, pa.string()),
                pa.nulls(count, pa.string()),
            ]
            tables.append(pa.Table.from_arrays(columns, schema=_SCHEMA))
        return pa.concat_tables(tables) if tables else _SCHEMA.empty_table()
