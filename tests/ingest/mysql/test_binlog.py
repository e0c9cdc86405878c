"""What happens in a MariaDB database is in bronze: each change, in order, with its transaction."""

from __future__ import annotations

import threading

import pytest

from tests.ingest.mysql.history import History

pytestmark = pytest.mark.full


def test_every_change_is_an_event_in_order(shop) -> None:
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 10), (2, 20)")
    shop.declare(t="[id]")
    assert shop.load()["t"].rows_loaded == 2
    shop.sql(
        "insert into t values (3, 30)",
        "update t set v = 11 where id = 1",
        "delete from t where id = 2",
        "update t set id = 4 where id = 3",
    )
    result = shop.load()["t"]
    assert (result.outcome, result.rows_loaded, result.tombstones) == ("loaded", 5, 2)
    assert shop.events("id, v") == [
        ("r", 1, 10), ("r", 2, 20), ("c", 3, 30), ("u", 1, 11), ("d", 2, 20), ("d", 3, 30), ("u", 4, 30),
    ]  # fmt: skip
    assert shop.state("id, v") == [(1, 11), (4, 30)]
    assert shop.load()["t"].outcome == "unchanged"


def test_transactions_are_told(shop) -> None:
    shop.sql("create table t (id int primary key)", "create table u (id int primary key)")
    shop.declare(t="[id]", u="[id]")
    shop.load()
    with shop.server.connect(database=shop.database) as connection, connection.cursor() as cursor:
        connection.begin()
        for statement in ("insert into t values (1)", "insert into u values (1), (2)", "insert into t values (2)"):
            cursor.execute(statement)
        connection.commit()
    shop.load()
    columns = "id, _smelt_sequence, _smelt_gtid, _smelt_log_position, _smelt_committed_at"
    events = shop.events(columns, "t") + shop.events(columns, "u")
    assert [(event[1], event[2]) for event in events] == [(1, 1), (2, 4), (1, 2), (2, 3)]
    assert len({event[3:] for event in events}) == 1
    known = shop.bronze("select gtid, log_position, committed_at, events from bronze", "cdc_transactions")
    assert (*events[0][3:], 4) in known


def test_truncate_is_a_tombstone_for_each_row(shop) -> None:
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 1), (2, 2)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql(
        "insert into t values (3, 3)",
        "delete from t where id = 1",
        "truncate table t",
        "insert into t values (1, 9)",
    )
    shop.load()
    found = shop.events("id, v")
    assert sorted(found[4:6]) == [("d", 2, None), ("d", 3, None)]
    assert shop.state("id, v") == [(1, 9)]


def test_columns_that_the_server_computes_or_hides(shop) -> None:
    shop.sql(
        "create table t (id int primary key, a int, v int as (a + 1) virtual, "
        "s varchar(9) as (concat('s', a)) stored, h int invisible default 7)",
        "insert into t (id, a) values (1, 1)",
    )
    shop.declare(t="[id]")
    shop.load()
    shop.sql(
        "insert into t (id, a) values (2, 2)", "update t set a = 3 where id = 2", "update t set a = 4 where id = 1"
    )
    shop.load()
    found = shop.events("id, a, v, s, h")
    assert found == [
        ("r", 1, 1, 2, "s1", 7), ("c", 2, 2, 3, "s2", 7), ("u", 2, 3, 4, "s3", 7), ("u", 1, 4, 5, "s4", 7),
    ]  # fmt: skip


def test_a_transaction_that_was_rolled_back_in_the_log_is_passed_over(shop) -> None:
    """The server writes it if it had changed a table that can't be rolled back."""
    shop.sql("create table t (id int primary key)", "create table m (id int) engine = myisam")
    shop.declare(t="[id]")
    shop.load()
    with shop.server.connect(database=shop.database) as connection, connection.cursor() as cursor:
        connection.begin()
        for statement in ("insert into t values (1)", "insert into m values (1)", "insert into t values (2)"):
            cursor.execute(statement)
        connection.rollback()
        cursor.execute("insert into t values (3)")
    shop.sql("insert into m values (2)")
    shop.load()
    assert shop.events("id") == [("c", 3)] == [("c", *row) for row in shop.rows("select id from t")]


def test_the_place_moves_on_with_changes_of_other_tables(shop) -> None:
    shop.sql("create table t (id int primary key)", "create table u (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("insert into u values (1)", "flush binary logs", "insert into u values (2)", "flush binary logs")
    assert shop.load()["t"].outcome == "unchanged"
    newest = shop.rows("show master status")[0][0]
    shop.sql(f"purge binary logs to '{newest}'", "insert into t values (1)")
    shop.load()
    assert shop.events("id") == [("c", 1)]


def test_the_snapshot_hands_over_to_the_log_while_the_database_is_written_to(shop) -> None:
    history = History(shop, seed=11)
    history.write(50)
    is_ended = threading.Event()

    def write() -> None:
        while not is_ended.is_set():
            history.write(5)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(2):
            shop.load()
    finally:
        is_ended.set()
        writer.join()
    shop.load()
    history.close()
    for table, events in history.events.items():
        found = [event for event in shop.events("id, v", table) if event[0] != "r"]
        assert found
        assert found == events[len(events) - len(found) :]
        assert shop.state("id, v", table=table) == shop.rows(f"select id, v from {table} order by id")


def test_transactions_of_several_domains(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("insert into t values (1)", "set gtid_domain_id = 5", "insert into t values (2)")
    shop.sql("insert into t values (3)")
    shop.load()
    shop.sql("set gtid_domain_id = 5", "insert into t values (4)")
    shop.sql("insert into t values (5)")
    shop.load()
    assert shop.events("id") == [("c", n) for n in range(1, 6)]
    domains = shop.bronze("select split_part(_smelt_gtid, '-', 1) from bronze order by id")
    assert domains == [("0",), ("5",), ("0",), ("5",), ("0",)]


def test_a_prepared_transaction_stops_the_stream(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("xa start 'x'", "insert into t values (1)", "xa end 'x'", "xa prepare 'x'", "xa rollback 'x'")
    error, _ = shop.refused()
    assert "prepared XA transaction" in error


def test_all_events_of_a_transaction_have_the_time_of_its_commit(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql(
        "start transaction", "insert into t values (1)", "do sleep(1.1)", "insert into t values (2)", "commit"
    )
    shop.load()
    found = shop.bronze("select count(*), count(distinct _smelt_committed_at) from bronze")
    assert found == [(2, 1)]
