"""Exactly once: whatever happens to a writer, a batch is in the table once or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from plugins.core import duck
from plugins.core.lake import (
    Batch,
    Lake,
    StaleBatch,
    commit_batch,
    ensure_columns,
    pin_namespace,
    read_state,
    scan_sql,
)
from plugins.core.lake.catalog import data_folder
from plugins.core.settings import load_settings

TABLE = "bronze.shared__numbers"
WRITER = Path(__file__).with_name("writer.py")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(load_settings(tmp_path))
    ensure_columns(lake, TABLE, pa.schema([("n", pa.int64()), ("writer", pa.string())]))
    return lake


def _rows(lake: Lake, select: str = "n") -> list[tuple]:
    (pin,) = pin_namespace(lake, "bronze")
    return duck.connect().execute(f"select {select} from {scan_sql(pin)}").fetchall()


def _file(lake: Lake, name: str, start: int, stop: int) -> str:
    path = f"{data_folder(lake.table(TABLE))}/{name}.parquet"
    duckdb.sql(f"copy (select i::bigint as n, 'me' as writer from range({start}, {stop}) as r(i)) to '{path}'")
    return path


def test_a_repeated_batch_is_recognised(lake: Lake) -> None:
    batch = Batch("b1", [_file(lake, "b1", 0, 10)], based_on=None, advance={"next": 10})
    assert not commit_batch(lake, TABLE, batch).repeated
    assert commit_batch(lake, TABLE, batch).repeated
    assert len(_rows(lake)) == 10


def test_a_batch_based_on_an_older_state_is_refused(lake: Lake) -> None:
    commit_batch(lake, TABLE, Batch("b1", [_file(lake, "b1", 0, 10)], None, advance={"next": 10}))
    late = Batch("b2", [_file(lake, "b2", 0, 10)], None, advance={"next": 10})
    with pytest.raises(StaleBatch):
        commit_batch(lake, TABLE, late)
    assert len(_rows(lake)) == 10


def test_positions_of_independent_partitions_advance_side_by_side(lake: Lake) -> None:
    first = Batch("p0", [_file(lake, "p0", 0, 5)], None, {"0": None}, {"0": 5}, any_predecessor=True)
    second = Batch("p1", [_file(lake, "p1", 5, 9)], None, {"1": None}, {"1": 4}, any_predecessor=True)
    commit_batch(lake, TABLE, first)
    commit_batch(lake, TABLE, second)
    assert read_state(lake.table(TABLE)).position == {"0": 5, "1": 4}
    with pytest.raises(StaleBatch):
        commit_batch(lake, TABLE, Batch("p0b", [], None, {"0": None}, {"0": 5}, any_predecessor=True))


def test_the_position_moves_without_rows(lake: Lake) -> None:
    commit_batch(lake, TABLE, Batch("b1", [], None, {}, {"next": 7}))
    state = read_state(lake.table(TABLE))
    assert (state.batch_id, state.position, state.snapshot_id) == ("b1", {"next": 7}, None)


@pytest.mark.parametrize("writers", [2, 4])
def test_concurrent_writers_lose_and_double_nothing(lake: Lake, tmp_path: Path, writers: int) -> None:
    batches, rows = 5, 100
    processes = [
        subprocess.Popen([sys.executable, str(WRITER), str(tmp_path), f"w{i}", str(batches), str(rows)])
        for i in range(writers)
    ]
    assert [process.wait(timeout=240) for process in processes] == [0] * writers
    landed = sorted(n for (n,) in _rows(lake))
    assert landed == list(range(writers * batches * rows))
    assert {writer for (writer,) in _rows(lake, "distinct writer")} == {f"w{i}" for i in range(writers)}


@pytest.mark.parametrize("failpoint", ["before-commit", "in-transaction", "after-commit"])
def test_killed_in_the_commit_and_run_again(lake: Lake, tmp_path: Path, failpoint: str) -> None:
    hit = tmp_path / "hit"
    command = [sys.executable, str(WRITER), str(tmp_path), "w", "3", "50"]
    environment = {**os.environ, "SMELT_FAILPOINT": f"{failpoint}:2", "SMELT_FAILPOINT_HIT": str(hit)}
    killed = subprocess.run(command, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert hit.read_text() == failpoint
    subprocess.run(command, check=True)
    landed = sorted(n for (n,) in _rows(lake))
    assert landed == list(range(len(landed)))
    assert len(landed) == {"before-commit": 200, "in-transaction": 200, "after-commit": 250}[failpoint]
