"""A cluster, and a project whose source `s` reads a topic of it as the stream `t`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

from plugins.core.lake import Lake
from plugins.core.ledger import new_id
from plugins.core.settings import load_settings
from tests.conftest import server_folder
from tests.ingest.kafka.broker import Broker
from tests.ingest.kafka.cluster import Registry, Topics
from tests.ingest.landed import Landed


class Streamed(Landed):
    """A project that reads one topic, which is named anew for each test."""

    topic: str = ""

    def __init__(self, project: Path, topics: Topics) -> None:
        super().__init__(project, "kafka", {"type": "kafka", "url": topics.servers})
        self.topics = topics
        self.topic = f"t{new_id().lower()}"

    def read(self, key: list[str] | None = None, **spec: Any) -> None:
        """Declare the stream; `spec`: what it says of the topic."""
        policy = spec.pop("schema_policy", "evolve")
        self.declare(kafka={"topic": self.topic, **spec}, primary_key=key or [], schema_policy=policy)

    def put(self, *values: Any, **more: Any) -> None:
        self.topics.put(self.topic, *values, **more)

    def rows(self, columns: str) -> list[tuple]:
        """`columns` of all rows, by partition and offset."""
        return self.bronze(f"select {columns} from bronze order by _smelt_source_position")

    def places(self) -> list[tuple[int, int]]:
        """Partition and offset of all rows, in the order in which silver takes them."""
        return self.bronze(
            "select _smelt_partition, _smelt_offset from bronze "
            "order by _smelt_partition, _smelt_batch_id, _smelt_source_position"
        )

    def position(self) -> dict[str, Any]:
        table = Lake(load_settings(self.project)).table("bronze.s__t")
        return json.loads(table.properties["smelt.position"])


@pytest.fixture(scope="session")
def mock_servers() -> Iterator[str]:
    """librdkafka's own mock of a cluster: topics of four partitions that are made when they are written to."""
    owner = confluent_kafka.Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = owner.list_topics(timeout=10).brokers.values()
    yield f"{broker.host}:{broker.port}"
    del owner


@pytest.fixture
def mocked(project: Path, mock_servers: str) -> Streamed:
    return Streamed(project, Topics(mock_servers))


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    with server_folder() as folder:
        made = Broker(folder)
        made.start()
        yield made
        made.kill()


@pytest.fixture
def stream(project: Path, broker: Broker) -> Streamed:
    """With a topic of one partition; a test may make another."""
    return Streamed(project, Topics(broker.servers))


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    made.close()
