"""What the cluster says of topics: their id, their partitions, where each begins and ends, what was when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingest.kafka.client import PATIENCE_SECONDS, Cluster
from plugins.core.errors import SmeltError

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient


@dataclass(frozen=True)
class Topic:
    """A topic as it was when it was asked for.

    id: given when the topic was made; None: the cluster is too old to tell. first, end: by partition, the oldest
    offset that is there, and the one after the newest message that was committed by its producer.
    """

    name: str
    id: str | None
    first: dict[int, int]
    end: dict[int, int]


def describe(cluster: Cluster, admin: AdminClient, names: Sequence[str]) -> dict[str, Topic]:
    """The topics by name. Raises SmeltError if one isn't there or may not be read, Transient."""
    # Asked for all topics, brokers make none; asked for one that isn't there, some would.
    found = _calling(cluster, admin, "topics", lambda: admin.list_topics(timeout=PATIENCE_SECONDS))
    if missing := [name for name in names if name not in found.topics]:
        raise SmeltError(
            f"{cluster.where}: there is no topic {missing[0]}, or its user may not see it",
            "create it, correct `topic`, or grant the user `Describe` and `Read` on it",
        )
    # Ids are the controller's to tell; librdkafka's own mock of a cluster has none.
    ids = _ids(cluster, admin, names) if found.controller_id in found.brokers else {}
    topics = {}
    for name in names:
        partitions = sorted(found.topics[name].partitions)
        first = offsets_at(cluster, admin, name, partitions, "earliest")
        end = offsets_at(cluster, admin, name, partitions, "latest")
        topics[name] = Topic(name, ids.get(name), first, end)
    return topics


def _ids(cluster: Cluster, admin: AdminClient, names: Sequence[str]) -> dict[str, str]:
    from confluent_kafka import TopicCollection

    asked = _calling(cluster, admin, "topics", lambda: admin.describe_topics(
        TopicCollection(list(names)), request_timeout=PATIENCE_SECONDS))  # fmt: skip
    told = {name: _answer(cluster, admin, f"topic {name}", asked[name]).topic_id for name in names}
    return {name: str(topic_id) for name, topic_id in told.items() if topic_id}


def offsets_at(
    cluster: Cluster, admin: AdminClient, name: str, partitions: Sequence[int], when: str
) -> dict[int, int]:
    """The offset of each partition at `when`: `earliest`, `latest` (what is committed), or a time (ISO 8601).

    Of a time: the first message that isn't older; none: the end.
    """
    from confluent_kafka import IsolationLevel, TopicPartition
    from confluent_kafka.admin._listoffsets import OffsetSpec

    if not partitions:
        return {}
    spec = {"earliest": OffsetSpec.earliest, "latest": OffsetSpec.latest}
    wanted = spec[when]() if when in spec else OffsetSpec.for_timestamp(_milliseconds(when))
    request: dict[TopicPartition, OffsetSpec] = {
        TopicPartition(name, partition): wanted for partition in partitions
    }
    asked = _calling(cluster, admin, f"topic {name}", lambda: admin.list_offsets(
        request, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=PATIENCE_SECONDS))  # fmt: skip
    found = {
        tp.partition: int(_answer(cluster, admin, f"topic {name}", future).offset) for tp, future in asked.items()
    }
    late = [partition for partition, offset in found.items() if offset < 0]
    if late and when != "latest":
        found |= offsets_at(cluster, admin, name, late, "latest")
    return found


def _milliseconds(when: str) -> int:
    moment = datetime.fromisoformat(when)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _calling(cluster: Cluster, admin: AdminClient, doing: str, call: Callable[[], Any]) -> Any:
    from confluent_kafka import KafkaException

    try:
        return call()
    except KafkaException as error:
        # Why no broker answers is told to `error_cb`, which waits for this.
        admin.poll(0)
        raise cluster.explained(error.args[0], doing) from error


def _answer(cluster: Cluster, admin: AdminClient, doing: str, future: Any) -> Any:
    return _calling(cluster, admin, doing, lambda: future.result(PATIENCE_SECONDS + 5))
