"""Killed anywhere in maintenance, or at it beside writers and readers: no row is lost, doubled or unreadable."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numbers_table
import pytest
from numbers_table import TABLE, append, current, loose_files, open_lake

from plugins.core.lake import Lake, Pin
from plugins.core.lake.maintenance import maintain_table
from plugins.core.settings import load_settings

# A process in no time: forked from one that has imported everything and done nothing yet.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["numbers_table", "plugins.core.lake.maintenance"])

FAILPOINTS = [
    "compact-after-write",
    "compact-in-transaction",
    "expire-before-commit",
    "sweep-after-delete",
    *(
        pytest.param(name, marks=pytest.mark.full)
        for name in (
            "compact-before-write",
            "compact-after-commit",
            "expire-in-transaction",
            "expire-after-commit",
            "sweep-before-delete",
        )
    ),
]


def _run(work: Callable[..., None], *arguments: Any) -> Any:
    process = _processes.Process(target=work, args=arguments)
    process.start()
    return process


def _maintain(project: Path, pins: list[Pin], failpoint: str, hit: Path) -> None:
    os.environ.update(SMELT_FAILPOINT=failpoint, SMELT_FAILPOINT_HIT=str(hit))
    maintain_table(Lake(load_settings(project)), TABLE, lambda: pins, thorough=True)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_and_run_again(project: Path, failpoint: str) -> None:
    lake = open_lake(project)
    for _ in range(4):
        append(lake, 3)
    pins = [current(lake)]
    for _ in range(5):
        append(lake, 3)
    hit = project / "hit"
    killed = _run(_maintain, project, pins, failpoint, hit)
    killed.join(60)
    assert (killed.exitcode, hit.read_text()) == (-signal.SIGKILL, failpoint)
    append(lake, 3)
    assert numbers_table.rows(current(lake)) == [(n,) for n in range(30)]
    for _ in range(2):
        maintain_table(lake, TABLE, lambda: pins, thorough=True)
    assert numbers_table.rows(current(lake)) == [(n,) for n in range(30)]
    assert numbers_table.rows(pins[0]) == [(n,) for n in range(12)]
    assert loose_files(lake, pins) == []


def _append(project: Path, times: int) -> None:
    lake = Lake(load_settings(project))
    for _ in range(times):
        append(lake, 10)


def _keep_maintaining(project: Path) -> None:
    lake = Lake(load_settings(project))
    while True:
        maintain_table(lake, TABLE, list, thorough=True)


@pytest.mark.parametrize("times", [15, pytest.param(200, marks=pytest.mark.full)])
def test_beside_a_writer_and_a_reader(project: Path, times: int) -> None:
    lake = open_lake(project, grace_minutes=1)
    append(lake, 10)
    writer = _run(_append, project, times)
    caretakers = [_run(_keep_maintaining, project) for _ in range(2)]
    read = 0
    try:
        while writer.is_alive():
            landed = numbers_table.rows(current(lake))
            # Each reader sees whole loads, in order, and never fewer than the one before.
            assert landed == [(n,) for n in range(len(landed))]
            assert read <= len(landed)
            read = len(landed)
            assert read % 10 == 0
            for caretaker in caretakers:
                assert caretaker.is_alive()
    finally:
        for process in (writer, *caretakers):
            process.kill()
            process.join()
    assert writer.exitcode == 0
    assert numbers_table.rows(current(lake)) == [(n,) for n in range(10 * (times + 1))]
    done = maintain_table(lake, TABLE, list, thorough=True)
    assert not done.is_busy
    assert done.snapshots == 5
