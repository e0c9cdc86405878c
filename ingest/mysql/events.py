"""What the binlog says happened: rows that changed, tables that were emptied or replaced, transactions.

Transactions are numbered as they are read, from 1 for the first after the first snapshot. The numbers are Smelt's
own: they grow whichever server the log is read from, where files and places of a log are one server's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ingest.cdc.tuples import Places
from ingest.mysql.tablemap import Table


@dataclass(frozen=True)
class Transaction:
    """number: Smelt's. committed: seconds since 1970, UTC. place: of its beginning in the log."""

    number: int
    gtid: str
    committed: int
    place: str


@dataclass(frozen=True)
class Ended:
    """A transaction that was read whole, and its number of events of captured tables."""

    transaction: Transaction
    events: int


@dataclass(frozen=True)
class Changes:
    """Change events of one table, in log order.

    rows: the table's columns in bronze types, `_smelt_extra`, and the columns of `AUDIT` below.
    numbers: of the events' transactions. deletions: how many of the events are such.
    """

    table: Table
    rows: pa.Table
    numbers: Places
    deletions: int

    def __len__(self) -> int:
        return len(self.numbers)

    def after(self, number: int) -> Changes:
        """The events of transactions after the one with `number`."""
        first = int(np.searchsorted(self.numbers, number, side="right"))
        if not first:
            return self
        rows = self.rows.slice(first)
        deleted = int(np.count_nonzero(rows["_smelt_op"].to_numpy() == "d"))
        return Changes(self.table, rows, self.numbers[first:], deleted)


# Columns of `Changes.rows` beside the source's.
AUDIT = pa.schema(
    [
        ("_smelt_op", pa.string()),
        ("_smelt_number", pa.int64()),
        ("_smelt_sequence", pa.int64()),
        ("_smelt_gtid", pa.string()),
        ("_smelt_log_position", pa.string()),
        ("_smelt_committed_at", pa.timestamp("us", "UTC")),
    ]
)


@dataclass(frozen=True)
class Truncation:
    """A table was emptied: one event, the first of its transaction."""

    table: tuple[str, str]
    transaction: Transaction


@dataclass(frozen=True)
class Decoded:
    """What a run of events holds.

    replaced: tables whose rows are others now than the log says: dropped, renamed, made anew. is_whole: the run
    ended with the end of a transaction.
    """

    changes: Sequence[Changes | Truncation] = ()
    ended: Sequence[Ended] = ()
    replaced: Sequence[tuple[str, str]] = ()
    is_whole: bool = True


class RolledBackError(Exception):
    """A transaction whose events were taken was rolled back in the log. gtid: its name."""

    def __init__(self, gtid: str) -> None:
        super().__init__(gtid)
        self.gtid = gtid


@dataclass
class Place:
    """Where reading is. file: of the log of the server that is read now; end: after the last event taken."""

    file: str = ""
    end: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.end}"


@dataclass
class Taking:
    """A transaction that is being read, its events so far, and whether it goes on after a statement."""

    transaction: Transaction
    events: int = 0
    is_group: bool = False
    is_passed_over: bool = field(default=False)
