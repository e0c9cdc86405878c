"""How far a table has read each partition: the entries of its position, in the table's own properties.

`offset:<partition>`: the next offset to read. `batch:<partition>`: the last batch with rows of the partition; the
next one must sort after it, whoever writes it. `topic`: the id that the cluster gave the topic when it was made.
`since`: rows of batches before this one are of an earlier topic of that name.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ulid import ULID

from plugins.core.lake import TableState

_OFFSET, _BATCH = "offset:", "batch:"


@dataclass(frozen=True)
class Progress:
    """A table's state, read as offsets by partition."""

    state: TableState

    @property
    def offsets(self) -> dict[int, int]:
        """The next offset to read of each partition that was read."""
        return {
            int(name.removeprefix(_OFFSET)): int(value)
            for name, value in self.state.position.items()
            if name.startswith(_OFFSET) and value is not None
        }

    @property
    def topic_id(self) -> str | None:
        """Of the topic that the offsets are of; None: the cluster didn't tell."""
        return self.state.position.get("topic")

    @property
    def since(self) -> str:
        """The first batch of this topic."""
        return self.state.position.get("since", "")

    def next_batch_id(self) -> str:
        """An id that sorts after every batch of the table, even if the clock went back, and is nobody else's."""
        known = [str(value) for name, value in self.state.position.items() if name.startswith(_BATCH) and value]
        last = max([*known, self.state.batch_id or ""])
        fresh = str(ULID())
        if fresh > last:
            return fresh
        # Two writers may be in this case at once, so the step is random.
        return str(ULID.from_int(int(ULID.from_str(last)) + 1 + secrets.randbits(60)))

    def expected(self, partitions: Iterable[int]) -> dict[str, int | str | None]:
        """Entries that must be as they were when a batch is committed; None: not there."""
        names = [f"{_OFFSET}{partition}" for partition in partitions]
        return {name: self.state.position.get(name) for name in (*names, "since")}


def advanced(
    offsets: Mapping[int, int | None], batch_id: str | None, with_rows: Iterable[int] = ()
) -> dict[str, Any]:
    """Entries for the offsets that were reached, and the batch that brought rows of some partitions."""
    entries: dict[str, Any] = {f"{_OFFSET}{partition}": offset for partition, offset in offsets.items()}
    return entries | {f"{_BATCH}{partition}": batch_id for partition in with_rows}
