"""The whole way, as a newcomer takes it: three live source systems to published gold, and once more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bench.bronze import copy_project
from plugins.core.settings import load_settings
from plugins.core.warehouse.reader import open_published

SMELT = str(Path(sys.executable).with_name("smelt"))


def _smelt(project: Path, *arguments: str, code: int = 0) -> str:
    environment = {**os.environ, "SMELT_PROJECT_DIR": str(project)}
    done = subprocess.run(
        [SMELT, *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    # Not below pytest's own folder, which is closed to the user that PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="smelt-test-"))
    copy_project(folder)
    _smelt(folder, "demo", "up")
    yield folder
    _smelt(folder, "demo", "down")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def first(project: Path) -> dict:
    return json.loads(_smelt(project, "run", "--json"))


def test_every_row_of_every_source_lands(first: dict) -> None:
    loaded = {f"{s['source']}.{s['stream']}": s["rows_loaded"] for s in first["streams"]}
    assert loaded["shop.order_lines"] + loaded["returns.lines"] == 541_909
    assert loaded["shop.orders"] == 22_064
    assert not any(stream["error"] for stream in first["streams"])


def test_gates_open_rows_balance_and_gold_is_published(first: dict) -> None:
    build = first["build"]
    assert build["outcome"] == "published"
    checks = [check["outcome"] for gate in build["gates"] for check in gate["checks"]]
    assert len(checks) > 150
    assert set(checks) <= {"passed", "warned"}
    assert [account["is_balanced"] for account in build["accounts"]] == [True] * 6
    assert build["quarantined_rows"] == 2_517


def test_readers_see_the_published_revenue(project: Path, first: dict) -> None:
    assert first["build"]["outcome"] == "published"
    with open_published(load_settings(project)) as con:
        daily = con.sql("select sum(revenue_gbp) from gold.agg_revenue_daily").fetchone()
        lines = con.sql("select sum(quantity * unit_price) from silver.order_lines").fetchone()
    assert daily is not None
    assert lines is not None
    assert round(daily[0], 2) == round(lines[0], 2)


@pytest.mark.full
def test_a_second_run_loads_nothing_twice(project: Path, first: dict) -> None:
    assert first["failed"] is False
    again = json.loads(_smelt(project, "run", "--json"))
    assert [stream["rows_loaded"] for stream in again["streams"]] == [0] * 6
    assert {stream["outcome"] for stream in again["streams"]} == {"unchanged"}
    assert not any(table["is_rewritten"] for table in again["build"]["published"]["tables"])


@pytest.mark.full
def test_live_orders_arrive_with_their_changes_and_cancellations(project: Path, first: dict) -> None:
    assert first["failed"] is False
    told = _smelt(project, "demo", "traffic", "--seconds", "6", "--rate", "30", "--seed", "4")
    assert "· 0 changed" not in told
    assert "· 0 cancelled" not in told
    run = json.loads(_smelt(project, "run", "--json"))
    assert all(account["is_balanced"] for account in run["build"]["accounts"])
    with psycopg.connect((project / ".smelt" / "demo" / "shop.dsn").read_text()) as connection:
        wanted = connection.execute(
            "select (select count(*) from shop.orders), count(*), sum(quantity) from shop.order_lines "
            "where unit_price > 0 and quantity > 0"
        ).fetchone()
    with open_published(load_settings(project)) as con:
        found = con.execute(
            "select (select count(*) from silver.orders), count(*), sum(quantity) from silver.order_lines"
        ).fetchone()
    assert found == wanted


@pytest.mark.full
def test_an_analyst_uses_plain_dbt(project: Path, first: dict) -> None:
    assert first["failed"] is False
    environment = {**os.environ, "SMELT_PROJECT_DIR": str(project)}
    dbt = str(Path(sys.executable).with_name("dbt"))
    command = [dbt, "build", "--quiet", "--target", "ci"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.full
def test_an_empty_lake_says_what_to_do(tmp_path: Path) -> None:
    copy_project(tmp_path)
    environment = {**os.environ, "SMELT_PROJECT_DIR": str(tmp_path)}
    dbt = str(Path(sys.executable).with_name("dbt"))
    done = subprocess.run(
        [dbt, "build"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "run `smelt ingest` first" in done.stdout
