"""`smelt maintain`, with runs that are published, streams that are held, and builds that are running."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numbers_table
import pyarrow as pa
import pytest
from numbers_table import TABLE, append, current, loose_files, open_lake
from typer.testing import CliRunner

from plugins.cli import _assemble
from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.lake import Lake, Pin, pin_namespace
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.saved_pins import registered
from plugins.core.ledger import Hold, Ledger, hold, new_id, open_run, release
from plugins.core.warehouse.lock import queue_for
from plugins.core.warehouse.maintaining import maintain_bronze, maintain_on_the_way
from plugins.core.warehouse.pinned import all_pins
from plugins.core.warehouse.published import PublishedRun, PublishedTable, point_to, read_run, run_path, write_run

NAME = TABLE.removeprefix("bronze.")


@pytest.fixture
def lake(project: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("SMELT_PROJECT_DIR", str(project))
    return open_lake(project, snapshots=2, published_runs=2)


def _smelt(*arguments: str) -> dict:
    done = CliRunner().invoke(_assemble(), ["maintain", "--json", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


def _publish(lake: Lake) -> PublishedRun:
    """A run whose one silver table holds what bronze has now."""
    pin = current(lake)
    table = lake.create("silver.numbers", pa.schema([("n", pa.int64())]))
    run_id = new_id()
    content = pa.table({"n": [n for (n,) in numbers_table.rows(pin)]})
    if table.current_snapshot():
        table.overwrite(content)
    else:
        table.append(content)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    silver = PublishedTable("silver.numbers", table.metadata_location, snapshot.snapshot_id, len(content), 1, True)
    run = PublishedRun(run_id, datetime.now(UTC), "dev", (silver,), (pin,))
    write_run(lake.settings, run)
    point_to(lake.settings, run.id)
    return run


def _published_rows(path: Path) -> int:
    with duck.connect(path, read_only=True) as con:
        return con.execute("select count(*) from silver.numbers").fetchall()[0][0]


def test_runs_that_can_be_rolled_back_to_stay_whole(lake: Lake) -> None:
    runs = []
    for _ in range(4):
        append(lake, 2)
        runs.append(_publish(lake))
        for _ in range(3):
            append(lake, 2)
    told = _smelt("--dry-run")
    assert all(run_path(lake.settings, run.id).is_file() for run in runs)
    done = _smelt()
    # All runs are of one day: the newest two stay.
    assert told["removed_runs"] == done["removed_runs"] == [run.id for run in runs[:2]]
    for n, run in enumerate(runs):
        path = run_path(lake.settings, run.id)
        assert path.is_file() == (n >= 2)
        if path.is_file():
            assert _published_rows(path) == 2 + 8 * n
            assert len(numbers_table.rows(read_run(path).pins[0])) == 2 + 8 * n
    (as_of,) = pin_namespace(lake, "bronze", runs[2].at)
    assert as_of.snapshot_id == runs[2].pins[0].snapshot_id
    point_to(lake.settings, runs[2].id)
    _smelt()
    assert loose_files(lake, all_pins(lake.settings)) == []
    assert loose_files(lake, all_pins(lake.settings), "silver.numbers") == []
    assert len(lake.table(TABLE).metadata.snapshots) == 2 + 2
    assert [n for (n,) in numbers_table.rows(current(lake))] == list(range(32))


def test_what_a_build_reads_and_what_is_held_stays(lake: Lake) -> None:
    append(lake, 1)
    held = current(lake)
    append(lake, 1)
    built = current(lake)
    with registered(lake.settings, [built]), open_run(Ledger(lake.settings), "test") as run:
        stream = Hold("shop", "numbers", held, True, None, "x")
        hold(run, stream)
        for _ in range(6):
            append(lake, 1)
        _smelt()
        assert [len(numbers_table.rows(pin)) for pin in (held, built)] == [1, 2]
        release(run, stream, reason="by hand")
    done = _smelt("shop.numbers")
    (table,) = done["tables"]
    assert (table["table"], table["pinned"]) == (TABLE, 0)
    assert loose_files(lake, []) == []


def test_nothing_goes_while_what_is_pinned_is_unknown(lake: Lake) -> None:
    for _ in range(6):
        append(lake, 1)
    files = set(Path(data_folder(lake.table(TABLE))).iterdir())
    runs = lake.settings.published_dir / "runs"
    runs.mkdir(parents=True)
    (runs / f"{new_id()}.duckdb").write_bytes(b"damaged" * 1000)
    with pytest.raises(SmeltError, match="cannot be read"):
        maintain_bronze(lake, [NAME], thorough=True)
    trouble = maintain_on_the_way(lake.settings, [NAME])
    assert "cannot be read" in (trouble or "")
    assert files <= set(Path(data_folder(lake.table(TABLE))).iterdir())


def test_an_unknown_table_is_one_clear_message(lake: Lake) -> None:
    with pytest.raises(SmeltError, match="nothing of 'nope'") as caught:
        CliRunner().invoke(_assemble(), ["maintain", "nope"], catch_exceptions=False)
    assert "shop.numbers" in (caught.value.hint or "")


def test_foreign_tags_are_left_alone(lake: Lake) -> None:
    append(lake, 1)
    pin = current(lake)
    lake.table(TABLE).manage_snapshots().create_tag(pin.snapshot_id or 0, "audit-2026").commit()
    for _ in range(8):
        append(lake, 1)
    _smelt()
    refs = lake.table(TABLE).metadata.refs
    assert refs["audit-2026"].snapshot_id == pin.snapshot_id
    kept = Pin("bronze", NAME, lake.table(TABLE).metadata_location, pin.snapshot_id)
    assert numbers_table.rows(kept) == [(0,)]


def test_a_build_that_publishes_is_not_disturbed(lake: Lake) -> None:
    append(lake, 1)
    _publish(lake)
    with queue_for(lake.settings.published_dir / "catalog"):
        assert [table["table"] for table in _smelt()["tables"]] == [TABLE]
    assert [table["table"] for table in _smelt()["tables"]] == [TABLE, "silver.numbers"]


def test_a_disk_that_refuses_is_one_clear_message(lake: Lake) -> None:
    for _ in range(6):
        append(lake, 1)
    before = numbers_table.rows(current(lake))
    (lake.settings.local_root / ".maintenance").write_text("in the way")
    with pytest.raises(SmeltError, match="could not be maintained") as caught:
        maintain_bronze(lake, [NAME], thorough=True)
    assert "nothing was lost" in (caught.value.hint or "")
    assert numbers_table.rows(current(lake)) == before
