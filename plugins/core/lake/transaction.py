"""Transactions on a table whose cost doesn't grow with each look at its metadata.

pyiceberg copies all of a table's metadata, snapshots and log, each time that a transaction looks at it: about
twenty times in an append. With a hundred snapshots that was three quarters of a commit.
"""

from __future__ import annotations

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from sqlalchemy.exc import OperationalError
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential


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


def _may_pass(error: BaseException) -> bool:
    """Whether the commit may work the next time: another writer came first, or holds the catalog's lock."""
    return isinstance(error, CommitFailedException) or (
        isinstance(error, OperationalError) and "locked" in str(error)
    )


# For functions that load the table anew, look whether there is still something to do, and commit it.
retried = retry(
    retry=retry_if_exception(_may_pass),
    wait=wait_random_exponential(multiplier=0.05, max=2),
    stop=stop_after_attempt(30),
    reraise=True,
)
