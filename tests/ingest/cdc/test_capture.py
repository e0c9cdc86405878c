"""What happened in the database is what bronze holds: a snapshot, then every change, in order, once."""

from __future__ import annotations


def test_changes_follow_the_snapshot(shop) -> None:
    shop.sql("create table t (id int primary key, name text, amount numeric(12,2))")
    shop.sql("insert into t values (1, 'one', 1.5), (2, 'two', null)")
    shop.declare(t="[id]")
    first = shop.load()
    assert (first["t"].outcome, first["t"].rows_loaded) == ("loaded", 2)
    shop.sql(
        "insert into t values (3, 'three', 3)",
        "update t set name = 'TWO' where id = 2",
        "delete from t where id = 1",
        "update t set id = 4 where id = 3",
    )
    second = shop.load()
    assert (second["t"].rows_loaded, second["t"].tombstones) == (5, 2)
    assert shop.events("id, name, amount::varchar") == [
        ("r", 1, "one", "1.50"),
        ("r", 2, "two", None),
        ("c", 3, "three", "3.00"),
        ("u", 2, "TWO", None),
        ("d", 1, None, None),
        ("d", 3, None, None),
        ("u", 4, "three", "3.00"),
    ]
    assert shop.load()["t"].outcome == "unchanged"


def test_a_transaction_is_told_by_its_commit(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("begin", "insert into t values (1), (2)", "commit", "insert into t values (3)")
    shop.load()
    rows = shop.bronze("select id, _smelt_commit_lsn, _smelt_sequence, _smelt_xid from bronze order by id")
    assert rows[0][1] == rows[1][1] != rows[2][1]
    assert [row[2] for row in rows] == [1, 2, 1]
    selected = "select commit_lsn, xid, events from bronze order by _smelt_source_position"
    log = shop.bronze(selected, "cdc_transactions")
    assert log[-2:] == [(rows[0][1], rows[0][3], 2), (rows[2][1], rows[2][3], 1)]


def test_streams_of_a_source_share_its_log(shop) -> None:
    shop.sql("create table t (id int primary key)", "create table u (id int primary key, t_id int)")
    shop.declare(t="[id]", u="[id]")
    shop.load()
    inserts = "insert into t values (1)", "insert into u values (7, 1)", "insert into t values (2)"
    shop.sql("begin", *inserts, "commit")
    loaded = shop.load()
    assert (loaded["t"].rows_loaded, loaded["u"].rows_loaded) == (2, 1)
    places = (
        shop.bronze("select _smelt_sequence from bronze order by 1"),
        shop.bronze("select _smelt_sequence from bronze", "u"),
    )
    assert places == ([(1,), (3,)], [(2,)])


def test_a_table_that_is_added_later_is_read_whole_first(shop) -> None:
    shop.sql("create table t (id int primary key)", "insert into t values (1)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("create table u (id int primary key)", "insert into u values (1), (2)", "insert into t values (2)")
    shop.declare(t="[id]", u="[id]")
    shop.load()
    shop.sql("insert into u values (3)", "delete from t where id = 1")
    shop.load()
    assert shop.events("id", "u") == [("r", 1), ("r", 2), ("c", 3)]
    assert shop.events("id") == [("r", 1), ("c", 2), ("d", 1)]


def test_changes_of_streams_that_were_not_asked_for_are_not_lost(shop) -> None:
    shop.sql("create table t (id int primary key)", "create table u (id int primary key)")
    shop.declare(t="[id]", u="[id]")
    shop.load()
    shop.sql("insert into t values (1)", "insert into u values (1)")
    assert list(shop.load(selectors=["shop.t"])) == ["t"]
    shop.sql("insert into u values (2)")
    shop.load()
    assert shop.events("id") == [("c", 1)]
    assert shop.events("id", "u") == [("c", 1), ("c", 2)]


def test_a_stream_that_was_left_out_for_a_while_is_compared(shop) -> None:
    shop.sql("create table t (id int primary key, v int)", "create table u (id int primary key, v int)")
    shop.sql("insert into u values (1, 1), (2, 2)")
    shop.declare(t="[id]", u="[id]")
    shop.load()
    shop.declare(t="[id]")
    shop.sql("insert into u values (3, 3)", "delete from u where id = 1", "update u set v = 9 where id = 2")
    shop.load()
    shop.declare(t="[id]", u="[id]")
    shop.load()
    assert shop.state("id, v", table="u") == [(2, 9), (3, 3)]
    shop.sql("update u set v = 10 where id = 2")
    shop.load()
    assert shop.events("id, v", "u")[-1] == ("u", 2, 10)


def test_a_truncated_table_has_no_rows_left(shop) -> None:
    shop.sql("create table t (id int primary key)", "insert into t values (1), (2)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("insert into t values (3)", "delete from t where id = 1", "truncate t")
    shop.sql("insert into t values (2), (9)")
    loaded = shop.load()["t"]
    assert loaded.tombstones == 3
    assert shop.state("id") == [(2,), (9,)]
    assert shop.events("id")[2:] == [("c", 3), ("d", 1), ("d", 2), ("d", 3), ("c", 2), ("c", 9)]


def test_a_value_out_of_line_that_was_not_sent_is_carried_over(shop) -> None:
    shop.sql("create table t (id int primary key, n int, note text)")
    shop.sql("alter table t alter note set storage external")
    shop.sql("insert into t values (1, 1, repeat('x', 10000))")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("update t set n = 2", "update t set note = 'short'")
    shop.load()
    assert shop.events("n, length(note), _smelt_unchanged")[1:] == [("u", 2, 10000, '["note"]'), ("u", 2, 5, None)]
    shop.sql("update t set note = repeat('y', 20000)", "insert into t values (2, 2, null)", "update t set n = 3")
    shop.load()
    shop.sql("update t set n = 4 where id = 1")
    shop.load()
    assert shop.state("id, n, length(note)") == [(1, 4, 20000), (2, 3, None)]


def test_a_value_that_was_not_sent_is_carried_over_to_another_key(shop) -> None:
    shop.sql("create table t (id int, part text, n int, note text, primary key (id, part))")
    shop.sql("alter table t alter note set storage external")
    shop.sql(
        "insert into t values (1, 'a', 1, repeat('x', 10000)), (2, 'a', 1, repeat('y', 20000)), (3, 'a', 1, 'z')"
    )
    shop.declare(t="[id, part]")
    shop.load()
    # A row that moves to where another was, on to two more keys in one load, and is then updated in place.
    shop.sql("delete from t where id = 3", "update t set id = 3 where id = 1", "update t set n = 2 where id = 2")
    shop.sql(
        "update t set id = 4 where id = 3",
        "update t set part = 'b' where id = 4",
        "update t set n = 7 where id = 4",
    )
    shop.load()
    assert shop.state("id, part, n, left(note, 1), length(note)") == [
        (2, "a", 2, "y", 20000),
        (4, "b", 7, "x", 10000),
    ]
    # A deletion right before an update of another row is no move.
    with_both = "with gone as (delete from t where id = 2 returning 1) update t set n = 8 where id = 4"
    shop.sql(with_both, "update t set id = 9")
    shop.load()
    assert shop.state("id, part, n, left(note, 1), length(note)") == [(9, "b", 8, "x", 10000)]
    assert shop.bronze("select count(*) from bronze where note is null and _smelt_op <> 'd'") == [(0,)]


def test_with_full_identity_the_old_value_is_carried_and_deletions_are_whole(shop) -> None:
    shop.sql("create table t (id int primary key, n int, note text)", "alter table t replica identity full")
    shop.sql("alter table t alter note set storage external")
    shop.sql("insert into t values (1, 1, repeat('x', 10000))")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("update t set n = 2", "update t set id = 5", "delete from t")
    shop.load()
    assert shop.events("id, n, length(note), _smelt_unchanged")[1:] == [
        ("u", 1, 2, 10000, None),
        ("d", 1, 2, 10000, None),
        ("u", 5, 2, 10000, None),
        ("d", 5, 2, 10000, None),
    ]


def test_a_table_without_a_key_is_a_bag(shop) -> None:
    shop.sql("create table t (a int, b text)", "alter table t replica identity full")
    shop.sql("insert into t values (1, 'x'), (1, 'x'), (2, null)")
    shop.declare(t="[]")
    shop.load()
    one = "select min(ctid) from t where a = 1"
    shop.sql("update t set b = 'y' where a = 2", f"delete from t where ctid = ({one})")
    shop.load()
    assert shop.events("a, b")[3:] == [("d", 2, None), ("u", 2, "y"), ("d", 1, "x")]
    shop.sql("truncate t")
    shop.load()
    left = "select a, b, sum(case when _smelt_op = 'd' then -1 else 1 end) from bronze group by all"
    assert {times for *_, times in shop.bronze(left)} == {0}


def test_composite_keys(shop) -> None:
    shop.sql("create table t (a int, b text, n int, primary key (a, b))")
    shop.declare(t="[a, b]")
    shop.load()
    shop.sql("insert into t values (1, 'x', 1), (1, 'y', 1)", "update t set b = 'z', n = 2 where b = 'x'")
    shop.sql("delete from t where b = 'y'")
    shop.load()
    assert shop.events("a, b, n") == [
        ("c", 1, "x", 1), ("c", 1, "y", 1), ("d", 1, "x", None), ("u", 1, "z", 2), ("d", 1, "y", None)
    ]  # fmt: skip


def test_events_that_a_frozen_schema_has_no_room_for_are_dead_letters_and_not_loaded(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    spec = shop.project / "sources" / "shop" / "source.yml"
    spec.write_text(spec.read_text().replace("sync_mode: cdc", "sync_mode: cdc, schema_policy: freeze"))
    shop.sql("insert into t values (1)")
    shop.load()
    shop.sql("alter table t add n int", "insert into t values (2, null), (3, 3), (4, 4)")
    loaded = shop.load()["t"]
    assert (loaded.rows_read, loaded.rows_loaded, loaded.dead_letters) == (3, 1, 2)
    assert shop.events("id") == [("r", 1), ("c", 2)]


def test_columns_that_come_and_change_type_in_mid_stream(shop) -> None:
    shop.sql("create table t (id int primary key, n int)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql(
        "insert into t values (1, 1)",
        "alter table t add extra text default 'd'",
        "insert into t values (2, 2, 'two')",
        "alter table t alter n type bigint",
        "insert into t values (3, 5000000000, null)",
        "alter table t alter n type text",
        "insert into t values (4, 'four', null)",
        "alter table t drop extra",
        "insert into t values (5, 'five')",
    )
    result = shop.load()["t"]
    assert shop.bronze("select id, n, extra, n__v2 from bronze order by id") == [
        (1, 1, None, None), (2, 2, "two", None), (3, 5000000000, None, None), (4, None, None, "four"),
        (5, None, None, "five"),
    ]  # fmt: skip
    assert result.schema_change == "n integer → varchar"
