"""What a replication stream says happened: rows that changed, tables that were emptied, transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.cdc.relations import Relation
from ingest.cdc.tuples import Places


@dataclass(frozen=True)
class Changes:
    """Change events of one table, in log order; element n of each array is event n.

    values: the relation's columns as text, null where null or not sent. unchanged: by column, which events left a
    value unsent because it stands out of line and did not change; only columns that have such events.
    op: `c u d`. sequence: the event's place in its transaction, from 1. lsn: of the commit record.
    committed: microseconds since 1970, UTC. xid: the transaction's number (32 bits).
    """

    relation: Relation
    values: Mapping[str, pa.LargeStringArray]
    unchanged: Mapping[str, npt.NDArray[np.bool_]]
    op: pa.DictionaryArray
    sequence: Places
    lsn: Places
    committed: Places
    xid: Places

    def __len__(self) -> int:
        return len(self.lsn)

    @property
    def deletions(self) -> int:
        """How many of the events are deletions."""
        codes = self.op.indices.to_numpy()
        return int(np.count_nonzero(codes == self.op.dictionary.to_pylist().index("d")))

    def since(self, lsn: int) -> Changes:
        """The events of transactions that were committed at `lsn` or later."""
        first = int(np.searchsorted(self.lsn, lsn))
        if first == 0:
            return self
        return Changes(
            self.relation,
            {name: values[first:] for name, values in self.values.items()},
            {name: rows[first:] for name, rows in self.unchanged.items()},
            self.op[first:],
            self.sequence[first:],
            self.lsn[first:],
            self.committed[first:],
            self.xid[first:],
        )


@dataclass(frozen=True)
class Truncation:
    """A table was emptied: one event; the fields are those of `Changes`."""

    relation: Relation
    lsn: int
    sequence: int
    committed: int
    xid: int

    def __len__(self) -> int:
        return 1


@dataclass(frozen=True)
class Transactions:
    """Transactions that ended: commit LSN, LSN after the commit, commit time (µs since 1970), xid, events."""

    lsn: Places
    end: Places
    committed: Places
    xid: Places
    events: Places


@dataclass(frozen=True)
class Decoded:
    """What a run of messages holds. is_whole: its last message ended a transaction."""

    changes: Sequence[Changes | Truncation]
    transactions: Transactions
    is_whole: bool


def lsn_text(lsn: int) -> str:
    """An LSN as PostgreSQL writes it: `16/B374D848`."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def epoch_of(lsn: int) -> str:
    """An LSN as text that sorts as it does."""
    return f"{lsn:016X}"


def lsn_number(text: str) -> int:
    """The LSN that PostgreSQL writes as `text`."""
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)
