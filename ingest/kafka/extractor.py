"""What `smelt doctor` says of a source's topics."""

from __future__ import annotations

from typing import NoReturn

from ingest.extract.base import PullRequest
from ingest.kafka.client import Cluster
from ingest.kafka.positions import Progress
from ingest.kafka.starting import require_continued
from ingest.kafka.topics import describe
from ingest.retry import Transient
from ingest.spec import SourceSpec
from ingest.spec.kafka import KafkaSpec
from plugins.core.errors import SmeltError
from plugins.core.lake import Lake, read_state
from plugins.core.settings import Settings


class KafkaExtractor:
    """Topics are read by their offsets, all of a source together: see `ingest.kafka.feed`."""

    def pull(self, request: PullRequest) -> NoReturn:
        """Not for topics. Raises SmeltError."""
        raise SmeltError(f"{request.source.name} is read by its offsets, not pulled", "use `smelt ingest`")

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """Whether the topics are there, and how many messages bronze lacks. Raises SmeltError if some are lost."""
        cluster = Cluster(settings, source.connection)
        topics = {
            stream.name: (stream.kafka or KafkaSpec.model_validate({})).topic or stream.name
            for stream in source.streams
        }
        try:
            found = describe(cluster, cluster.admin(), list(dict.fromkeys(topics.values())))
        except Transient as error:
            raise SmeltError(str(error), "start the brokers, or correct the connection") from error
        lake, waiting, partitions = Lake(settings), 0, 0
        for stream, name in topics.items():
            topic = found[name]
            table = lake.find(source.identifier(stream)) if lake.exists() else None
            stored: dict[int, int] = {}
            if table is not None:
                progress = Progress(read_state(table))
                stored = progress.offsets
                require_continued(f"{source.name}.{stream}", progress, topic)
            partitions += len(topic.first)
            waiting += sum(end - stored.get(p, topic.first[p]) for p, end in topic.end.items())
        told = f"{len(found)} topics, {partitions} partitions, {waiting:,} messages wait for bronze"
        return f"{cluster.servers}: {told}"
