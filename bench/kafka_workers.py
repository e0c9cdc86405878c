"""The contestants of the Kafka benchmark, each in a process.

usage: python -m bench.kafka_workers write|bare|tuned|smelt|part SERVERS TOPIC PROJECT EVENTS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

_PARTITIONS = 4


def write(servers: str, topic: str, _project: Path, events: int) -> None:
    """Orders as an application would send them: 8 fields, 213 bytes on average."""
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(topic, _PARTITIONS, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 50, "queue.buffering.max.messages": 500_000})
    for n in range(events):
        value = json.dumps(
            {
                "order_id": n, "customer_id": n % 50_000, "country": "GB", "amount": n % 90_000 / 100,
                "status": "shipped", "ordered_at": f"2026-05-01T12:{n % 60:02d}:00Z", "is_gift": n % 7 == 0,
                "lines": [{"sku": f"A-{n % 1000}", "quantity": n % 5 + 1}],
            }
        )  # fmt: skip
        while True:
            try:
                producer.produce(topic, value, key=str(n), partition=n % _PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
        if n % 10_000 == 0:
            producer.poll(0)
    producer.flush()


def bare(servers: str, topic: str, _project: Path, events: int, more: Mapping[str, object] | None = None) -> None:
    """The limit: messages, taken and dropped."""
    options = {"bootstrap.servers": servers, "group.id": "bench", "enable.auto.commit": False}
    consumer = Consumer({**options, **(more or {})})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(_PARTITIONS)])
    found = 0
    while found < events:
        found += len(consumer.consume(10_000, 1.0))


def tuned(servers: str, topic: str, project: Path, events: int) -> None:
    """The limit, with the settings that Smelt gives its client."""
    from ingest.kafka.client import speed

    bare(servers, topic, project, events, speed(_PARTITIONS))


def smelt(_servers: str, _topic: str, project: Path, events: int) -> None:
    """`smelt ingest`: parsed, typed, in Parquet, committed with its offsets."""
    from ingest.runner import run
    from plugins.core.settings import load_settings

    (result,) = run(load_settings(project))
    if result.error or result.rows_loaded != events:
        raise RuntimeError(f"{result.rows_loaded} of {events} events: {result.error}")


def part(servers: str, topic: str, project: Path, events: int) -> None:
    """`smelt ingest` of the last events of the topic, for its memory."""
    from ingest.runner import run
    from plugins.core.settings import load_settings

    consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench"})
    offsets = {}
    for partition in range(_PARTITIONS):
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition))
        offsets[str(partition)] = end - events // _PARTITIONS
    (result,) = run(load_settings(project), from_position=json.dumps({"offsets": offsets}))
    if result.error or result.rows_loaded != events:
        raise RuntimeError(f"{result.rows_loaded} of {events} events: {result.error}")


if __name__ == "__main__":
    import ingest.kafka
    import ingest.runner  # noqa: F401 - imports stay off the clock

    contestant = {"write": write, "bare": bare, "tuned": tuned, "smelt": smelt, "part": part}[sys.argv[1]]
    started = time.perf_counter()
    contestant(sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5]))
    print(json.dumps({"seconds": time.perf_counter() - started}))
