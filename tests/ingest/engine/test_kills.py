"""Killed anywhere and run again: every source row is in bronze exactly once."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.ingest.worker import start

FIRST_LOAD = ["after-extract", "after-parquet", "before-commit", "in-transaction", "after-commit"]
ACKNOWLEDGE = ["before-acknowledge", "after-acknowledge"]
INCREMENT = ["after-extract", "after-stage", "after-parquet", "before-commit", "in-transaction", "after-commit"]
ROWS = 20_000


def _fill(shop, start_at: int, stop: int) -> None:
    shop.sql(
        "insert into t select i, md5(i::text), timestamp '2020-01-01' + i * interval '1 second' "
        f"from generate_series({start_at}, {stop}) as g(i)"
    )


def _table(shop, rows: int = ROWS) -> None:
    shop.sql("create table t (id int primary key, v text, at timestamp)")
    _fill(shop, 1, rows)
    shop.stream("t", "primary_key: [id]", "sync_mode: incremental", "cursor: {column: at, lag: PT10S}")


def _assert_each_row_once(shop, rows: int) -> None:
    counts = "count(*), count(distinct id), min(id), max(id), count(*) filter (where v <> md5(id::varchar))"
    assert shop.bronze(f"select {counts} from bronze") == [(rows, rows, 1, rows, 0)]


def _files(project: Path) -> set[Path]:
    return set((project / "lake" / "bronze").rglob("*.parquet"))


def _kill_at(shop, failpoint: str) -> None:
    process = start(shop.project, failpoint)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (shop.project / "hit").read_text() == failpoint


@pytest.mark.parametrize("failpoint", FIRST_LOAD + ACKNOWLEDGE)
def test_a_first_load_killed_at_each_step(shop, failpoint: str) -> None:
    _table(shop)
    _kill_at(shop, failpoint)
    shop.load()
    _assert_each_row_once(shop, ROWS)
    assert len(_files(shop.project)) == 1, "the killed writer's file is gone"
    assert not list((shop.project / "lake" / ".staging").iterdir())


@pytest.mark.parametrize("failpoint", INCREMENT)
def test_an_increment_killed_at_each_step(shop, failpoint: str) -> None:
    _table(shop)
    shop.load()
    _fill(shop, ROWS + 1, ROWS + 500)
    _kill_at(shop, failpoint)
    shop.load()
    _assert_each_row_once(shop, ROWS + 500)
    assert len(_files(shop.project)) == 2


def test_dead_letters_of_a_killed_load_are_not_doubled(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.sql("insert into t values (1)")
    shop.stream("t", "primary_key: [id]", "schema_policy: freeze")
    shop.load()
    shop.sql("alter table t add column w text; insert into t values (2, 'new'), (3, null)")
    # The letters are committed first, the stream second.
    _kill_at(shop, "after-commit")
    shop.load()
    assert shop.bronze("select count(*) from bronze", "shop__dead_letters") == [(1,)]
    assert shop.bronze("select id from bronze order by id") == [(1,), (3,)]


def test_loads_killed_at_random_times(shop) -> None:
    chance = random.Random(7)
    rows = 60_000
    _table(shop, rows)
    for _ in range(6):
        process = start(shop.project)
        time.sleep(chance.uniform(0.05, 0.9))
        process.kill()
        process.join()
        rows += 1_000
        _fill(shop, rows - 999, rows)
    shop.load()
    _assert_each_row_once(shop, rows)


@pytest.mark.parametrize("writers", [2, 4])
def test_writers_of_one_stream_at_once(shop, writers: int) -> None:
    _table(shop)
    processes = [start(shop.project, repeat=2) for _ in range(writers)]
    for number in range(5):
        _fill(shop, ROWS + number * 100 + 1, ROWS + number * 100 + 100)
        time.sleep(0.1)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    shop.load()
    _assert_each_row_once(shop, ROWS + 500)
