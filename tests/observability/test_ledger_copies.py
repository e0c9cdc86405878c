"""Copying the ledger into the warehouse takes nothing from those who write it."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
from sqlalchemy import func, select

from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import load_settings
from plugins.core.warehouse.ledger_tables import lay_ledger_tables


def test_no_row_is_lost_while_the_ledger_is_copied(project: Path) -> None:
    settings = load_settings(project)
    ledger = Ledger(settings)
    written = [0, 0, 0]

    def write(worker: int) -> None:
        for _ in range(150):
            ledger.append("run_events", [{"kind": "build", "event": "start"}])
            written[worker] += 1

    threads = [threading.Thread(target=write, args=[worker]) for worker in range(3)]
    for thread in threads:
        thread.start()
    copied = []
    while any(thread.is_alive() for thread in threads):
        with duckdb.connect() as con:
            lay_ledger_tables(con, settings)
            copied += con.execute("select count(*) from ledger.run_events").fetchall()[0]
    for thread in threads:
        thread.join()
    assert written == [150, 150, 150]
    assert ledger.read(select(func.count()).select_from(TABLES["run_events"]))[0]["count_1"] == 450
    assert copied == sorted(copied)
