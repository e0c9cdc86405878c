"""A load from an API that is killed anywhere and run again: every rate is in bronze exactly once."""

from __future__ import annotations

import random
import signal
import time

import pytest

from demo.rates_api import rates as published
from tests.ingest.worker import start

STEPS = ["after-extract", "after-parquet", "before-commit", "in-transaction", "after-commit", "before-acknowledge"]


def _assert_each_once(rates) -> None:
    expected = sorted((row["date"], row["currency"], row["rate"]) for row in published())
    assert rates.rates("select date, currency, rate from bronze order by all") == expected


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step(rates, step: str) -> None:
    process = start(rates.project, step)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (rates.project / "hit").read_text() == step
    rates.load()
    _assert_each_once(rates)


@pytest.mark.full
def test_killed_at_random_times(rates) -> None:
    chance = random.Random(5)
    for _ in range(5):
        process = start(rates.project)
        time.sleep(chance.uniform(0.1, 2.0))
        process.kill()
        process.join()
    rates.load()
    _assert_each_once(rates)
