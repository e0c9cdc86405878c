"""Streams that are pulled, as a feed: each is pulled again every so often."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ingest.load import Job, StreamResult, load_stream
from ingest.watch.feed import Lag
from plugins.core.errors import SmeltError


class PollFeed:
    """The pulled streams of one source, every `period` seconds; the first time at once."""

    def __init__(self, jobs: Sequence[Job], period: float) -> None:
        self.name = jobs[0].source.name
        self._jobs, self._period = jobs, period
        self._due = time.monotonic()

    @property
    def is_full(self) -> bool:
        """Nothing is held between two pulls."""
        return False

    def take(self, seconds: float) -> int:
        """Wait; the rows come with the commit."""
        time.sleep(max(0.0, min(seconds, self._due - time.monotonic())))
        return 0

    def commit(self) -> Sequence[StreamResult]:
        """Pull each stream, if it is time. A pull commits by itself, and goes to the ledger as any other."""
        if time.monotonic() < self._due:
            return []
        results, errors = [], []
        for job in self._jobs:
            try:
                results.append(_pulled(job))
            except SmeltError as error:
                errors.append(error)
        self._due = time.monotonic() + self._period
        if errors:
            # The others were pulled; all are pulled again when the source is opened anew.
            raise errors[0]
        return [result for result in results if result.outcome != "unchanged"]

    def lag(self) -> Lag:
        """Unknown: the source tells only when it is pulled."""
        return Lag()

    def close(self) -> None:
        """Nothing is open between two pulls."""


def _pulled(job: Job) -> StreamResult:
    """Load the stream; one that is read in place is only looked at."""
    if job.stream.sync_mode != "federated":
        return load_stream(job)
    from ingest.federated.looking import look

    (result,) = look([job])
    return result
