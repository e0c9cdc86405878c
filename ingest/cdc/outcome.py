"""What became of the captured streams of a source: since the last commit, and altogether."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ingest.cdc.preparing import Prepared
from ingest.cdc.writer import Counts, StreamWriter
from ingest.load import StreamResult
from ingest.load.history import SchemaVersion, record_load, record_schema
from ingest.load.types import Column


@dataclass
class _Seen:
    """How far a stream was told of: its counts, the columns that the ledger knows, the schema version begun."""

    counts: Counts = field(default_factory=Counts)
    columns: Sequence[Column] = ()
    begun: SchemaVersion | None = None


class Outcomes:
    """Results of `writers`; a stream's schema goes to the ledger when its columns change."""

    def __init__(self, writers: Sequence[StreamWriter], prepared: Prepared) -> None:
        self._writers, self._prepared = writers, prepared
        self._seen = {writer.job.name: _Seen() for writer in writers}
        self._started = self._told = time.monotonic()

    def since_last(self) -> list[StreamResult]:
        """Of each stream that changed since this was last asked."""
        now = time.monotonic()
        results = []
        for writer in self._writers:
            seen = self._seen[writer.job.name]
            began = self._schema(writer)
            fresh = writer.counts - seen.counts
            seen.counts = replace(writer.counts)
            if fresh != Counts():
                results.append(changes_result(writer, fresh, now - self._told, began))
        self._told = now
        return results

    def whole(self) -> list[StreamResult]:
        """Of each stream since the beginning: its first snapshot, if it was taken, and its changes.

        The changes go to the ledger; the snapshot went there when it was loaded.
        """
        seconds = time.monotonic() - self._started
        return [self._recorded(writer, seconds, is_first=n == 0) for n, writer in enumerate(self._writers)]

    def _recorded(self, writer: StreamWriter, seconds: float, *, is_first: bool) -> StreamResult:
        changed = changes_result(writer, writer.counts, seconds, self._schema(writer))
        if changed.outcome == "loaded" or changed.name not in self._prepared.results:
            record_load(writer.job.run, changed, dict(writer.state.position))
        return self._with_snapshot(changed, is_first)

    def _schema(self, writer: StreamWriter) -> SchemaVersion | None:
        """The schema version that the stream began here; recorded when its columns are not those of before."""
        job, seen = writer.job, self._seen[writer.job.name]
        if writer.columns and list(writer.columns) != list(seen.columns):
            seen.columns = writer.columns
            found = record_schema(job.run, job.source.name, job.stream.name, list(writer.columns))
            seen.begun = found or seen.begun
        return seen.begun

    def _with_snapshot(self, changed: StreamResult, is_first: bool) -> StreamResult:
        notes = self._prepared.notes if is_first else ()
        whole = self._prepared.results.get(changed.name)
        if whole is None:
            return replace(changed, notes=tuple(notes))
        both = whole.followed_by(changed)
        return replace(both, seconds=whole.seconds + changed.seconds, notes=(*whole.notes, *notes))


def changes_result(
    writer: StreamWriter, counts: Counts, seconds: float, version: SchemaVersion | None
) -> StreamResult:
    """What the changes were that a writer wrote in some seconds, as `counts` has them."""
    return StreamResult(
        writer.job.source.name,
        writer.job.stream.name,
        outcome="loaded" if counts.events or counts.deletions else "unchanged",
        rows_read=counts.events,
        rows_loaded=counts.events,
        tombstones=counts.deletions,
        dead_letters=counts.letters,
        bytes=counts.bytes,
        seconds=seconds,
        batch_id=writer.state.batch_id,
        snapshot_id=writer.state.snapshot_id,
        schema_version=version.number if version else None,
        schema_change=version.change if version else None,
    )
