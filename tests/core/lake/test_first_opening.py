"""A lake and a ledger that several processes open for the first time at once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

from plugins.core.lake import Lake
from plugins.core.ledger import Ledger
from plugins.core.settings import load_settings

PROCESSES = 6


def _open(project: Path, together: Any, outcomes: Any) -> None:
    settings = load_settings(project)
    together.wait()
    try:
        outcomes.put((Lake(settings).tables("bronze"), Ledger(settings).engine.dialect.name))
    except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
        outcomes.put(error)


def test_all_of_them_can_read_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["plugins.core.lake", "pyiceberg.catalog.sql", "plugins.core.ledger"])
    for number in range(4):
        project = tmp_path / str(number)
        project.mkdir()
        together, outcomes = context.Barrier(PROCESSES), context.Queue()
        processes = [context.Process(target=_open, args=(project, together, outcomes)) for _ in range(PROCESSES)]
        for process in processes:
            process.start()
        assert [outcomes.get(timeout=120) for _ in processes] == [([], "sqlite")] * PROCESSES
        for process in processes:
            process.join()
