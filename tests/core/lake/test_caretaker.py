"""A process that goes on writing keeps its tables small meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

import numbers_table
from numbers_table import TABLE, append, current, open_lake

from plugins.core.warehouse.caretaking import Caretaker


def test_tables_stay_small_while_they_are_written_to(project: Path) -> None:
    lake = open_lake(project)
    told: list[str] = []
    caretaker = Caretaker(lake.settings, every=0.1, on_trouble=told.append)
    caretaker.start()
    loads = 0
    is_small = False
    given_up = time.monotonic() + 60
    while not is_small and time.monotonic() < given_up:
        append(lake, 1)
        # Who follows a source commits once a second; one that never pauses always comes first.
        time.sleep(0.1)
        loads += 1
        caretaker.wrote([TABLE.removeprefix("bronze.")])
        files = len(list((project / "lake" / "bronze" / "shop__numbers" / "data").iterdir()))
        is_small = files < loads and len(lake.table(TABLE).metadata.snapshots) < loads
    caretaker.close()
    assert told == []
    assert is_small
    assert numbers_table.rows(current(lake)) == [(n,) for n in range(loads)]
