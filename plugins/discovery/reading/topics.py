"""Kafka topics → a sample of each one's newest messages. Nothing is kept in the broker, and no group is joined."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plugins.core.errors import SmeltError
from plugins.core.settings import KafkaSettings, Settings, mask, resolve
from plugins.discovery.reading.place import Place, Progress, Stream

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

_SCHEME = "kafka://"
_PATIENCE_SECONDS = 10.0
_TOPICS = 100
# A registry puts a zero byte and four bytes of schema id before a value (Confluent's wire format).
_FRAME = 5
_ONLY_JSON = "topics of JSON objects are discovered; declare others in a source.yml: docs/how-to/kafka.md"


@dataclass(frozen=True)
class Cluster:
    """Brokers (`host:port,…`), the one topic that is meant or all, and properties of the client by name."""

    servers: str
    topic: str | None
    options: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """As it may be printed."""
        return f"{_SCHEME}{self.servers}" + (f"/{self.topic}" if self.topic else "")


def is_cluster(place: str) -> bool:
    """Whether a place is a Kafka cluster's, or a topic's."""
    return place.startswith(_SCHEME)


def cluster_at(settings: Settings, place: str, kafka: KafkaSettings | None = None) -> Cluster:
    """`kafka://host:port,…[/topic]`, reached as `kafka` says, or as a connection to the same brokers does."""
    servers, _, topic = place.removeprefix(_SCHEME).partition("/")
    if not servers or "@" in servers:
        raise SmeltError(
            f"{mask(place)} names no brokers", "write kafka://HOST:PORT/TOPIC; users and passwords are options"
        )
    for name in settings.connections if kafka is None else ():
        if servers_of(settings, name) == servers:
            return connected(settings, name, topic or None)
    return _cluster(settings, servers, topic or None, kafka or KafkaSettings(), "the options")


def connected(settings: Settings, connection: str, topic: str | None = None) -> Cluster:
    """The cluster of a connection."""
    kafka = settings.connections[connection].kafka
    return _cluster(
        settings, servers_of(settings, connection) or "", topic, kafka, f"connections.{connection}.kafka"
    )


def servers_of(settings: Settings, connection: str) -> str | None:
    """The brokers of a connection, if it is one to Kafka."""
    found = settings.connections[connection]
    if found.type != "kafka" or not found.url:
        return None
    return resolve(found.url, settings.project_dir, f"connections.{connection}.url")


def _cluster(settings: Settings, servers: str, topic: str | None, kafka: KafkaSettings, what: str) -> Cluster:
    options = {
        name: resolve(value, settings.project_dir, f"{what}.{name}") for name, value in kafka.options.items()
    }
    return Cluster(servers, topic, options)


def read_topics(cluster: Cluster, rows: int, on_progress: Progress, only: str | None = None) -> Place:
    """The topics with JSON objects in them. Raises SmeltError if there are none, or no broker answers."""
    consumer, heard = _consumer(cluster)
    try:
        partitions = _partitions(cluster, consumer, heard)
        wanted = [name for name in partitions if only in (None, name)]
        compacted = _compacted(cluster, wanted[:_TOPICS])
        streams, notes = [], []
        for name in wanted[:_TOPICS]:
            on_progress(f"reading {name}")
            found = _stream(name, *_sample(consumer, name, partitions[name], rows), is_compacted=name in compacted)
            if isinstance(found, Stream):
                streams.append(found)
            else:
                notes.append(found)
        if len(wanted) > _TOPICS:
            notes.append(f"of {len(wanted):,} topics, the first {_TOPICS:,} by name were looked at")
    finally:
        consumer.close()
    if not streams:
        raise SmeltError(f"{cluster.name}: {'; '.join(notes) or 'there is no topic'}", _ONLY_JSON)
    return Place(cluster.name, "topics", tuple(streams), notes=tuple(notes))


def _compacted(cluster: Cluster, topics: Sequence[str]) -> set[str]:
    """The topics that keep the newest message of each key; none, where that isn't told."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.admin._config import ConfigResource
    from confluent_kafka.admin._resource import ResourceType

    if not topics:
        return set()
    # It must outlive its answers.
    admin = AdminClient({**cluster.options, "bootstrap.servers": cluster.servers, "log_level": 0})
    try:
        known = admin.list_topics(timeout=_PATIENCE_SECONDS)
        if known.controller_id not in known.brokers:
            return set()  # librdkafka's own mock of a cluster never answers
        asked = admin.describe_configs(
            [ConfigResource(ResourceType.TOPIC, name) for name in topics], request_timeout=_PATIENCE_SECONDS
        )
        told = {resource.name: future.result(_PATIENCE_SECONDS) for resource, future in asked.items()}
    except (KafkaException, TimeoutError):
        return set()
    return {name for name, found in told.items() if "compact" in str(found["cleanup.policy"].value)}


