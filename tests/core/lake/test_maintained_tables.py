"""Whatever is appended, pinned, compacted, expired and swept, in any order: readers get the rows as they were."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from pathlib import Path

import numbers_table
import pyarrow as pa
import pytest
import time_machine
from numbers_table import TABLE, append, current, loose_files, open_lake

from plugins.core.errors import SmeltError
from plugins.core.lake import Pin, ensure_columns, pin_namespace, read_state
from plugins.core.lake.maintenance import maintain_table


def _rows(pin: Pin) -> list[tuple]:
    return numbers_table.rows(pin, "n, _smelt_batch_id, _smelt_source_position")


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_of_loads_pins_and_maintenance(project: Path, seed: int) -> None:
    chance = random.Random(seed)
    lake = open_lake(project)
    pins: dict[Pin, list[tuple]] = {}
    total = 0
    for _ in range(50):
        match chance.choice(["append", "append", "append", "maintain", "thorough", "pin", "unpin"]):
            case "append":
                count = chance.choice([1, 5, 2000])
                append(lake, count)
                total += count
            case "maintain":
                maintain_table(lake, TABLE, lambda: list(pins))
            case "thorough":
                maintain_table(lake, TABLE, lambda: list(pins), thorough=True)
            case "pin":
                pin = current(lake)
                pins[pin] = _rows(pin)
            case "unpin" if pins:
                pins.pop(chance.choice(list(pins)))
    maintain_table(lake, TABLE, lambda: list(pins), thorough=True)
    assert [n for n, *_ in _rows(current(lake))] == list(range(total))
    assert all(_rows(pin) == read for pin, read in pins.items())
    assert loose_files(lake, list(pins)) == []
    tagged = {ref.snapshot_id for name, ref in lake.table(TABLE).metadata.refs.items() if name != "main"}
    assert tagged <= {pin.snapshot_id for pin in pins}
    assert len(lake.table(TABLE).metadata.snapshots) <= 5 + len({pin.snapshot_id for pin in pins})


@pytest.mark.parametrize("loads", [40, pytest.param(300, marks=pytest.mark.full)])
def test_many_small_loads_leave_few_files_and_snapshots(project: Path, loads: int) -> None:
    lake = open_lake(project)
    for n in range(loads):
        append(lake, 3)
        if n % 5 == 0:
            maintain_table(lake, TABLE, list)
    maintain_table(lake, TABLE, list, thorough=True)
    folder = project / "lake" / "bronze" / "shop__numbers"
    assert len(list((folder / "data").iterdir())) < 20
    assert len(list((folder / "metadata").iterdir())) < 50
    assert len(lake.table(TABLE).metadata.snapshots) == 5
    assert len(_rows(current(lake))) == 3 * loads
    assert read_state(lake.table(TABLE)).position == {"next": 3 * loads}


def test_nothing_to_do_commits_nothing(project: Path) -> None:
    lake = open_lake(project, small_files=2)
    append(lake, 1)
    before = lake.table(TABLE).metadata_location
    assert maintain_table(lake, TABLE, list, thorough=True).is_idle
    assert maintain_table(lake, TABLE, list).is_idle
    assert lake.table(TABLE).metadata_location == before


def test_a_dry_run_tells_and_changes_nothing(project: Path) -> None:
    lake = open_lake(project)
    for _ in range(12):
        append(lake, 1)
    files = sorted((project / "lake" / "bronze").rglob("*"))
    told = maintain_table(lake, TABLE, list, thorough=True, is_dry=True)
    assert (told.compacted, told.made, told.expired) == (12, 1, 7)
    assert sorted((project / "lake" / "bronze").rglob("*")) == files
    done = maintain_table(lake, TABLE, list, thorough=True)
    assert (done.compacted, done.made, done.expired) == (12, 1, 8)  # the compaction is a snapshot too


def test_columns_that_came_later_and_wider_types(project: Path) -> None:
    lake = open_lake(project)
    for _ in range(3):
        append(lake, 2)
    ensure_columns(lake, TABLE, pa.schema([("price", pa.float64()), ("tags", pa.list_(pa.string()))]))
    for _ in range(3):
        append(lake, 2)
    before = numbers_table.rows(current(lake), "*")
    assert maintain_table(lake, TABLE, list, thorough=True).compacted == 6
    assert numbers_table.rows(current(lake), "*") == before


def test_files_stay_for_their_readers_grace(project: Path) -> None:
    lake = open_lake(project, grace_minutes=60)
    append(lake, 5)
    unregistered = current(lake)
    for _ in range(20):
        append(lake, 5)
        maintain_table(lake, TABLE, list, thorough=True)
    done = maintain_table(lake, TABLE, list, thorough=True)
    assert done.deleted == 0
    assert done.waiting > 20
    assert unregistered.snapshot_id not in {one.snapshot_id for one in lake.table(TABLE).metadata.snapshots}
    assert [n for n, *_ in _rows(unregistered)] == [0, 1, 2, 3, 4]


def test_a_clock_that_was_put_back_keeps_no_file_from_going(project: Path) -> None:
    lake = open_lake(project, grace_minutes=30)
    for _ in range(20):
        append(lake, 1)
    with time_machine.travel(time.time() + 6 * 3600, tick=True):
        assert maintain_table(lake, TABLE, list, thorough=True).waiting > 0
    assert maintain_table(lake, TABLE, list).deleted == 0
    with time_machine.travel(time.time() + 3600, tick=True):
        assert maintain_table(lake, TABLE, list).deleted > 0


def test_a_time_that_is_not_kept_is_refused(project: Path) -> None:
    lake = open_lake(project)
    times = [datetime.now(UTC)]
    for _ in range(12):
        time.sleep(0.005)
        append(lake, 1)
        time.sleep(0.005)
        times.append(datetime.now(UTC))
    pinned = pin_namespace(lake, "bronze", times[3])
    maintain_table(lake, TABLE, lambda: pinned, thorough=True)

    def as_of(at: datetime) -> list[tuple]:
        (pin,) = pin_namespace(lake, "bronze", at)
        return numbers_table.rows(pin) if pin.snapshot_id else []

    assert as_of(times[0]) == []
    assert len(as_of(times[3])) == 3
    assert len(as_of(times[12])) == 12
    for gone in (1, 2, 4, 5):
        with pytest.raises(SmeltError, match="is not kept any more") as caught:
            as_of(times[gone])
        assert "whole hour" in (caught.value.hint or "")


def test_tables_of_one_log_are_pinned_at_one_place(project: Path) -> None:
    log, first, second = (f"bronze.shop__{name}" for name in ("cdc_transactions", "a", "b"))
    lake = open_lake(project, log)
    open_lake(project, first)
    open_lake(project, second)

    def pinned() -> dict[str, int]:
        return {pin.table: len(numbers_table.rows(pin)) for pin in pin_namespace(lake, "bronze")}

    for n in range(1, 11):
        epoch = f"{n:016X}"
        for table in (first, second):
            append(lake, 1, table, epoch)
            if n % 3 == 0:
                maintain_table(lake, table, list, thorough=True)
        # Killed before the log's table was committed: what came last isn't whole yet.
        assert pinned() == {"shop__cdc_transactions": n - 1, "shop__a": n - 1, "shop__b": n - 1}
        append(lake, 1, log, epoch)
        if n % 4 == 0:
            maintain_table(lake, log, list, thorough=True)
        assert pinned() == {"shop__cdc_transactions": n, "shop__a": n, "shop__b": n}
