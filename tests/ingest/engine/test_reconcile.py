"""Every pull is compared with bronze: what is equal is dropped, what changed or vanished is recorded."""

from __future__ import annotations

import json

import duckdb
import pytest

from plugins.core.lake import Batch, Lake, commit_batch, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.ledger import new_id
from plugins.core.settings import load_settings

OPS = "select id, v, _smelt_op from bronze order by _smelt_batch_id, _smelt_source_position"


def test_an_unchanged_full_sync_commits_nothing_at_all(shop) -> None:
    shop.sql("create table t (id int primary key, v text, f float8, n numeric)")
    shop.sql("insert into t values (1, 'a', 'NaN', 'NaN'), (2, null, null, 1.10), (3, '', '-Infinity', 1e40)")
    shop.stream("t", "primary_key: [id]")
    assert shop.load().rows_loaded == 3
    before = shop.metadata()
    again = shop.load()
    assert (again.outcome, again.rows_read, again.rows_loaded) == ("unchanged", 3, 0)
    assert shop.metadata() == before


def test_updates_inserts_and_deletes_become_versions(shop) -> None:
    shop.sql("create table t (id int primary key, v text)")
    shop.sql("insert into t values (1, 'a'), (2, 'b'), (3, 'c')")
    shop.stream("t", "primary_key: [id]")
    shop.load()
    shop.sql("update t set v = null where id = 1; delete from t where id = 2; insert into t values (4, 'd')")
    result = shop.load()
    assert (result.rows_loaded, result.tombstones) == (2, 1)
    assert sorted(shop.bronze(OPS)[3:], key=str) == [(1, None, "u"), (2, None, "d"), (4, "d", "c")]
    assert shop.load().outcome == "unchanged"
    shop.sql("insert into t values (2, 'b')")
    shop.load()
    assert shop.bronze(OPS)[-1] == (2, "b", "c")
    assert shop.bronze(
        "select count(*) - count(distinct (_smelt_batch_id, _smelt_source_position)) from bronze"
    ) == [(0,)]


def test_a_key_that_repeats_or_is_null_lands_whole_and_only_once(shop) -> None:
    shop.sql("create table t (id int, v text)")
    shop.sql("insert into t values (1, 'a'), (1, 'b'), (1, 'b'), (null, 'x'), (null, 'y'), (2, 'z')")
    shop.stream("t", "primary_key: [id]")
    assert shop.load().rows_loaded == 6
    before = shop.metadata()
    assert shop.load().outcome == "unchanged"
    assert shop.metadata() == before
    shop.sql("update t set v = 'c' where v = 'a'")
    assert shop.load().rows_loaded == 3
    assert shop.load().outcome == "unchanged"
    shop.sql("delete from t where id is null")
    assert shop.load().tombstones == 1
    assert shop.load().outcome == "unchanged"


def test_rows_without_a_key_are_told_apart_by_content_and_number(shop) -> None:
    shop.sql("create table t (id int, v text)")
    shop.sql("insert into t values (1, 'a'), (1, 'a'), (null, null)")
    shop.stream("t")
    assert shop.load().rows_loaded == 3
    assert shop.load().outcome == "unchanged"
    shop.sql("insert into t values (1, 'a'), (null, null)")
    assert shop.load().rows_loaded == 2
    assert shop.load().outcome == "unchanged"


def test_the_order_of_columns_means_nothing_and_a_new_column_is_compared(shop) -> None:
    shop.sql("create table t (id int, v text)")
    shop.sql("insert into t values (1, 'a'), (2, 'b')")
    shop.stream("t", "primary_key: [id]")
    assert shop.load().schema_version == 1
    shop.sql("drop table t; create table t (v text, id int); insert into t values ('b', 2), ('a', 1)")
    result = shop.load()
    assert (result.outcome, result.schema_version) == ("unchanged", None)
    shop.sql("alter table t add column w int; update t set w = 7 where id = 2")
    result = shop.load()
    assert (result.rows_loaded, result.schema_version) == (1, 2)
    assert shop.bronze("select id, w from bronze where w is not null") == [(2, 7)]
    assert shop.load().outcome == "unchanged"


def test_a_change_of_type_starts_a_column_beside_the_old(shop) -> None:
    shop.sql("create table t (id int primary key, v int)")
    shop.sql("insert into t values (1, 10)")
    shop.stream("t", "primary_key: [id]")
    shop.load()
    shop.sql("alter table t alter v type text using v || ' pieces'")
    assert shop.load().rows_loaded == 1
    assert shop.bronze("select v, v__v2 from bronze order by _smelt_batch_id") == [(10, None), (None, "10 pieces")]
    assert shop.load().outcome == "unchanged"


