"""A load of files that is killed anywhere and run again: every record is in bronze exactly once."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.ingest.worker import start

STEPS = ["after-extract", "after-parquet", "before-commit", "in-transaction", "after-commit", "before-acknowledge"]
ROWS = 2_000


def _put(drop, number: int) -> None:
    first = number * ROWS
    drop.put(f"{number:03d}.csv", "id,v\n" + "".join(f"{i},v{i}\n" for i in range(first, first + ROWS)))


def _assert_each_once(drop, files: int) -> None:
    rows = files * ROWS
    counts = "count(*), count(distinct id), count(*) filter (where v <> 'v' || id)"
    assert drop.bronze(f"select {counts} from bronze") == [(rows, rows, 0)]
    assert drop.load().rows_read == 0
    assert not list((drop.project / "lake" / ".staging").iterdir())


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_first", [True, False])
def test_killed_at_each_step(drop, step: str, is_first: bool) -> None:
    _put(drop, 0)
    if not is_first:
        drop.load()
        _put(drop, 1)
    process = start(drop.project, step)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (drop.project / "hit").read_text() == step
    drop.load()
    _assert_each_once(drop, 1 if is_first else 2)


def test_killed_at_random_times(drop) -> None:
    chance = random.Random(11)
    files = 10
    for number in range(files):
        _put(drop, number)
    for _ in range(6):
        process = start(drop.project)
        time.sleep(chance.uniform(0.05, 0.8))
        process.kill()
        process.join()
        _put(drop, files)
        files += 1
    drop.load()
    _assert_each_once(drop, files)


def test_dead_letters_of_a_killed_load_are_there_once(drop) -> None:
    drop.put("a.csv", "id,v\n1,a\n2\n")
    process = start(drop.project, "after-commit")
    process.join()
    assert (drop.project / "hit").read_text() == "after-commit"
    drop.load()
    assert [raw for _, raw in drop.letters()] == [b"2"]
    assert drop.bronze("select id from bronze") == [("1",)]
