"""The three source systems hold exactly what the data set says, start twice without harm, and recover."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest

from demo import SourceStatus, down, status, up
from demo.shop import DATA

RETAIL = f"select * from '{DATA}'"


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    # Not below pytest's own folder, which is closed to the user that PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="smelt-test-"))
    assert all(source.healthy for source in up(folder))
    yield folder
    down(folder)
    assert not any(source.healthy for source in status(folder) if source.name != "returns")
    shutil.rmtree(folder)


def _dsn(project: Path) -> str:
    return (project / ".smelt/demo/shop.dsn").read_text()


def _get(project: Path, query: str) -> dict:
    url = (project / ".smelt/demo/ecb.url").read_text()
    for _ in range(3):
        try:
            with urllib.request.urlopen(f"{url}/v1/rates?{query}") as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 429 or error.headers["Retry-After"] != "1":
                raise
    raise AssertionError("throttled three times in a row")


def test_every_invoice_line_is_in_the_shop_or_in_the_returns(project: Path) -> None:
    wanted = duckdb.sql(
        "select count(*), sum(Quantity), sum(Quantity * UnitPrice::decimal(12, 4)), count(CustomerID) "
        f"from ({RETAIL})"
    ).fetchone()
    with psycopg.connect(_dsn(project)) as shop:
        sold = shop.execute(
            "select count(*), sum(quantity), sum(quantity * unit_price), count(customer_id) "
            "from shop.order_lines join shop.orders using (order_id)"
        ).fetchone()
    returned = duckdb.sql(
        "select count(*), sum(quantity::bigint), sum(quantity::bigint * unit_price::decimal(12, 4)), "
        "count(customer_id) "
        f"from read_csv('{project}/.smelt/demo/drop/returns/*.csv', all_varchar = true)"
    ).fetchone()
    assert wanted is not None
    assert sold is not None
    assert returned is not None
    assert [a + b for a, b in zip(sold, returned, strict=True)] == list(wanted)
    assert returned[0] == 9_288


def test_a_second_start_changes_nothing(project: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (project / ".smelt/demo/drop/returns").iterdir()}
    first: list[SourceStatus] = status(project)
    assert up(project) == first
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_dsn_is_for_the_owner_only(project: Path) -> None:
    assert (project / ".smelt/demo/shop.dsn").stat().st_mode & 0o777 == 0o600


def test_the_api_pages_through_the_published_rates(project: Path) -> None:
    page = _get(project, "currency=GBP&start=2010-12-01&end=2010-12-07&per_page=3")
    assert page["rates"][0] == {"date": "2010-12-01", "currency": "GBP", "rate": 0.8393}
    assert [row["date"] for row in page["rates"]] == ["2010-12-01", "2010-12-02", "2010-12-03"]
    assert (page["pages"], page["next_page"]) == (2, 2)
    last = _get(project, "currency=GBP&start=2010-12-01&end=2010-12-07&per_page=3&page=2")
    assert [row["date"] for row in last["rates"]] == ["2010-12-06", "2010-12-07"]
    assert last["next_page"] is None


def test_the_api_throttles_now_and_then(project: Path) -> None:
    url = (project / ".smelt/demo/ecb.url").read_text()
    codes = []
    for _ in range(25):
        try:
            with urllib.request.urlopen(f"{url}/v1/rates?per_page=1") as answer:
                codes.append(answer.status)
        except urllib.error.HTTPError as error:
            codes.append(error.code)
    assert 429 in codes
    assert codes.count(200) >= 22


def test_a_killed_api_is_started_again(project: Path) -> None:
    os.kill(int((project / ".smelt/demo/ecb.pid").read_text()), signal.SIGKILL)
    assert all(source.healthy for source in up(project))


def test_the_api_of_another_project_at_our_address_is_not_taken_for_ours(project: Path) -> None:
    state = project / ".smelt/demo"
    os.kill(int((state / "ecb.pid").read_text()), signal.SIGKILL)
    theirs = state / "foreign.url"
    foreign = subprocess.Popen([sys.executable, "-m", "demo.rates_api", "0", str(theirs)])
    try:
        while not theirs.exists():
            assert foreign.poll() is None
            time.sleep(0.05)
        # As if it had taken the very port of the one that died; to race for that port would be a test of luck.
        (state / "ecb.url").write_text(theirs.read_text())
        assert all(source.healthy for source in up(project))
        assert (state / "ecb.url").read_text() != theirs.read_text()
    finally:
        foreign.kill()
        foreign.wait()


@pytest.mark.full
def test_a_fill_that_was_killed_is_done_again(project: Path) -> None:
    dsn = _dsn(project)
    with psycopg.connect(dsn, autocommit=True) as shop:
        shop.execute("drop schema shop cascade")
        filler = subprocess.Popen([sys.executable, "-c", f"from demo.shop import fill; fill({dsn!r})"])
        copying = "select count(*) from pg_stat_activity where query like 'copy shop.%order_lines%'"
        while not shop.execute(copying).fetchone()[0]:  # type: ignore[index]
            assert filler.poll() is None
        filler.send_signal(signal.SIGKILL)
        filler.wait()
        assert shop.execute("select to_regclass('shop.order_lines')").fetchone() == (None,)
        up(project)
        assert shop.execute("select count(*) from shop.order_lines").fetchone() == (532_621,)