def test_review_lands_new_columns_in_full_and_says_that_the_schema_changed(shop) -> None:
    shop.sql("create table t (id int primary key, v int)")
    shop.sql("insert into t values (1, 10), (2, 20)")
    shop.stream("t", "primary_key: [id]", "schema_policy: review")
    assert shop.load().schema_change is None
    shop.sql(
        "alter table t add column w text; alter table t alter v type text; update t set w = 'new' where id = 2"
    )
    result = shop.load()
    assert (result.rows_loaded, result.notes) == (2, ())
    assert (result.schema_version, result.schema_change) == (2, "+w v integer → varchar")
    assert shop.bronze("select id, v__v2, w from bronze where v is null order by id") == [
        (1, "10", None),
        (2, "20", "new"),
    ]
    assert shop.load().outcome == "unchanged"


def _append(shop, select: str) -> None:
    """A batch straight into bronze."""
    lake, batch = Lake(load_settings(shop.project)), new_id()
    table = lake.table("bronze.shop__t")
    file = f"{data_folder(table)}/{batch}.parquet"
    audit = (
        f"'{batch}' as _smelt_batch_id, '1' as _smelt_source_position, 'c' as _smelt_op, now() as _smelt_loaded_at"
    )
    duckdb.sql(f"copy (select *, {audit} from ({select})) to '{file}'")
    commit_batch(lake, "bronze.shop__t", Batch(batch, [file], read_state(table).batch_id))


@pytest.mark.parametrize("key", [["primary_key: [id]"], []])
def test_values_that_waited_in_extra_move_into_their_column_and_double_nothing(shop, key: list[str]) -> None:
    shop.sql("create table t (id int, n numeric)")
    shop.sql("insert into t values (1, 1), (2, 'NaN')")
    shop.stream("t", *key)
    shop.load()
    # As a load left it that had no room for a column: its values in `_smelt_extra`.
    _append(shop, 'select 3::int as id, \'{"w": "new"}\' as _smelt_extra')
    shop.sql("alter table t add column w text; insert into t values (3, null, 'new')")
    result = shop.load()
    assert shop.load().outcome == "unchanged"
    if key:
        assert result.rows_loaded == 1
        newest = "select w from bronze where id = 3 order by _smelt_batch_id desc limit 1"
        assert shop.bronze(newest) == [("new",)]
    else:
        # Rows without a key can't supersede one another: what is there already stays the only one.
        assert result.rows_loaded == 0
        assert shop.bronze("select count(*) from bronze where id = 3") == [(1,)]


def test_freeze_sends_rows_of_another_shape_to_dead_letters_once(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.sql("insert into t values (1)")
    shop.stream("t", "primary_key: [id]", "schema_policy: freeze")
    shop.load()
    shop.sql("alter table t add column w text; insert into t values (2, 'new'), (3, null)")
    result = shop.load()
    assert (result.rows_loaded, result.dead_letters) == (1, 1)
    assert "frozen" in shop.bronze("select reason from bronze", "shop__dead_letters")[0][0]
    again = shop.load()
    assert (again.outcome, again.dead_letters) == ("unchanged", 0)
    ((raw,),) = shop.bronze("select raw from bronze", "shop__dead_letters")
    assert json.loads(raw)["id"] == 2


def test_reset_reads_everything_again_and_doubles_nothing(shop) -> None:
    shop.sql("create table t (id int primary key, at timestamp)")
    shop.sql(
        "insert into t select i, timestamp '2020-01-01' + i * interval '1 day' from generate_series(1, 50) as g(i)"
    )
    shop.stream("t", "primary_key: [id]", "sync_mode: incremental", "cursor: {column: at}")
    shop.load()
    result = shop.load(reset=["shop.t"])
    assert (result.rows_read, result.outcome) == (50, "unchanged")


@pytest.mark.parametrize("position", ["2020-02-10", '{"cursor": "2020-02-10"}'])
def test_from_reads_again_from_there(shop, position: str) -> None:
    shop.sql("create table t (id int primary key, at timestamp)")
    shop.sql(
        "insert into t select i, timestamp '2020-01-01' + i * interval '1 day' from generate_series(1, 50) as g(i)"
    )
    shop.stream("t", "primary_key: [id]", "sync_mode: incremental", "cursor: {column: at}")
    shop.load()
    result = shop.load(from_position=position)
    assert (result.rows_read, result.rows_loaded) == (11, 0)
