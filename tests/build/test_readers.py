"""Readers see one whole run, old or new, whatever happens to the builds; and nobody waits for a reader."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from builder import start_build
from shop import load_orders, load_shop, new_project

from plugins.build import build
from plugins.build.rollback import rollback, runs
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings
from plugins.core.warehouse.published import catalog_path, current_run
from plugins.core.warehouse.reader import open_published


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = new_project(tmp_path_factory.mktemp("project"))
    load_shop(settings)
    build(settings)
    return settings


class Reader(threading.Thread):
    """Opens what is published, over and over: (run, rows in silver, rows in gold, seconds it took)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self.settings, self.seen, self.stopped = settings, [], threading.Event()

    def run(self) -> None:
        """Read until told to stop; an exception ends the thread, and the test sees too few readings."""
        while not self.stopped.is_set():
            started = time.monotonic()
            with open_published(self.settings) as con:
                reading = con.execute(
                    "select (select run_id from smelt.run), (select count(*) from silver.orders), "
                    "(select sum(orders) from gold.agg_revenue_by_country)"
                ).fetchall()[0]
            self.seen.append((*reading, time.monotonic() - started))
            time.sleep(0.01)


@pytest.fixture
def reader(settings: Settings) -> Iterator[Reader]:
    reader = Reader(settings)
    reader.start()
    yield reader
    reader.stopped.set()
    reader.join()
    assert len(reader.seen) > 3
    assert all(silver == gold for _, silver, gold, _ in reader.seen)


def _more_orders(settings: Settings) -> None:
    with open_published(settings) as con:
        newest = con.execute("select max(order_id) from silver.orders").fetchall()[0][0]
    start = (int(newest) // 10 + 1 + random.randint(0, 5)) * 10
    load_orders(settings, start, start + 9)


def _rows(settings: Settings) -> tuple[str, int]:
    with open_published(settings) as con:
        return con.execute("select (select run_id from smelt.run), count(*) from silver.orders").fetchall()[0]


FAILPOINTS = (
    "after-silver",
    "after-gold",
    "publish-before-files",
    "publish-after-file",
    "publish-after-file:3",
    "publish-after-files",
    "publish-before-swap",
    "publish-after-swap",
)


def test_killed_at_every_failpoint_readers_see_one_whole_run(
    settings: Settings, reader: Reader, tmp_path: Path
) -> None:
    for index, failpoint in enumerate(FAILPOINTS):
        run_before, rows_before = _rows(settings)
        start = 1000 + 10 * index
        load_orders(settings, start, start + 9)
        hit = tmp_path / f"hit-{index}"
        process = start_build(settings.project_dir, failpoint, hit)
        process.join(120)
        assert process.exitcode == -signal.SIGKILL, failpoint
        assert hit.read_text() == failpoint.split(":")[0]
        run_after, rows_after = _rows(settings)
        if failpoint == "publish-after-swap":
            assert run_after != run_before
            assert rows_after == 90 + 9 * len(FAILPOINTS)
        else:
            assert (run_after, rows_after) == (run_before, rows_before), failpoint
    assert build(settings).outcome == "published"
    assert _rows(settings)[1] == 90 + 9 * len(FAILPOINTS)


def test_killed_at_random_times_readers_see_one_whole_run(settings: Settings, reader: Reader) -> None:
    chance = random.Random(7)
    for index in range(5):
        load_orders(settings, 2000 + 10 * index, 2009 + 10 * index)
        process = start_build(settings.project_dir)
        process.join(chance.uniform(0.3, 3))
        process.kill()
        process.join(60)
    assert build(settings).outcome == "published"
    current = current_run(settings)
    assert current is not None
    time.sleep(0.2)
    assert reader.seen[-1][0] == current.id


def test_a_reader_keeps_its_run_while_another_is_published(settings: Settings) -> None:
    with open_published(settings) as old:
        count = old.execute("select count(*) from silver.orders").fetchall()
        load_orders(settings, 3000, 3009)
        assert build(settings).outcome == "published"
        assert old.execute("select count(*) from silver.orders").fetchall() == count
        with open_published(settings) as new:
            assert new.execute("select count(*) from silver.orders").fetchall() == [(count[0][0] + 9,)]


def test_readers_and_builds_do_not_wait_for_each_other(settings: Settings, reader: Reader) -> None:
    load_orders(settings, 4000, 4009)
    process = start_build(settings.project_dir)
    process.join(120)
    assert process.exitcode == 0
    assert max(seconds for *_, seconds in reader.seen) < 2


def test_builds_at_once_queue_for_the_warehouse(settings: Settings) -> None:
    first, second = start_build(settings.project_dir), start_build(settings.project_dir)
    for process in (first, second):
        process.join(120)
    assert (first.exitcode, second.exitcode) == (0, 0)
    assert len(list(settings.project_dir.glob("waited-*"))) >= 1


def test_rollback_lets_readers_see_an_earlier_run_and_the_next_build_goes_on(settings: Settings) -> None:
    first = current_run(settings)
    assert first is not None
    load_orders(settings, 5000, 5009)
    second = build(settings)
    assert rollback(settings, first.id[-8:]).id == first.id
    assert _rows(settings)[0] == first.id
    assert rollback(settings, first.id).id == first.id
    assert rollback(settings, second.run_id).id == second.run_id
    assert [run.id for run in runs(settings)][-1] == second.run_id
    with pytest.raises(SmeltError, match="was never published"):
        rollback(settings, "01NOSUCHRUN")
    assert not list(settings.published_dir.glob(".catalog*"))


def test_a_reader_can_reach_nothing_but_the_lake(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with open_published(settings) as con:
        for statement in (
            f"select * from read_csv('{tmp_path}/secret.csv')",
            f"select * from read_csv('{settings.lake_root}/../smelt.toml')",
            f"attach '{tmp_path}/other.duckdb'",
            "install httpfs",
            "create table here (a int)",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(statement)


def test_nothing_published_and_a_damaged_catalog_are_clear_messages(tmp_path: Path) -> None:
    settings = new_project(tmp_path)
    with pytest.raises(SmeltError, match="nothing is published yet"):
        open_published(settings)
    load_shop(settings)
    first = build(settings)
    catalog = catalog_path(settings)
    catalog.unlink()
    catalog.write_bytes(b"not a database" * 100)
    for read in (open_published, current_run):
        with pytest.raises(SmeltError, match=r"catalog\.duckdb cannot be read"):
            read(settings)
    rollback(settings, first.run_id)
    assert _rows(settings)[0] == first.run_id
