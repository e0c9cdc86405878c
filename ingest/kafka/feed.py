"""The topics of one source as a feed: consume, write beside it, commit rows and offsets together.

No offset is kept in the broker. Followed by several processes, the consumer group only says who reads which
partition: whoever is given one reads on from the table. Should two read the same partition all the same, the
second commit fails, and what it brought is thrown away and read again from where the table is.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ingest.kafka.client import PATIENCE_SECONDS, Cluster
from ingest.kafka.messages import Chunk, Taken, gathered, uncollected
from ingest.kafka.registry import Registry
from ingest.kafka.starting import starts
from ingest.kafka.topics import Topic, describe, offsets_at
from ingest.kafka.writer import TopicWriter
from ingest.load import Job, StreamResult
from ingest.load.outcomes import Outcomes
from ingest.retry import Transient
from ingest.watch.feed import Lag
from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.lake import StaleBatch

if TYPE_CHECKING:
    import duckdb
    from confluent_kafka import Consumer, KafkaError, TopicPartition

# Messages that the client hands out at once, and that one commit carries if so many are waiting.
_AT_ONCE, _BATCH = 10_000, 2_000_000
_POLL_SECONDS = 0.2
_RACES = 30


class KafkaFeed:
    """The topics of one source. is_shared: as a member of the source's consumer group; else all partitions.

    Raises SmeltError for what a person must mend; `Transient` if no broker answers.
    """

    def __init__(self, jobs: Sequence[Job], *, is_shared: bool) -> None:
        source, settings = jobs[0].source, jobs[0].lake.settings
        self.name = source.name
        self.cluster = Cluster(settings, source.connection)
        self._admin = self.cluster.admin()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="kafka")
        self._con = _connection()
        registry = Registry(settings, source.connection)
        writers = [TopicWriter(job, self._con, registry, self._worker) for job in jobs]
        self.writers = {writer.topic: writer for writer in writers}
        if len(self.writers) < len(jobs):
            raise SmeltError(f"{self.name}: two streams read the same topic", "correct `topic` of one of them")
        self.outcomes = Outcomes(writers)
        self.topics = describe(self.cluster, self._admin, list(self.writers))
        self._next = {name: self._begun(writer) for name, writer in self.writers.items()}
        # Where reading ends, if it does; the partitions that are ours, and those of them that are still read.
        self.ends: dict[tuple[str, int], int] | None = None
        self.owned: set[tuple[str, int]] = set()
        self.assigned: set[tuple[str, int]] = set()
        self._results: list[StreamResult] = []
        self._is_astray = self._is_closing = False
        self._heard_from = time.monotonic()
        partitions = sum(len(topic.first) for topic in self.topics.values())
        self._consumer: Consumer = self.cluster.consumer(source.kafka.group or f"smelt-{source.name}", partitions)
        if is_shared:
            self._consumer.subscribe(
                list(self.writers), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
        else:
            self._assign(self._next)

    @property
    def is_full(self) -> bool:
        """Whether as many messages are held as one commit may carry."""
        return sum(writer.held for writer in self.writers.values()) >= _BATCH

    def take(self, seconds: float) -> int:
        """As `Feed.take`."""
        taken, deadline = 0, time.monotonic() + seconds
        with uncollected():
            while not self.is_full:
                left = deadline - time.monotonic()
                if left <= 0 or self.has_ended:
                    break
                taken += self._took(min(left, _POLL_SECONDS))
        return taken

    def commit(self) -> Sequence[StreamResult]:
        """As `Feed.commit`: each table with its offsets; nothing is told to the broker."""
        self._commit([writer for writer in self.writers.values() if writer.held])
        results, self._results = [*self._results, *self.outcomes.since_last()], []
        return results

    def settle(self) -> None:
        """Commit what was taken, and what was passed over."""
        self._commit([writer for writer in self.writers.values() if writer.held or writer.is_moved])

    def lag(self) -> Lag:
        """As `Feed.lag`: messages that the partitions read here have and bronze hasn't."""
        events = 0
        for topic, partition in self.assigned:
            ended = self._end(topic, partition)
            events += max(0, ended - self.writers[topic].progress.offsets.get(partition, 0)) if ended else 0
        oldest = [writer.oldest for writer in self.writers.values() if writer.oldest is not None]
        seconds = max(0.0, time.time() - min(oldest) / 1e6) if oldest else 0.0
        return Lag(events=events, seconds=seconds)

    def close(self) -> None:
        """As `Feed.close`."""
        self._is_closing = True
        self._consumer.close()
        for writer in self.writers.values():
            writer.close()
        self._worker.shutdown(wait=True)
        self._con.close()

    def until(self, ends: Mapping[str, Mapping[int, int]]) -> None:
        """Read no further than `ends` (the offset after the last message, by topic and partition)."""
        self.ends = {(name, p): end for name, found in ends.items() for p, end in found.items()}
        self._finish()

    @property
    def has_ended(self) -> bool:
        """Whether everything before the ends was taken."""
        return self.ends is not None and not self.assigned

    def _begun(self, writer: TopicWriter) -> dict[int, int]:
        """Where each partition is read from; a new stream remembers where it began before it reads."""
        topic = self.topics[writer.topic]
        for _ in range(_RACES):
            found = starts(
                writer.job, writer.progress, topic, writer.spec.start,
                lambda when, name=writer.topic, topic=topic: offsets_at(
                    self.cluster, self._admin, name, list(topic.first), when
                ),
            )  # fmt: skip
            try:
                writer.start_at(found, topic.id)
            except StaleBatch:
                writer.reload()
            else:
                return found
        raise SmeltError(f"{writer.job.name}: other writers always came first", "run fewer at once")

    def _commit(self, writers: Sequence[TopicWriter]) -> None:
        for writer in writers:
            try:
                writer.commit()
            except StaleBatch:
                self._reread([writer])

    def _took(self, seconds: float) -> int:
        taken = gathered(self._consumer.consume(_AT_ONCE, seconds))
        if self._is_astray:
            # Some of these messages may come after others that were thrown away meanwhile.
            self._is_astray = False
            self._reread(list(self.writers.values()))
            return 0
        for topic, partition, error in taken.errors:
            self._fail(topic, partition, error)
        count = sum(self._add(chunk) for chunk in taken.chunks)
        for topic, partition, offset in taken.ends:
            if (topic, partition) in self.assigned:
                end = self.ends.get((topic, partition), offset) if self.ends else offset
                self.writers[topic].pass_over(partition, min(offset, end))
        self._finish()
        self._require_life(taken)
        return count

    def _add(self, chunk: Chunk) -> int:
        writer = self.writers[chunk.topic]
        # Messages of a partition that is ours no more are its next reader's.
        ends = {p: 0 for p in chunk.reached if (chunk.topic, p) not in self.assigned}
        if self.ends is not None:
            ends |= {p: self.ends[chunk.topic, p] for p in chunk.reached if p not in ends}
        count = writer.add(chunk, ends)
        for partition, offset in chunk.reached.items():
            if 0 < ends.get(partition, 0) <= offset:
                writer.pass_over(partition, ends[partition])
        writer.job.progress(count)
        return count

    def _finish(self) -> None:
        """Partitions whose end is reached are read no further."""
        from confluent_kafka import TopicPartition

        if self.ends is None:
            return
        ended = {pair for pair in self.assigned if self._position(*pair) >= self.ends.get(pair, 0)}
        if ended:
            self._consumer.pause([TopicPartition(*pair) for pair in ended])
            self.assigned -= ended

    def _position(self, topic: str, partition: int) -> int:
        return self.writers[topic].taken.get(partition, 0)

    def _end(self, topic: str, partition: int) -> int | None:
        from confluent_kafka import TopicPartition

        found = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
        return found[1] if found and found[1] >= 0 else None

    def _assign(self, offsets: Mapping[str, Mapping[int, int]]) -> None:
        from confluent_kafka import TopicPartition

        pairs = [TopicPartition(name, p, offset) for name, found in offsets.items() for p, offset in found.items()]
        self._consumer.assign(pairs)
        self.owned = self.assigned = {(pair.topic, pair.partition) for pair in pairs}

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """The group gave us partitions: they are read on from where their tables are."""
        wanted: dict[str, dict[int, int]] = {}
        for name in {pair.topic for pair in partitions}:
            writer = self.writers[name]
            writer.reload()
            self.topics |= describe(self.cluster, self._admin, [name])
            found = self._begun(writer)
            wanted[name] = {pair.partition: found[pair.partition] for pair in partitions if pair.topic == name}
        self._assign(wanted)

    def _revoked(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        """The group takes them: what was taken is committed first, so that who reads on finds it there."""
        if not self._is_closing:
            for writer in self.writers.values():
                try:
                    if writer.held:
                        writer.commit()
                except StaleBatch:
                    writer.reload()
                    self._is_astray = True
            self._results += self.outcomes.since_last()
        self.owned = self.assigned = set()

    def _lost(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        """Others have had them for a while: what was taken may be theirs already."""
        for writer in self.writers.values():
            writer.reload()
        self.owned = self.assigned = set()
        self._is_astray = True

    def _reread(self, writers: Sequence[TopicWriter]) -> None:
        """What these took was thrown away: go on from where their tables are now."""
        wanted: dict[str, dict[int, int]] = {}
        positions = {name: writer.taken for name, writer in self.writers.items()}
        for writer in writers:
            writer.reload()
            positions[writer.topic] = self._begun(writer)
        for name, partition in self.owned:
            wanted.setdefault(name, {})[partition] = positions[name][partition]
        self._assign(wanted)
        self._finish()

    def _fail(self, topic: str | None, partition: int | None, error: KafkaError) -> None:
        if error.name() in {"_AUTO_OFFSET_RESET", "OFFSET_OUT_OF_RANGE"} and topic in self.writers:
            # Told with the offsets that are lost.
            fresh: Topic = describe(self.cluster, self._admin, [topic])[topic]
            writer = self.writers[topic]
            starts(writer.job, writer.progress, fresh, "earliest", lambda _when: fresh.first)
        where = f"topic {topic}" if topic else "reading"
        raise self.cluster.explained(error, f"{where}, partition {partition}" if partition is not None else where)

    def _require_life(self, taken: Taken) -> None:
        """Raise Transient if nothing came for long, and the client said why."""
        if taken.chunks or taken.ends:
            self.cluster.heard = None
        if self.cluster.heard is None:
            self._heard_from = time.monotonic()
        elif time.monotonic() - self._heard_from > PATIENCE_SECONDS:
            name, told = self.cluster.heard
            raise Transient(f"{self.cluster.where}: {told} ({name})")


def open_feed(jobs: Sequence[Job]) -> KafkaFeed:
    """The topics of one source, followed. Raises as `KafkaFeed` does."""
    return KafkaFeed(jobs, is_shared=True)


def _connection() -> duckdb.DuckDBPyConnection:
    con = duck.connect()
    con.execute("set memory_limit = '1GB'")
    return con
