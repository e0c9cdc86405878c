"""`smelt watch`, as a person runs it: rows in what readers see, lost connections, killed processes, its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bench.followed_project import new_project, published
from plugins.core.lake import Lake
from plugins.core.settings import Settings
from tests.ingest.cdc.conftest import Captured

SMELT = str(Path(sys.executable).with_name("smelt"))
PATIENCE = 90.0


class Watch:
    """A running `smelt watch --json`."""

    def __init__(self, project: Path, *options: str) -> None:
        self.output = project / "watch.out"
        command = [SMELT, "watch", "--json", *options]
        environment = {**os.environ, "SMELT_PROJECT_DIR": str(project)}
        with self.output.open("w") as out:
            self.process = subprocess.Popen(command, cwd=project, env=environment, stdout=out, stderr=out)

    def moments(self) -> list[dict]:
        lines = self.output.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def session(self) -> psutil.Process:
        """The process that follows."""
        children = psutil.Process(self.process.pid).children()
        (found,) = [child for child in children if "plugins.watch.session" in " ".join(child.cmdline())]
        return found

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(what)


@pytest.fixture
def followed(shop: Captured) -> tuple[Captured, Settings]:
    shop.sql("create table orders (id int primary key, customer text, amount int)")
    shop.sql("insert into orders select n, 'a', n from generate_series(1, 100) as n")
    shop.declare(orders="[id]")
    settings = new_project(shop.project)
    shop.load()
    from plugins.build import build

    assert build(settings).published
    return shop, settings


def _orders(settings: Settings) -> list[tuple]:
    return published(settings, "select order_id, customer, amount from silver.orders order by 1")


def _source(shop: Captured) -> list[tuple]:
    return shop.rows("select id, customer, amount from orders where amount is not null order by 1")


@pytest.mark.full
def test_changes_are_in_what_readers_see_and_in_gold_with_the_next_build(followed) -> None:
    shop, settings = followed
    watch = Watch(shop.project, "--build-every", "1")
    try:
        shop.sql(
            "insert into orders values (500, 'live', 5)", "update orders set amount = 77 where id = 1",
            "delete from orders where id = 2", "insert into orders values (501, 'invalid', null)",
        )  # fmt: skip
        until(lambda: _orders(settings) == _source(shop), "entities follow")
        gold = "select orders from gold.agg_customers where customer = 'live'"
        until(lambda: published(settings, gold) == [(1,)], "models are built")
        until(lambda: (watch.moments() or [{}])[-1].get("build"), "the build is told of")
        moment = watch.moments()[-1]
        assert moment["sources"][0]["state"] == "following"
        assert moment["sources"][0]["events"] == 4
        assert moment["build"]["error"] is None
    finally:
        assert watch.end() == 0
    assert shop.load()["orders"].outcome == "unchanged"


@pytest.mark.full
def test_a_killed_process_and_a_cut_connection_lose_and_double_nothing(followed) -> None:
    shop, settings = followed
    watch = Watch(shop.project, "--no-build")
    written = 1000

    def write(count: int) -> None:
        nonlocal written
        for _ in range(count):
            shop.sql(f"insert into orders values ({written}, 'k', {written})")
            written += 1

    try:
        until(lambda: watch.moments(), "it follows")
        for n in range(4):
            write(10)
            if n % 2:
                shop.sql("select pg_terminate_backend(active_pid) from pg_replication_slots where active")
            else:
                watch.session().kill()
            write(10)
            until(lambda: _orders(settings) == _source(shop), f"round {n}")
    finally:
        assert watch.end() == 0
    events = [event for event in shop.events("id", "orders") if event[0] != "r"]
    assert events == [("c", key) for key in range(1000, written)]


@pytest.mark.full
def test_what_follows_ends_when_the_command_is_killed(followed) -> None:
    shop, settings = followed
    watch = Watch(shop.project, "--no-build")
    until(lambda: watch.moments(), "it follows")
    session = watch.session()
    watch.process.kill()
    watch.process.wait(PATIENCE)
    session.wait(PATIENCE)
    again = Watch(shop.project, "--no-build")
    try:
        shop.sql("insert into orders values (500, 'live', 5)")
        until(lambda: _orders(settings) == _source(shop), "another follows in its place")
    finally:
        assert again.end() == 0


@pytest.mark.full
def test_a_first_reading_shows_how_far_it_is_and_ends_when_asked(shop: Captured) -> None:
    shop.sql("create table orders (id int primary key, customer text, amount int)")
    shop.sql(
        "insert into orders select n, repeat(n::text, 10), n from generate_series(1, 400000) as n",
        "analyze orders",
    )
    shop.declare(orders="[id]")
    path = shop.project / "sources" / "shop" / "source.yml"
    path.write_text(path.read_text().replace("cdc: {", "cdc: {chunk: 1MiB, "))
    settings = new_project(shop.project)

    def reading() -> list[tuple[int, int]]:
        return [(m["sources"][0]["rows_read"], m["sources"][0]["rows_expected"]) for m in watch.moments()]

    watch = Watch(shop.project, "--no-build")
    try:
        until(lambda: any(0 < rows < 400000 and expected == 400000 for rows, expected in reading()), "it is shown")
    finally:
        asked = time.monotonic()
        assert watch.end() == 0
    assert time.monotonic() - asked < PATIENCE / 3
    assert Lake(settings).table("bronze.shop__orders").current_snapshot() is not None
    shop.load()
    assert shop.bronze("select count(*), count(distinct id) from bronze", "orders") == [(400000, 400000)]


@pytest.mark.full
def test_a_source_that_cannot_be_reached_is_said_and_found_again(followed) -> None:
    shop, settings = followed
    dsn = (shop.project / "shop.dsn").read_text()
    (shop.project / "shop.dsn").write_text("postgresql://nobody:secret-canary@127.0.0.1:1/none")
    watch = Watch(shop.project, "--no-build")
    try:
        until(lambda: any(m["sources"][0]["error"] for m in watch.moments()), "it is said")
        # The connection is mended, or its password rotated, while the watch runs.
        (shop.project / "shop.dsn").write_text(dsn)
        shop.sql("insert into orders values (700, 'found', 1)")
        until(lambda: _orders(settings) == _source(shop), "it is found")
    finally:
        assert watch.end() == 0
    assert "secret-canary" not in watch.output.read_text()


@pytest.mark.full
def test_what_is_wrong_from_the_start_ends_it_with_a_message(shop: Captured) -> None:
    shop.declare(orders="[id]")
    new_project(shop.project)
    watch = Watch(shop.project, "nowhere")
    assert watch.process.wait(PATIENCE) == 1
    told = watch.output.read_text()
    assert "there is no source or stream 'nowhere'" in told
    assert "Traceback" not in told
