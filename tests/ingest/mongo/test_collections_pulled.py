"""Collections that are pulled, in full and by a cursor; what doctor and watch say of those that are followed."""

from __future__ import annotations

import threading
import time

import pytest
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128

from ingest.health import examine
from plugins.core.settings import load_settings


@pytest.mark.full
def test_a_full_pull_compares(shop) -> None:
    shop.replica.name = None
    shop.connection["url"] = shop.connection["url"].replace("replicaSet=rs0&", "")
    shop.insert({"_id": 1, "v": 1, "w": 5}, {"_id": 2, "v": "two"}, {"_id": 3, "v": 3, "at": DatetimeMS(0)})
    shop.read(sync_mode="full", mongo={"columns": {"price": "decimal(8, 2)"}})
    assert shop.load().rows_loaded == 3
    assert shop.state('_id, v, w, epoch_ms("at")') == [
        ("1", "1", 5, None),
        ("2", "two", None, None),
        ("3", "3", None, 0),
    ]
    assert shop.load().outcome == "unchanged"
    shop.replica.delete("shop", "t", 1)
    shop.replica.update("shop", "t", 2, price=Decimal128("9.90"))
    result = shop.load()
    assert (result.rows_loaded, result.tombstones) == (1, 1)
    assert [(key, str(price)) for key, price in shop.state("_id, price")] == [("2", "9.90"), ("3", "None")]
    code, told = shop.command("doctor")
    assert (code, "1 collection" in told) == (0, True), told


@pytest.mark.full
def test_a_pull_by_a_cursor(shop) -> None:
    shop.insert(*({"_id": n, "at": DatetimeMS(n * 60_000)} for n in range(5)), {"_id": 9})
    shop.read(sync_mode="incremental", cursor={"column": "at", "lag": "PT1M"})
    assert shop.load().rows_loaded == 6
    shop.insert(
        {"_id": 5, "at": DatetimeMS(300_000)},
        {"_id": 6, "at": DatetimeMS(200_000)},
        {"_id": 7, "at": DatetimeMS(5)},
    )
    result = shop.load()
    assert (result.rows_read, result.rows_loaded) == (4, 2)
    assert shop.load(from_position="1970-01-01T00:00:00").rows_loaded == 1
    assert [key for (key,) in shop.state("_id")] == ["0", "1", "2", "3", "4", "5", "6", "7", "9"]


@pytest.mark.full
def test_doctor_says_how_it_stands(shop) -> None:
    shop.insert({"_id": 1})
    shop.read()

    def told() -> str:
        return next(one.found for one in examine(load_settings(shop.project)) if one.what.startswith("s "))

    assert "begins to follow" in told()
    shop.load()
    assert "bronze has everything" in told()
    shop.insert({"_id": 2})
    assert "bronze is behind" in told()
    shop.replica.forget()
    code, printed = shop.command("doctor")
    assert code == 1
    assert "no longer has the changes" in " ".join(printed.split())


def test_a_watch_brings_what_comes(shop) -> None:
    from ingest.watch.engine import following

    shop.insert({"_id": 1, "v": 1})
    shop.read()
    seen: list[int] = []
    is_there = threading.Event()

    def heard(results) -> None:
        seen.append(sum(result.rows_loaded for result in results))
        if sum(seen) >= 3:
            is_there.set()

    with following(load_settings(shop.project), [], every=0.1, poll=60.0, on_commit=heard) as engine:
        deadline = time.monotonic() + 30
        while engine.statuses()[0].state != "following" and time.monotonic() < deadline:
            time.sleep(0.05)
        shop.insert({"_id": 2, "v": 2})
        shop.replica.update("shop", "t", 1, v=10)
        assert is_there.wait(30), engine.statuses()
    assert shop.state("_id, v") == [("1", 10), ("2", 2)]
