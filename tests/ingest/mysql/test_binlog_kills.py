"""Killed anywhere and run again: bronze holds the database's history, each event once and in order."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.ingest.mysql.history import History, assert_history
from tests.ingest.worker import start

pytestmark = pytest.mark.full

FIRST = [
    "after-snapshot", "after-catch-up", "after-parquet", "in-transaction:2", "after-commit:2",
]  # fmt: skip
LOG = [
    "after-piece:2", "before-commit", "in-transaction", "after-commit", "after-stream-commit",
    "after-stream-commit:2", "in-transaction:3", "after-commit:3",
]  # fmt: skip


@pytest.fixture
def history(shop) -> Iterator[History]:
    made = History(shop, seed=7)
    yield made
    made.close()


def _kill_at(shop, failpoint: str) -> None:
    process = start(shop.project, failpoint)
    process.join()
    assert process.exitcode == -signal.SIGKILL, failpoint
    assert (shop.project / "hit").read_text() == failpoint.partition(":")[0]


def test_a_first_capture_killed_at_each_step(shop, history: History) -> None:
    for failpoint in FIRST:
        history.write(5)
        _kill_at(shop, failpoint)
    history.write(5)
    shop.load()
    history.write(20)
    shop.load()
    for table, events in history.events.items():
        assert shop.state("id, v", table=table) == shop.rows(f"select id, v from {table} order by id")
        places = "count(*), count(distinct (_smelt_batch_id, _smelt_source_position))"
        ((rows, distinct),) = shop.bronze(f"select {places} from bronze", table)
        assert rows == distinct
        # What came between the kill and the second run is in the snapshot or in the log, never in both.
        later = [event for event in shop.events("id, v", table) if event[0] != "r"]
        assert later == events[len(events) - len(later) :]


def test_reading_the_log_killed_at_each_step(shop, history: History) -> None:
    shop.load()
    for failpoint in LOG:
        history.write(20)
        _kill_at(shop, failpoint)
    history.write(10)
    shop.load()
    assert_history(shop, history)


def test_a_reset_that_is_killed_loses_nothing(shop, history: History) -> None:
    history.write(10)
    shop.load()
    for failpoint in ("after-snapshot", "after-catch-up"):
        history.write(10)
        # A reset is asked for once; the run after it was killed must go on with it.
        _kill_reset(shop, failpoint)
        history.write(10)
    shop.load()
    for table in history.events:
        assert shop.state("id, v", table=table) == shop.rows(f"select id, v from {table} order by id")


def _kill_reset(shop, failpoint: str) -> None:
    from tests.ingest.worker import run

    process = run(_reset, str(shop.project), failpoint=failpoint, hit=shop.project / "hit")
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _reset(project: str) -> None:
    from pathlib import Path

    import ingest
    from plugins.core.settings import load_settings

    ingest.run(load_settings(Path(project)), reset=["shop.t"])


def test_readers_see_no_transaction_in_one_table_and_not_in_the_other(shop, history: History) -> None:
    shop.load()
    history.write(10)
    shop.load()
    before = {table: shop.events("id, v", table) for table in ("t", "u")}
    history.write(30)
    _kill_at(shop, "after-stream-commit")
    assert {table: shop.events("id, v", table) for table in ("t", "u")} == before
    shop.load()
    assert_history(shop, history)


def test_killed_at_random_while_the_database_is_written_to(shop, history: History) -> None:
    shop.load()
    is_ended = threading.Event()

    def write() -> None:
        while not is_ended.is_set():
            history.write(20)
            time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    killed = 0
    chance = random.Random(3)
    try:
        for _ in range(6):
            process = start(shop.project, repeat=50)
            time.sleep(chance.uniform(0.3, 2.0))
            process.kill()
            process.join()
            killed += process.exitcode == -signal.SIGKILL
    finally:
        is_ended.set()
        writer.join()
    shop.load()
    assert killed == 6
    assert_history(shop, history)


def test_two_processes_that_capture_one_source_double_nothing(shop, history: History) -> None:
    shop.load()
    for _ in range(3):
        history.write(40)
        both = [start(shop.project), start(shop.project)]
        for process in both:
            process.join()
    shop.load()
    assert_history(shop, history)
