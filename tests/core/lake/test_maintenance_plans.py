"""What is planned, on values alone: any history, any pins, any clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.core.lake.gaps import BEFORE_ALL, Gap
from plugins.core.lake.maintenance.compacting import DataFile, plan_compaction
from plugins.core.lake.maintenance.expiring import Moment, plan_expiry
from plugins.core.lake.maintenance.policy import Policy
from plugins.core.lake.maintenance.sweeping import Found, Mark, plan_sweep
from plugins.core.lake.writing import file_stem
from plugins.core.ledger import new_id
from plugins.core.settings.lake import MaintenanceSettings, RetentionSettings
from plugins.core.warehouse.pruning import plan_pruning

HOUR, DAY = 3600_000, 24 * 3600_000
POLICY = Policy(snapshots=4, days=3, merge=4, target=1_000_000, grace=60_000)

waits = st.lists(st.sampled_from([0, 1, 900, 30_000, 20 * 60_000, 5 * HOUR, 30 * HOUR]), min_size=1, max_size=40)


def _state_at(history: list[Moment], at: int) -> Moment | None:
    return next((moment for moment in reversed(history) if moment.at <= at), None)


@settings(max_examples=200, deadline=None)
@given(waits, st.data())
def test_a_time_is_answered_rightly_or_not_at_all(between: list[int], data: st.DataObject) -> None:
    whole: list[Moment] = []
    kept: list[Moment] = []
    gaps: dict[int, Gap] = {}
    pinned: set[int] = set()
    now = 20_000 * DAY
    for n, wait in enumerate(between, start=1):
        now += wait
        moment = Moment(n, now, f"{n:04}")
        whole.append(moment)
        kept.append(moment)
        if data.draw(st.booleans()):
            pinned.add(data.draw(st.sampled_from(kept)).id)
        if data.draw(st.booleans()):
            expiry = plan_expiry(kept, pinned, None, gaps, POLICY, now)
            kept = [one for one in kept if one.id not in expiry.expired]
            gaps = dict(expiry.gaps)
            assert kept[-1] == moment
            assert pinned <= {one.id for one in kept}
    for at in {moment.at + shift for moment in whole for shift in (-1, 0, 1)}:
        found, true = _state_at(kept, at), _state_at(whole, at)
        gap = gaps.get(found.id if found else BEFORE_ALL)
        assert found == true or (gap is not None and gap.hides(at, None))


@settings(deadline=None)
@given(waits)
def test_whole_hours_of_a_day_and_midnights_stay(between: list[int]) -> None:
    now = 20_000 * DAY
    history = []
    for n, wait in enumerate(between, start=1):
        now += wait
        history.append(Moment(n, now))
    expiry = plan_expiry(history, (), None, {}, POLICY, now)
    kept = [moment for moment in history if moment.id not in expiry.expired]
    hours = range(now // HOUR * HOUR, now - DAY, -HOUR)
    midnights = range(now // DAY * DAY, now - POLICY.days * DAY, -DAY)
    # What is committed at the very millisecond is of the hour that begins.
    assert all(_state_at(kept, at - 1) == _state_at(history, at - 1) for at in [*hours, *midnights])


@settings(deadline=None)
@given(waits, st.integers(0, 41))
def test_what_all_tables_of_a_source_have_stays_and_all_after_it(between: list[int], place: int) -> None:
    history = [Moment(n, 20_000 * DAY + n, f"{n:04}") for n, _ in enumerate(between, start=1)]
    expiry = plan_expiry(history, (), f"{place:04}", {}, POLICY, 20_100 * DAY)
    up_to = [moment for moment in history if moment.epoch <= f"{place:04}"]
    needed = history[len(up_to) - 1 :] if up_to else history
    assert not {moment.id for moment in needed} & set(expiry.expired)


@settings(deadline=None)
@given(st.lists(st.integers(1, 2_000_000), max_size=60))
def test_each_file_is_merged_once_and_only_with_its_like(sizes: list[int]) -> None:
    files = [DataFile(str(n), size, 1) for n, size in enumerate(sizes)]
    groups = plan_compaction(files, POLICY)
    merged = [file.path for group in groups for file in group]
    assert len(merged) == len(set(merged))
    for group in groups:
        assert len(group) > 1
        assert sum(file.bytes for file in group) <= POLICY.target
        assert max(file.bytes for file in group) <= 4 * max(min(file.bytes for file in group), 64 * 1024)


def test_many_small_loads_write_each_row_a_few_times() -> None:
    files: list[DataFile] = []
    written = 0
    for n in range(3000):
        files.append(DataFile(str(n), 2_000, 1))
        for group in plan_compaction(files, POLICY):
            size = sum(file.bytes for file in group)
            written += size
            files = [file for file in files if file not in group] + [DataFile(f"{n}+", size, 1)]
    assert len(files) < 40
    assert written < 10 * 3000 * 2_000


def test_a_file_goes_after_its_grace_and_not_while_it_may_be_written() -> None:
    mine, other = f"d/{file_stem(new_id())}.parquet", "d/x.metadata.json"
    found = [Found(mine, 1, 0), Found(other, 1, 0), Found("d/notes.txt", 1, 0), Found("d/needed.avro", 1, 0)]
    now = 10 * DAY
    first = plan_sweep(found, {"d/needed.avro"}, {}, POLICY.grace, now)
    assert (first.deleted, set(first.marks)) == ((), {mine, other})
    later = plan_sweep(found, {"d/needed.avro"}, first.marks, POLICY.grace, now + POLICY.grace)
    assert [file.path for file in later.deleted] == [other]
    # Once it was committed, its writer is done with it, though the process lives.
    released = plan_sweep(found[:1], (), {mine: Mark(now, is_released=True)}, POLICY.grace, now + POLICY.grace)
    assert [file.path for file in released.deleted] == [mine]


def test_runs_are_thinned_to_one_an_hour_then_one_a_day() -> None:
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    runs = {f"r{n:03}": now - timedelta(minutes=30 * n) for n in range(400)}
    runs |= {f"month{n}": now - timedelta(days=30 * n) for n in range(1, 9)}
    days = RetentionSettings(silver_days=5, gold_days=200)
    gone = plan_pruning(runs, {"r150"}, MaintenanceSettings(published_runs=10), days, now)
    last_of_hours, last_of_days = range(1, 48, 2), (25, 73, 121, 169, 217)
    kept = {f"r{n:03}" for n in (*range(10), *last_of_hours, *last_of_days, 150)}
    assert runs.keys() - set(gone) == {*(f"month{n}" for n in range(1, 7)), *kept}
