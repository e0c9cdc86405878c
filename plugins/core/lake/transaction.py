"""Transactions on a table whose cost doesn't grow with each look at its metadata.

pyiceberg copies all of a table's metadata, snapshots and log, each time that a transaction looks at it: about
twenty times in an append. With a hundred snapshots that was three quarters of a commit.
"""

from __future__ import annotations

from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata


class OneCopy(Transaction):
    """A transaction that works out its metadata once for each change that is staged."""

    _known: tuple[object, object, TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata with what is staged; who gets it must not change it."""
        base, updates = self._table.metadata, self._updates
        if self._known is None or self._known[0] is not base or self._known[1] is not updates:
            self._known = base, updates, super().table_metadata
        return self._known[2]


def begin(table: Table) -> Transaction:
    """A transaction on `table` as this handle has it."""
    return OneCopy(table)
