"""What became of the captured collections of a source: since the last commit, and altogether."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ingest.load import StreamResult
from ingest.load.history import SchemaVersion, record_load, record_schema
from ingest.load.types import Column
from ingest.mongo.writer import CollectionWriter, Counts


@dataclass
class _Seen:
    counts: Counts = field(default_factory=Counts)
    columns: Sequence[Column] = ()
    begun: SchemaVersion | None = None


class Outcomes:
    """Results of `writers`; compared: of streams that were read again before, which went to the ledger then."""

    def __init__(self, writers: Sequence[CollectionWriter], compared: Mapping[str, StreamResult]) -> None:
        self._writers, self._compared = writers, compared
        self._seen = {writer.job.name: _Seen() for writer in writers}
        self._started = self._told = time.monotonic()
        self.notes: list[str] = []

    def since_last(self) -> list[StreamResult]:
        """Of each stream that changed since this was last asked."""
        now = time.monotonic()
        results = []
        for writer in self._writers:
            seen = self._seen[writer.job.name]
            began = self._schema(writer)
            fresh, seen.counts = writer.counts - seen.counts, writer.counts
            if fresh != Counts():
                results.append(_result(writer, fresh, now - self._told, began))
        self._told = now
        return results

    def whole(self) -> list[StreamResult]:
        """Of each stream since the beginning; they go to the ledger."""
        seconds = time.monotonic() - self._started
        results = []
        for writer in self._writers:
            result = _result(writer, writer.counts, seconds, self._schema(writer))
            before = self._compared.get(writer.job.name)
            if result.outcome == "loaded" or before is None:
                record_load(writer.job.run, result, dict(writer.position))
            results.append(before.followed_by(result) if before else result)
        return [replace(results[0], notes=(*results[0].notes, *self.notes)), *results[1:]]

    def _schema(self, writer: CollectionWriter) -> SchemaVersion | None:
        job, seen = writer.job, self._seen[writer.job.name]
        if writer.columns and list(writer.columns) != list(seen.columns):
            seen.columns = list(writer.columns)
            found = record_schema(job.run, job.source.name, job.stream.name, list(writer.columns))
            seen.begun = found or seen.begun
        return seen.begun


def _result(
    writer: CollectionWriter, counts: Counts, seconds: float, version: SchemaVersion | None
) -> StreamResult:
    return StreamResult(
        writer.job.source.name,
        writer.job.stream.name,
        outcome="loaded" if counts.rows else "unchanged",
        rows_read=counts.rows + counts.letters,
        rows_loaded=counts.rows,
        tombstones=counts.deletions,
        dead_letters=counts.letters,
        bytes=counts.bytes,
        seconds=seconds,
        batch_id=writer.state.batch_id,
        snapshot_id=writer.state.snapshot_id,
        schema_version=version.number if version else None,
        schema_change=version.change if version else None,
    )