def _consumer(cluster: Cluster) -> tuple[Consumer, list[str]]:
    """A client, and what it complains of."""
    try:
        from confluent_kafka import Consumer, KafkaException
    except ImportError as error:
        raise SmeltError(
            "reading Kafka needs a package that is not installed", "pip install 'smelt[kafka]'"
        ) from error
    heard: list[str] = []
    ours = {
        "bootstrap.servers": cluster.servers,
        "group.id": f"smelt-discover-{uuid.uuid4()}",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "error_cb": lambda error: heard.append(error.str()),
        "log_level": 0,
    }
    try:
        return Consumer({**cluster.options, **ours}), heard
    except (KafkaException, ValueError) as error:
        told = str(error.args[0].str()) if isinstance(error, KafkaException) else str(error)
        raise SmeltError(f"{cluster.name}: {mask(told)}", "correct the options of the connection") from error


def _partitions(cluster: Cluster, consumer: Consumer, heard: Sequence[str]) -> dict[str, list[int]]:
    """The partitions of each topic that isn't Kafka's own, by name."""
    from confluent_kafka import KafkaException

    try:
        found = consumer.list_topics(timeout=_PATIENCE_SECONDS).topics
    except KafkaException as error:
        told = heard[0] if heard else error.args[0].str()
        raise SmeltError(
            f"{cluster.name} cannot be reached: {mask(told)}", "check the brokers and options"
        ) from error
    if cluster.topic is not None and cluster.topic not in found:
        raise SmeltError(f"{cluster.name}: there is no such topic", f"there are: {', '.join(sorted(found)[:20])}")
    names = [name for name in sorted(found) if not name.startswith("_")]
    return {name: sorted(found[name].partitions) for name in ([cluster.topic] if cluster.topic else names)}


def _sample(consumer: Consumer, topic: str, partitions: Sequence[int], rows: int) -> tuple[list[Message], int]:
    """The newest messages of a topic, of all partitions alike, and how many there are."""
    from confluent_kafka import KafkaError, TopicPartition

    total, places = 0, []
    for partition in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_PATIENCE_SECONDS)
        total += high - low
        if high > low:
            places.append(TopicPartition(topic, partition, max(low, high - -(-rows // len(partitions)))))
    messages: list[Message] = []
    open_ends = {place.partition for place in places}
    consumer.assign(places)
    until = time.monotonic() + _PATIENCE_SECONDS
    while open_ends and time.monotonic() < until and len(messages) < rows:
        for message in consumer.consume(rows, timeout=0.5):
            until = time.monotonic() + _PATIENCE_SECONDS
            error = message.error()
            if error is None:
                messages.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                open_ends.discard(message.partition())
    consumer.unassign()
    return messages[:rows], total


def _stream(topic: str, messages: Sequence[Message], total: int, *, is_compacted: bool) -> Stream | str:
    """The stream of a topic, or why there is none."""
    values = [(message.key(), value) for message in messages if (value := message.value()) is not None]
    if not values:
        return f"{topic} has no messages to look at"
    read = [(key, found) for key, value in values if (found := _object(value)) is not None]
    if len(read) * 2 < len(values):
        return f"{topic} holds no JSON objects"
    # Of other topics, several messages may have one key: an event is told by its place.
    key = _key(read) if is_compacted else ()
    notes = []
    if others := len(values) - len(read):
        notes.append(f"messages left out, as they are no JSON objects: {others:,}")
    if tombstones := len(messages) - len(values):
        notes.append(f"tombstones: {tombstones:,}")
    return Stream(topic, [found for _, found in read], total, declared_key=key, notes=tuple(notes))


def _object(value: bytes) -> dict[str, Any] | None:
    """A message's JSON object, plain or framed by a registry."""
    try:
        found = json.loads(value[_FRAME:] if value[:1] == b"\0" else value)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _key(read: Sequence[tuple[bytes | None, dict[str, Any]]]) -> tuple[str, ...]:
    """The field that every message's key repeats, as text or as an object of one field; none: ()."""
    names = [name for name, value in read[0][1].items() if isinstance(value, str | int)]
    for name in names:
        if all(key is not None and _says(key, name, found.get(name)) for key, found in read):
            return (name,)
    return ()


def _says(key: bytes, name: str, value: Any) -> bool:
    text = key.decode("utf-8", errors="replace")
    if text == str(value):
        return True
    try:
        told = json.loads(text)
    except ValueError:
        return False
    return told == {name: value} or told == value
