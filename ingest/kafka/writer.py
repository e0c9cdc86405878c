"""Messages of one stream → pieces, written beside the reading → one bronze commit with their offsets.

The commit names the offsets that its partitions were read from: if another process has committed any of them
meanwhile, it fails as a whole, and what was written is thrown away and read again from where the table is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb
import pyarrow as pa

from ingest.kafka.messages import Chunk, within
from ingest.kafka.pieces import Piece, PieceWriter, delete_files, message_types
from ingest.kafka.positions import Progress, advanced
from ingest.kafka.registry import Registry
from ingest.load import Job
from ingest.load.dead_letters import bury
from ingest.load.files import remove_orphans
from ingest.load.outcomes import Counts
from ingest.load.types import AUDIT_TYPES, Column
from ingest.spec.kafka import KafkaSpec
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach
from plugins.core.lake import Batch, TableState, commit_batch, ensure_columns, read_state

# What a piece holds at most, as messages and as bytes of them.
PIECE_ROWS, PIECE_BYTES = 400_000, 96 * 2**20
# Pieces that wait to be written: reading waits for them, so that memory stays bounded.
_WAITING = 1
# So many messages of a new table that can't be read are no accident.
_SUSPECT = 100


class TopicWriter:
    """Writes one stream. held: messages taken and not committed; oldest: when the first was sent (µs)."""

    def __init__(
        self, job: Job, con: duckdb.DuckDBPyConnection, registry: Registry, worker: ThreadPoolExecutor
    ) -> None:
        self.job = job
        self.spec = job.stream.kafka or KafkaSpec.model_validate({})
        self.topic = self.spec.topic or job.stream.name
        schema = {**AUDIT_TYPES, **message_types(self.spec)}
        ensure_columns(job.lake, job.identifier, pa.schema(list(schema.items())))
        remove_orphans(job.lake, job.identifier)
        self._pieces = PieceWriter(job, self.topic, con, registry)
        self._worker = worker
        self.counts = Counts()
        self.columns: list[Column] = []
        self._writing: list[Future[Piece]] = []
        self.reload()

    @property
    def state(self) -> TableState:
        """Of the table, as of the last commit or look."""
        return self.progress.state

    def reload(self) -> None:
        """Begin again from what the table holds now; what was taken and not committed is thrown away."""
        self._discard()
        self.progress = Progress(read_state(self.job.lake.table(self.job.identifier)))
        self._moved: dict[int, int] = {}
        self.held = 0
        self.oldest: int | None = None
        self._held_bytes = 0
        self._pending: list[pa.Table] = []
        self._partitions: set[int] = set()
        self._batch_id = self.progress.next_batch_id()
        self._pieces.forget()

    @property
    def taken(self) -> dict[int, int]:
        """The next offset of each partition, counting what is not yet committed."""
        return {**self.progress.offsets, **self._moved}

    def add(self, chunk: Chunk, end: Mapping[int, int]) -> int:
        """Take messages that come next, before `end` of their partition; returns how many."""
        fresh = within(chunk, self.taken, dict(end))
        if not fresh.table.num_rows:
            return 0
        self._moved.update(fresh.reached)
        self._partitions.update(fresh.reached)
        self._pending.append(fresh.table)
        self._held_bytes += fresh.table.nbytes
        self.held += fresh.table.num_rows
        if self.oldest is None:
            first = fresh.table["_smelt_timestamp"][0]
            self.oldest = first.value if first.is_valid else None
        if self._held_bytes >= PIECE_BYTES or sum(table.num_rows for table in self._pending) >= PIECE_ROWS:
            self.flush()
        return fresh.table.num_rows

    def pass_over(self, partition: int, offset: int) -> None:
        """Everything before `offset` is no message: markers of transactions, what compaction took away."""
        self._moved[partition] = max(offset, self.taken.get(partition, 0))

    def flush(self) -> None:
        """Hand what is pending to the thread that writes."""
        if not self._pending:
            return
        messages = pa.concat_tables(self._pending)
        self._pending, self._held_bytes = [], 0
        waiting = [piece for piece in self._writing if not piece.done()]
        if len(waiting) > _WAITING:
            waiting[0].result()
        self._writing.append(self._worker.submit(self._pieces.write, messages, self._batch_id))

    @property
    def is_moved(self) -> bool:
        """Whether anything was read, if only passed over, that isn't committed."""
        stored = self.progress.offsets
        return any(stored.get(partition) != offset for partition, offset in self._moved.items())

    def start_at(self, offsets: Mapping[int, int], topic_id: str | None) -> None:
        """Commit where a new stream begins, so that it begins there after any crash. Raises StaleBatch."""
        position = self.progress.state.position
        is_other = topic_id is not None and self.progress.topic_id not in (None, topic_id)
        entries = advanced(offsets, None)
        if topic_id:
            entries["topic"] = topic_id
        if is_other:
            entries["since"] = self._batch_id
        if all(position.get(name) == value for name, value in entries.items()):
            return
        self._commit(Batch(
            self._batch_id, [], None, self.progress.expected(offsets), entries, any_predecessor=True,
        ))  # fmt: skip

    def rewind(self, offsets: Mapping[int, int]) -> None:
        """Read again from `offsets`; nothing is committed before `replace`."""
        self._moved = dict(offsets)

    def replace(self, topic_id: str | None) -> None:
        """Make everything that was taken visible in place of the rows of the same messages. Raises StaleBatch."""
        pieces = self._written()
        files = [file for piece in pieces for file in piece.files]
        letters = self._buried(pieces)
        stored, is_other = self.progress.offsets, self.progress.topic_id not in (None, topic_id)
        entries = advanced(self._moved, self._batch_id, self._partitions)
        if topic_id:
            entries["topic"] = topic_id
        leaving: list[str] = []
        if is_other:
            # Rows of the topic before have offsets of their own.
            entries = {**advanced(dict.fromkeys(set(stored) - set(self._moved)), None), **entries}
            entries["since"] = self._batch_id
        else:
            leaving, kept = self._pieces.displaced(files, self.progress)
            files += kept
        reach("before-replace")
        expected = self.progress.expected({*stored, *self._moved})
        based_on = self.progress.state.batch_id
        self._commit(Batch(self._batch_id, files, based_on, expected, entries, replaces=leaving))
        self._account(pieces, letters)

    def commit(self) -> int | None:
        """Make everything that was taken visible; the snapshot's id, None if there was nothing.

        Raises StaleBatch, after which `reload` must be called; what is wrong with a message is a dead letter.
        """
        pieces = self._written()
        if not pieces and not self.is_moved:
            return None
        files = [file for piece in pieces for file in piece.files]
        letters = self._buried(pieces)
        self._commit(Batch(
            self._batch_id, files, None, self.progress.expected(self._moved),
            advanced(self._moved, self._batch_id, self._partitions), any_predecessor=True,
        ))  # fmt: skip
        self._account(pieces, letters)
        return self.progress.state.snapshot_id

    def _commit(self, batch: Batch) -> None:
        state = commit_batch(self.job.lake, self.job.identifier, batch).state
        reach("after-stream-commit")
        self._writing, self._moved = [], {}
        self.progress = Progress(state)
        self._batch_id = self.progress.next_batch_id()
        self._partitions = set()
        self.held, self.oldest = 0, None

    def _written(self) -> list[Piece]:
        self.flush()
        return [piece.result() for piece in self._writing]

    def _buried(self, pieces: Sequence[Piece]) -> int:
        letters = [letter for piece in pieces for letter in piece.letters]
        has_rows = self.progress.state.snapshot_id is not None or any(piece.rows for piece in pieces)
        if len(letters) >= _SUSPECT and not has_rows:
            raise SmeltError(
                f"{self.job.name}: none of the first {len(letters):,} messages of topic {self.topic} can be "
                f"read as {self.spec.format}: {letters[0].reason} ({letters[0].position})",
                f"correct `kafka: {{format: …}}` in {self.job.source.folder / 'source.yml'}",
            )
        buried = bury(self.job.lake, f"bronze.{self.job.source.name}__dead_letters", self.job.stream.name, letters)
        if letters:
            reach("after-letters")
        return buried

    def _account(self, pieces: Sequence[Piece], letters: int) -> None:
        for piece in pieces:
            self.columns = _merged(self.columns, piece.columns)
            self.counts += Counts(piece.rows, piece.deletions, piece.bytes)
        self.counts += Counts(letters=letters)

    def _discard(self) -> None:
        for writing in getattr(self, "_writing", []):
            if not writing.cancel() and writing.exception() is None:
                delete_files(writing.result().files)
        self._writing = []

    def close(self) -> None:
        """Throw away what was taken and not committed."""
        self._discard()


def _merged(before: Sequence[Column], seen: Sequence[Column]) -> list[Column]:
    """The source's columns as they were last seen; one that a batch lacks is still the source's."""
    newest = {column.name: column for column in seen}
    kept = [newest.pop(column.name, column) for column in before]
    return [*kept, *newest.values()]
