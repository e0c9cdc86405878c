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
        return self._slice(slice(int(np.searchsorted(self.lsn, lsn)), None))

    def before(self, lsn: int) -> Changes:
        """The events of transactions that were committed before `lsn`."""
        return self._slice(slice(0, int(np.searchsorted(self.lsn, lsn))))

    def where(self, chosen: npt.NDArray[np.bool_]) -> Changes:
        """The `chosen` events."""
        if chosen.all():
            return self
        kept = pa.array(chosen)
        return Changes(
            self.relation,
            {name: values.filter(kept) for name, values in self.values.items()},
            {name: rows[chosen] for name, rows in self.unchanged.items()},
            self.op.filter(kept),
            self.sequence[chosen],
            self.lsn[chosen],
            self.committed[chosen],
            self.xid[chosen],
        )

    def _slice(self, part: slice) -> Changes:
        if part.indices(len(self)) == (0, len(self), 1):
            return self
        return Changes(
            self.relation,
            {name: values[part] for name, values in self.values.items()},
            {name: rows[part] for name, rows in self.unchanged.items()},
            self.op[part],
            self.sequence[part],
            self.lsn[part],
            self.committed[part],
            self.xid[part],
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

    def before(self, lsn: int) -> Transactions:
        """Those that were committed before `lsn`."""
        part = slice(0, int(np.searchsorted(self.lsn, lsn)))
        return Transactions(
            self.lsn[part], self.end[part], self.committed[part], self.xid[part], self.events[part]
        )


@dataclass(frozen=True)
class Decoded:
    """What a run of messages holds. is_whole: its last message ended a transaction."""

    changes: Sequence[Changes | Truncation]
    transactions: Transactions
    is_whole: bool

    def reaches(self, lsn: int) -> bool:
        """Whether something in it was committed at `lsn` or later, so that all that was before has come."""
        return bool((self.transactions.lsn >= lsn).any()) or any(
            found.lsn >= lsn if isinstance(found, Truncation) else bool((found.lsn >= lsn).any())
            for found in self.changes
        )

    def before(self, lsn: int) -> Decoded:
        """What of it was committed before `lsn`."""
        changes = [
            (found if found.lsn < lsn else None) if isinstance(found, Truncation) else found.before(lsn)
            for found in self.changes
        ]
        return Decoded([found for found in changes if found], self.transactions.before(lsn), self.is_whole)


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
