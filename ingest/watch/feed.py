"""The one interface between a source that is followed and who follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ingest.load.result import StreamResult


@dataclass(frozen=True)
class Lag:
    """How far bronze is behind the source; None: the source doesn't tell.

    events: change events that were not yet committed; bytes: of the source's log; seconds: since the oldest
    uncommitted change was made at the source.
    """

    events: int | None = None
    bytes: int | None = None
    seconds: float | None = None


class Feed(Protocol):
    """An open connection to one source, read in micro-batches.

    Whoever drives it calls `take` until a batch is due, then `commit`, and so on; a feed isn't shared by threads.
    """

    name: str

    @property
    def is_full(self) -> bool:
        """Whether as much is held as one commit may carry."""
        ...

    def take(self, seconds: float) -> int:
        """Take what the source sends, for at most `seconds`, or until as much is held as one commit may carry.

        Returns how many events were taken. Raises `ingest.retry.Transient` if the connection is lost: the caller
        opens a new feed, which begins after the last commit. Raises SmeltError for what a person must mend.
        """
        ...

    def commit(self) -> Sequence[StreamResult]:
        """Make what was taken visible in bronze, exactly once, and only then acknowledge it to the source."""
        ...

    def lag(self) -> Lag:
        """How far bronze is behind the source now."""
        ...

    def close(self) -> None:
        """Let go of the source. What was taken and not committed is still there, and comes again."""
        ...
