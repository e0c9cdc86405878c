"""Increments find what is new by its cursor, late commits included."""

from __future__ import annotations

import psycopg
import pytest


@pytest.fixture
def events(shop):
    shop.sql("create table t (id int primary key, at timestamptz, v text)")
    shop.sql(
        "insert into t select i, timestamptz '2024-01-01' + i * interval '1 minute' "
        "from generate_series(1, 100) as g(i)"
    )
    shop.stream("t", "primary_key: [id]", "sync_mode: incremental", "cursor: {column: at, lag: PT10M}")
    return shop


def test_an_increment_reads_the_window_and_lands_what_is_new(events) -> None:
    assert events.load().rows_loaded == 100
    events.sql("insert into t values (101, timestamptz '2024-01-01 02:00:00')")
    result = events.load()
    assert (result.rows_read, result.rows_loaded) == (12, 1)


def test_a_transaction_that_commits_late_is_not_missed(events) -> None:
    with psycopg.connect(events.dsn) as slow:
        slow.execute(f"insert into \"{events.schema}\".t values (200, timestamptz '2024-01-01 01:39:30')")
        events.load()
        slow.commit()
    assert events.load().rows_loaded == 1
    assert events.bronze("select count(*) from bronze where id = 200") == [(1,)]


def test_a_change_of_an_old_row_inside_the_window_is_an_update(events) -> None:
    events.load()
    events.sql("update t set v = 'late' where id = 99")
    assert events.load().rows_loaded == 1
    assert events.bronze("select _smelt_op from bronze where v = 'late'") == [("u",)]


def test_a_row_without_a_cursor_value_arrives(events) -> None:
    events.load()
    events.sql("insert into t values (300, null)")
    assert events.load().rows_loaded == 1
    assert events.load().outcome == "unchanged"


def test_a_position_that_only_moves_is_committed_without_a_snapshot(events) -> None:
    events.load()
    before, snapshots = events.metadata(), events.snapshots()
    # The greatest cursor value is another one now, and no row is new.
    events.sql("delete from t where id = 100")
    assert events.load().outcome == "unchanged"
    assert events.snapshots() == snapshots
    assert events.metadata() != before


def test_initial_says_where_to_start(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.sql("insert into t select generate_series(1, 100)")
    shop.stream("t", "primary_key: [id]", "sync_mode: incremental", "cursor: {column: id, lag: 2, initial: '91'}")
    assert shop.load().rows_loaded == 10
    shop.sql("insert into t values (101)")
    result = shop.load()
    assert (result.rows_read, result.rows_loaded) == (4, 1)
