"""Loads of a followed source in the ledger: one row a stream and minute, not one a commit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from ingest.load import Job, StreamResult
from ingest.load.history import record_load
from plugins.core.lake import read_state

_PERIOD_SECONDS = 60.0


class Recorder:
    """Adds up what became of `jobs`. Killed, it takes up to a minute of sums along; bronze knows its position."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._any = jobs[0]
        self._idle = {job.name: StreamResult(job.source.name, job.stream.name, "unchanged") for job in jobs}
        self._sums: dict[str, StreamResult] = {}
        self._written = time.monotonic()

    def add(self, results: Sequence[StreamResult]) -> None:
        """Take the results of a commit; written when the minute is over."""
        for result in results:
            before = self._sums.get(result.name)
            self._sums[result.name] = _sum(before, result) if before else result
        if time.monotonic() - self._written >= _PERIOD_SECONDS:
            self.write()

    def write(self) -> None:
        """Append the sums to the ledger. A stream without changes was looked at, too: it is fresh."""
        lake, run = self._any.lake, self._any.run
        # Streams of the source that nobody asked for take part in what its log brings.
        for result in {**self._idle, **self._sums}.values():
            table = lake.find(f"bronze.{result.source}__{result.stream}")
            state = read_state(table) if table is not None else None
            record_load(run, result, dict(state.position) if state else None)
        self._sums.clear()
        self._written = time.monotonic()


def _sum(before: StreamResult, after: StreamResult) -> StreamResult:
    return replace(before.followed_by(after), seconds=before.seconds + after.seconds)
