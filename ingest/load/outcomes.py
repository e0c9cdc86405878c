"""What became of the followed streams of a source: since the last commit, and altogether."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ingest.load.history import SchemaVersion, record_load, record_schema
from ingest.load.result import StreamResult
from ingest.load.stream import Job
from ingest.load.types import Column
from plugins.core.lake import TableState


@dataclass(frozen=True)
class Counts:
    """Events that landed, tombstones (also of a truncation), bytes of their files, dead letters."""

    events: int = 0
    deletions: int = 0
    bytes: int = 0
    letters: int = 0

    def __add__(self, more: Counts) -> Counts:
        return Counts(
            self.events + more.events, self.deletions + more.deletions, self.bytes + more.bytes,
            self.letters + more.letters,
        )  # fmt: skip

    def __sub__(self, before: Counts) -> Counts:
        return self + Counts(-before.events, -before.deletions, -before.bytes, -before.letters)


class Writer(Protocol):
    """Who writes one stream."""

    @property
    def job(self) -> Job:
        """What it loads."""
        ...

    @property
    def counts(self) -> Counts:
        """What it has written so far."""
        ...

    @property
    def state(self) -> TableState:
        """Of its table, as of the last commit."""
        ...

    @property
    def columns(self) -> Sequence[Column]:
        """The source's, as they were last described; none if nothing came yet."""
        ...


@dataclass
class _Seen:
    """How far a stream was told of: its counts, the columns that the ledger knows, the schema version begun."""

    counts: Counts = field(default_factory=Counts)
    columns: Sequence[Column] = ()
    begun: SchemaVersion | None = None


class Outcomes:
    """Results of `writers`; a stream's schema goes to the ledger when its columns change.

    snapshots: what became of streams before they were followed, by name; it is in the ledger. notes: by name.
    """

    def __init__(self, writers: Sequence[Writer], snapshots: Mapping[str, StreamResult] | None = None) -> None:
        self._writers, self._snapshots = writers, snapshots or {}
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
                results.append(changes_result(writer, fresh, now - self._told, began))
        self._told = now
        return results

    def whole(self) -> list[StreamResult]:
        """Of each stream since the beginning, what came before it was followed included; goes to the ledger."""
        seconds = time.monotonic() - self._started
        return [self._recorded(writer, seconds) for writer in self._writers]

    def _recorded(self, writer: Writer, seconds: float) -> StreamResult:
        changed = changes_result(writer, writer.counts, seconds, self._schema(writer))
        before = self._snapshots.get(changed.name)
        if changed.outcome == "loaded" or before is None:
            record_load(writer.job.run, changed, dict(writer.state.position))
        notes = tuple(dict.fromkeys(self.notes[changed.name]))
        if before is None:
            return replace(changed, notes=notes)
        both = before.followed_by(changed)
        return replace(both, seconds=before.seconds + changed.seconds, notes=(*before.notes, *notes))

    def _schema(self, writer: Writer) -> SchemaVersion | None:
        """The schema version that the stream began here; recorded when its columns are not those of before."""
        job, seen = writer.job, self._seen[writer.job.name]
        if writer.columns and list(writer.columns) != list(seen.columns):
            seen.columns = list(writer.columns)
            found = record_schema(job.run, job.source.name, job.stream.name, list(writer.columns))
            seen.begun = found or seen.begun
        return seen.begun


def changes_result(writer: Writer, counts: Counts, seconds: float, version: SchemaVersion | None) -> StreamResult:
    """What the changes were that a writer wrote in some seconds, as `counts` has them."""
    return StreamResult(
        writer.job.source.name,
        writer.job.stream.name,
        outcome="loaded" if counts.events or counts.deletions else "unchanged",
        rows_read=counts.events + counts.letters,
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
