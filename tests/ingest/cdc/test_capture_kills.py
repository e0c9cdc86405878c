"""Killed anywhere and run again: bronze holds the database's history, each event once and in order."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.ingest.worker import start

FIRST = ["after-slot", "after-extract", "after-parquet", "before-commit:2", "in-transaction:3", "after-commit:2"]
LOG = [
    "after-piece", "after-piece:2", "before-commit", "in-transaction", "after-commit", "after-stream-commit",
    "in-transaction:2", "after-stream-commit:2", "in-transaction:3", "after-commit:3", "before-confirm",
]  # fmt: skip


class History:
    """Writes transactions over two tables, and remembers each event."""

    def __init__(self, shop, seed: int) -> None:
        self.events: dict[str, list[tuple[str, int, int | None]]] = {"t": [], "u": []}
        self._random = random.Random(seed)
        self._live: dict[str, set[int]] = {"t": set(), "u": set()}
        self._next = 1
        shop.sql("create table t (id int primary key, v int)", "create table u (id int primary key, v int)")
        shop.declare(t="[id]", u="[id]")
        self._connection = psycopg.connect(shop.dsn, autocommit=True)
        self._connection.execute(f'set search_path to "{shop.schema}"')

    def write(self, transactions: int) -> None:
        for _ in range(transactions):
            with self._connection.transaction():
                for _ in range(self._random.randint(1, 5)):
                    self._change(self._random.choice("tu"))

    def close(self) -> None:
        self._connection.close()

    def _change(self, table: str) -> None:
        run, live, events = self._connection.execute, self._live[table], self.events[table]
        what = self._random.choice("ccuud") if live else "c"
        if what == "c":
            key, self._next = self._next, self._next + 1
            live.add(key)
            run(f"insert into {table} values ({key}, 0)")  # type: ignore[arg-type]
            events.append(("c", key, 0))
        elif what == "u":
            key, value = self._random.choice(sorted(live)), self._random.randint(1, 10**6)
            run(f"update {table} set v = {value} where id = {key}")  # type: ignore[arg-type]
            events.append(("u", key, value))
        else:
            key = self._random.choice(sorted(live))
            live.remove(key)
            run(f"delete from {table} where id = {key}")  # type: ignore[arg-type]
            events.append(("d", key, None))


@pytest.fixture
def history(shop) -> Iterator[History]:
    made = History(shop, seed=7)
    yield made
    made.close()


def _kill_at(shop, failpoint: str) -> None:
    process = start(shop.project, failpoint)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (shop.project / "hit").read_text() == failpoint.partition(":")[0]


def _assert_history(shop, history: History, skipped: int = 0) -> None:
    for table in ("t", "u"):
        found = [event for event in shop.events("id, v", table) if event[0] != "r"]
        assert found == history.events[table][skipped:]
        assert shop.state("id, v", table=table) == shop.rows(f"select id, v from {table} order by id")


@pytest.mark.parametrize("failpoint", FIRST)
def test_a_first_capture_killed_at_each_step(shop, history: History, failpoint: str) -> None:
    history.write(20)
    _kill_at(shop, failpoint)
    for events in history.events.values():
        events.clear()
    history.write(20)
    shop.load()
    history.write(20)
    shop.load()
    for table in ("t", "u"):
        assert shop.state("id, v", table=table) == shop.rows(f"select id, v from {table} order by id")
        places = "count(*), count(distinct (_smelt_batch_id, _smelt_source_position))"
        ((rows, distinct),) = shop.bronze(f"select {places} from bronze", table)
        assert rows == distinct
        # What came between the kill and the second run is in the snapshot or in the log, never in both.
        later = [event for event in shop.events("id, v", table) if event[0] != "r"]
        assert later == history.events[table][len(history.events[table]) - len(later) :]


@pytest.mark.parametrize("failpoint", LOG)
def test_reading_the_log_killed_at_each_step(shop, history: History, failpoint: str) -> None:
    shop.load()
    history.write(50)
    _kill_at(shop, failpoint)
    history.write(10)
    shop.load()
    _assert_history(shop, history)


def test_readers_see_no_transaction_in_one_table_and_not_in_the_other(shop, history: History) -> None:
    shop.load()
    history.write(10)
    shop.load()
    before = {table: shop.events("id, v", table) for table in ("t", "u")}
    history.write(30)
    _kill_at(shop, "after-stream-commit")
    assert {table: shop.events("id, v", table) for table in ("t", "u")} == before
    shop.load()
    _assert_history(shop, history)


@pytest.mark.full
def test_killed_at_random_while_the_database_is_written_to(shop, history: History) -> None:
    shop.load()
    is_ended = threading.Event()

    def write() -> None:
        while not is_ended.is_set():
            history.write(20)

    writer = threading.Thread(target=write)
    writer.start()
    killed = 0
    chance = random.Random(3)
    try:
        for _ in range(25):
            process = start(shop.project, repeat=50)
            time.sleep(chance.uniform(0.3, 2.0))
            process.kill()
            process.join()
            killed += process.exitcode == -signal.SIGKILL
    finally:
        is_ended.set()
        writer.join()
    shop.load()
    assert killed == 25
    _assert_history(shop, history)
