"""Windows over event time: whatever arrives when, incremental runs end where a full refresh does."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from clicks import LOADED, START, Batch, Row, expected, history, judged

from plugins.core.project import Project

ROOT = Path(__file__).parents[2]
COLUMNS = {
    "tumbling": "half_hour, clicks, amount, _smelt_batch_id",
    "sliding": "visitor, window_start, clicks, amount, _smelt_batch_id",
    "sliding_of_parts": "window_start, clicks, amount, _smelt_batch_id",
    "visits": "visitor, session_number, session_start, session_end, clicks, amount, _smelt_batch_id",
    "late_clicks": "event_id, operation, reason, watermark_at_arrival, _smelt_batch_id, _smelt_source_position",
}
VERDICTS = {"on_time", "late", "too_late", "ahead", "repeated"}
Tables = dict[str, list[tuple]]


class Warehouse:
    """The project of this folder over a DuckDB file, into which rows can be put between builds."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(Path(__file__).with_name("project"), folder, dirs_exist_ok=True)
        shutil.copytree(ROOT / "macros" / "events", folder / "macros" / "events")
        shutil.copytree(ROOT / "macros" / "silver", folder / "macros" / "silver")
        self._file = folder / "warehouse.duckdb"
        self._project = Project(folder, "dev", environment={"SMELT_WAREHOUSE": str(self._file)})
        self.empty()

    def empty(self) -> None:
        """Forget everything."""
        self._file.unlink(missing_ok=True)
        with duckdb.connect(str(self._file)) as con:
            con.execute("create schema bronze")
            con.execute(
                "create table bronze.clicks (_smelt_batch_id varchar, _smelt_source_position varchar, "
                "_smelt_op varchar, click_id integer, visitor integer, clicked_at timestamp, amount integer, "
                "_smelt_loaded_at timestamptz)"
            )

    def build(self, batches: Sequence[Batch] = (), *, full_refresh: bool = False) -> Tables:
        """Land `batches` and build; the tables as they are then, sorted."""
        with duckdb.connect(str(self._file)) as con:
            for row in (row for batch in batches for row in batch):
                con.execute("insert into bronze.clicks values (?, ?, ?, ?, ?, ?, ?, ?)", (*astuple(row), LOADED))
        try:
            built = self._project.build(full_refresh=full_refresh)
        finally:
            self._project.release()
        assert [(node.name, node.message) for node in built.broken] == []
        with duckdb.connect(str(self._file)) as con:
            return {
                name: con.execute(f"select {columns} from {name} order by all").fetchall()
                for name, columns in COLUMNS.items()
            }


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("events"))


def _deliveries(batches: Sequence[Batch], chance: random.Random, most: int) -> list[Sequence[Batch]]:
    """The batches in their order, some builds with several of them and some with none."""
    cuts = sorted(chance.randint(0, len(batches)) for _ in range(most - 1))
    return [batches[one:other] for one, other in zip([0, *cuts], [*cuts, len(batches)], strict=True)]


def _same(built: Tables, wanted: dict[str, set[tuple]]) -> None:
    for name, rows in wanted.items():
        assert len(built[name]) == len(rows), name
        assert set(built[name]) == rows, name


def _holds_for(warehouse: Warehouse, seed: int, builds: int) -> None:
    batches = history(seed)
    warehouse.empty()
    landed: list[Batch] = []
    built: Tables = {}
    for some in _deliveries(batches, random.Random(seed), builds):
        landed += some
        built = warehouse.build(some)
        _same(built, expected(landed))
    assert warehouse.build(full_refresh=True) == built


def test_incremental_runs_end_where_a_full_refresh_does(warehouse: Warehouse) -> None:
    assert {verdict for _, verdict, _ in judged(history(7))} == VERDICTS
    _holds_for(warehouse, seed=7, builds=3)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 108))
def test_incremental_runs_end_where_a_full_refresh_does_for_many_histories(
    warehouse: Warehouse, seed: int
) -> None:
    _holds_for(warehouse, seed, builds=7)


def _at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def _sessions(built: Tables) -> list[tuple]:
    return [(visitor, start, end) for visitor, _, start, end, *_ in built["visits"]]


def test_a_late_event_bridges_two_sessions_and_a_deletion_parts_them_again(warehouse: Warehouse) -> None:
    warehouse.empty()
    first = [
        Row("b1", "1", "r", 1, 1, _at(0), 1),
        Row("b1", "2", "r", 2, 1, _at(40), 2),
        Row("b1", "3", "r", 3, 2, _at(40), 4),
    ]
    apart = [(1, _at(0), _at(0)), (1, _at(40), _at(40)), (2, _at(40), _at(40))]
    assert _sessions(warehouse.build([first])) == apart
    bridged = warehouse.build([[Row("b2", "1", "c", 4, 1, _at(20), 8)]])
    assert _sessions(bridged) == [(1, _at(0), _at(40)), (2, _at(40), _at(40))]
    assert warehouse.build() == bridged, "nothing new changes nothing"
    gone = warehouse.build([[Row("b3", "1", "d", 4), Row("b3", "2", "d", 3)]])
    assert _sessions(gone) == apart[:2], "a visitor without clicks has no session"
