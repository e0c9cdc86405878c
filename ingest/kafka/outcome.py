"""What became of the topics of a source: since the last commit, and altogether."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingest.kafka.writer import Counts, TopicWriter
from ingest.load import StreamResult
from ingest.load.history import SchemaVersion, record_load, record_schema
from ingest.load.types import Column


@dataclass
class _Seen:
    counts: Counts = field(default_factory=Counts)
    columns: Sequence[Column] = ()
    begun: SchemaVersion | None = None


class Outcomes:
    """Results of `writers`; a stream's schema goes to the ledger when its columns change."""

    def __init__(self, writers: Sequence[TopicWriter]) -> None:
        self._writers = writers
        self._seen = {writer.job.name: _Seen() for writer in writers}
        self._started = self._told = time.monotonic()
        self.notes: dict[str, list[str]] = {writer.job.name: [] for writer in writers}

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
            notes = tuple(dict.fromkeys(self.notes[writer.job.name]))
            result = _result(writer, writer.counts, seconds, self._schema(writer), notes)
            position: Mapping[str, object] = writer.progress.state.position
            record_load(writer.job.run, result, dict(position))
            results.append(result)
        return results

    def _schema(self, writer: TopicWriter) -> SchemaVersion | None:
        job, seen = writer.job, self._seen[writer.job.name]
        if writer.columns and list(writer.columns) != list(seen.columns):
            seen.columns = writer.columns
            found = record_schema(job.run, job.source.name, job.stream.name, list(writer.columns))
            seen.begun = found or seen.begun
        return seen.begun


def _result(
    writer: TopicWriter, counts: Counts, seconds: float, version: SchemaVersion | None, notes: tuple[str, ...] = ()
) -> StreamResult:
    state = writer.progress.state
    return StreamResult(
        writer.job.source.name,
        writer.job.stream.name,
        outcome="loaded" if counts.events else "unchanged",
        rows_read=counts.events + counts.letters,
        rows_loaded=counts.events,
        tombstones=counts.deletions,
        dead_letters=counts.letters,
        bytes=counts.bytes,
        seconds=seconds,
        batch_id=state.batch_id,
        snapshot_id=state.snapshot_id,
        schema_version=version.number if version else None,
        schema_change=version.change if version else None,
        notes=notes,
    )
