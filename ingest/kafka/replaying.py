"""Reading a topic again: `--reset`, `--from`.

The rows of messages that the topic still has are written anew, and take the place of the rows that were there, in
one commit: nobody sees half of it, nothing is doubled, and the newest version of a key stays the newest. Rows of
messages that the topic no longer has are kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.kafka.feed import KafkaFeed
from ingest.kafka.starting import replayed
from ingest.kafka.topics import offsets_at
from ingest.kafka.writer import TopicWriter
from ingest.load import Job, StreamResult
from plugins.core.errors import SmeltError
from plugins.core.lake import StaleBatch

_RACES = 5


class _ReplayFeed(KafkaFeed):
    """Reads one topic from where it is asked to, in one commit of any size: its pieces are on disk."""

    skipped: Mapping[int, tuple[int, int]]

    @property
    def is_full(self) -> bool:
        """Never."""
        return False

    def _begun(self, writer: TopicWriter) -> dict[int, int]:
        topic = self.topics[writer.topic]
        is_same = topic.id is None or writer.progress.topic_id in (None, topic.id)
        wanted = replayed(
            writer.job, writer.job.override or {}, topic,
            lambda when: offsets_at(self.cluster, self._admin, topic.name, list(topic.first), when),
        )  # fmt: skip
        stored = writer.progress.offsets if is_same else {}
        onward = {partition: stored.get(partition, first) for partition, first in topic.first.items()}
        found = {**onward, **wanted}
        self.skipped = {p: (stored[p], offset) for p, offset in found.items() if stored.get(p, offset) < offset}
        writer.rewind(found)
        return found


def replay(job: Job) -> StreamResult:
    """Read a stream again from where its job says, to its end as it is now. Raises SmeltError, Transient."""
    for _ in range(_RACES):
        feed = _ReplayFeed([job], is_shared=False)
        try:
            ((name, topic),) = feed.topics.items()
            feed.until({name: topic.end})
            while not feed.has_ended:
                feed.take(1.0)
                feed.writers[name].flush()
            feed.writers[name].replace(topic.id)
            feed.outcomes.notes[job.name] += [
                f"offsets {a}–{b - 1} of partition {p} were passed over"
                for p, (a, b) in sorted(feed.skipped.items())
            ]
            return feed.outcomes.whole()[0]
        except StaleBatch:
            continue
        finally:
            feed.close()
    raise SmeltError(f"{job.name}: another process loads it all the time", "stop it while the topic is read again")
