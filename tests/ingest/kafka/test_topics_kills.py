"""Killed anywhere, joined by others, cut off: bronze holds the topic, each message once and in order."""

from __future__ import annotations

import hashlib
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Producer

from plugins.core.settings import load_settings
from tests.conftest import server_folder
from tests.ingest.kafka.broker import Broker
from tests.ingest.kafka.cluster import Topics
from tests.ingest.kafka.conftest import Streamed
from tests.ingest.worker import run, start

pytestmark = pytest.mark.full
PARTITIONS = 3


class History:
    """Writes messages, some of which can't be read, and remembers what the broker said it has."""

    def __init__(self, stream: Streamed, seed: int) -> None:
        self.stream = stream
        self.sent: dict[tuple[int, int], bytes] = {}
        self._random = random.Random(seed)
        self._next = 0
        options = {
            "bootstrap.servers": stream.topics.servers,
            "enable.idempotence": True,
            "log_level": 0,
            "linger.ms": 1,
        }
        self._producer = Producer(options)

    def write(self, count: int) -> None:
        for _ in range(count):
            self._next += 1
            key = self._random.randint(1, 50)
            value = b'{"id": %d, "n": %d}' % (key, self._next)
            if self._next % 97 == 0:
                value = b"poison %d" % self._next
            self._producer.produce(
                self.stream.topic,
                value,
                key=str(key),
                partition=key % PARTITIONS,
                on_delivery=self._delivered(value),
            )
            self._producer.poll(0)
        assert self._producer.flush(30) == 0

    def _delivered(self, value: bytes):
        def remember(error: KafkaError | None, message) -> None:
            assert error is None
            self.sent[message.partition(), message.offset()] = value

        return remember

    def require(self, tombstones: int = 0) -> None:
        """Counts, order in each partition, and content are those of the history."""
        told = {place: value for place, value in self.sent.items() if not value.startswith(b"poison")}
        assert self.stream.places() == sorted(told)
        found = self.stream.rows("""format('{{"id": {}, "n": {}}}', id, n)""")
        assert digest(text.encode() for (text,) in found) == digest(told[place] for place in sorted(told))
        letters = self.stream.bronze("select _smelt_source_position, raw from bronze", "s__dead_letters")
        poison = {place: value for place, value in self.sent.items() if place not in told}
        assert sorted(letters) == sorted((f"t/{self.stream.topic}/{p}/{o}", raw) for (p, o), raw in poison.items())


def digest(values: Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for value in values:
        found.update(value + b"\n")
    return found.hexdigest()


@pytest.fixture
def history(stream: Streamed) -> History:
    stream.topics.make(stream.topic, PARTITIONS)
    stream.read(["id"])
    return History(stream, seed=11)


def kill_at(stream: Streamed, failpoint: str) -> None:
    process = start(stream.project, failpoint)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (stream.project / "hit").read_text() == failpoint.partition(":")[0]


@pytest.mark.parametrize("failpoint", ["after-piece", "after-letters", "before-commit", "in-transaction",
                                       "after-commit", "after-stream-commit", "before-commit:2", "after-commit:2",
                                       "before-commit:3", "in-transaction:3", "after-commit:3"])  # fmt: skip
def test_killed_at_each_step(stream: Streamed, history: History, failpoint: str) -> None:
    history.write(400)
    kill_at(stream, failpoint)
    history.write(200)
    stream.load()
    history.require()


@pytest.mark.parametrize(
    "failpoint", ["after-piece", "before-replace", "before-commit", "in-transaction", "after-commit"]
)
def test_a_replay_killed_at_each_step(stream: Streamed, history: History, failpoint: str) -> None:
    history.write(300)
    stream.load()
    history.write(100)
    process = run(replay, str(stream.project), failpoint=failpoint, hit=stream.project / "hit")
    process.join()
    assert process.exitcode == -signal.SIGKILL
    stream.load()
    history.require()
    stream.load(reset=["s.t"])
    history.require()


def replay(project: str) -> None:
    import ingest

    ingest.run(load_settings(project), reset=["s.t"])  # type: ignore[arg-type]


def test_killed_at_random_while_a_producer_writes(stream: Streamed, history: History) -> None:
    chance = random.Random(5)
    is_over = threading.Event()

    def produce() -> None:
        while not is_over.is_set():
            history.write(50)

    producer = threading.Thread(target=produce)
    producer.start()
    kills = 0
    while kills < 25:
        process = start(stream.project, repeat=50)
        process.join(chance.uniform(0.2, 2.0))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
    is_over.set()
    producer.join()
    stream.load()
    history.require()


def follow(project: str, seconds: float, seed: int) -> None:
    """Follow the topic as `smelt watch` does, for a while."""
    from ingest import runner
    from ingest.connections import ConnectionPool
    from ingest.kafka.feed import open_feed
    from ingest.load import Job
    from ingest.spec import load_sources
    from plugins.core.lake import Lake
    from plugins.core.ledger import Ledger, open_run

    chance = random.Random(seed)
    settings = load_settings(Path(project))
    with open_run(Ledger(settings), "watch") as record:
        pool = ConnectionPool(settings)
        jobs = [
            Job(Lake(settings), record, pool, *pair) for pair in runner.select(load_sources(Path(project)), ())
        ]
        feed = open_feed(jobs)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            feed.take(chance.uniform(0.05, 0.3))
            feed.commit()
            feed.lag()
        feed.close()


def test_processes_that_share_a_topic_come_and_go(stream: Streamed, history: History) -> None:
    chance = random.Random(3)
    is_over = threading.Event()

    def produce() -> None:
        while not is_over.is_set():
            history.write(20)

    producer = threading.Thread(target=produce)
    producer.start()
    for round_ in range(6):
        members = [run(follow, str(stream.project), chance.uniform(2, 5), 10 * round_ + n) for n in range(2)]
        time.sleep(chance.uniform(1, 3))
        if round_ % 2:
            members[0].kill()
        for member in members:
            member.join()
            assert member.exitcode in (0, -signal.SIGKILL)
    is_over.set()
    producer.join()
    stream.load()
    history.require()


def test_two_ingests_at_once(stream: Streamed, history: History) -> None:
    for _ in range(5):
        history.write(300)
        both = [start(stream.project), start(stream.project)]
        for process in both:
            process.join()
            assert process.exitcode == 0
    history.require()


def test_a_broker_that_is_killed(project, tmp_path) -> None:
    with server_folder() as folder:
        broker = Broker(folder)
        broker.start()
        stream = Streamed(project, Topics(broker.servers))
        stream.topics.make(stream.topic, PARTITIONS)
        stream.read(["id"])
        history = History(stream, seed=2)
        history.write(500)
        member = run(follow, str(stream.project), 12.0, 1)
        time.sleep(2)
        broker.kill()
        broker.start()
        history.write(500)
        member.join()
        # It was told that the broker is gone, or it was back before that.
        assert member.exitcode in (0, 1)
        stream.load()
        history.require()
        broker.kill()
