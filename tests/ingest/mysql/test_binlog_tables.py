"""Tables that change while they are captured: columns come, go and change, tables are replaced."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyiceberg.exceptions import NoSuchTableError

pytestmark = pytest.mark.full


def test_columns_that_come_go_and_change_in_the_middle_of_the_log(shop) -> None:
    shop.sql("create table t (id int primary key, a int, b int)", "insert into t values (1, 1, 1)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql(
        "insert into t values (2, 2, 2)",
        "alter table t add column c varchar(9) after id",
        "insert into t values (3, 'c', 3, 3)",
        "alter table t drop column a",
        "insert into t values (4, 'd', 4)",
        "alter table t modify column b varchar(9)",
        "insert into t values (5, 'e', 'five')",
        "alter table t rename column c to d",
        "insert into t values (6, 'f', 'six')",
    )
    result = shop.load()["t"]
    assert result.schema_version is not None
    assert shop.events("id, a, b, c, b__v2, d") == [
        ("r", 1, 1, 1, None, None, None),
        ("c", 2, 2, 2, None, None, None),
        ("c", 3, 3, 3, "c", None, None),
        ("c", 4, None, 4, "d", None, None),
        ("c", 5, None, None, "e", "five", None),
        ("c", 6, None, None, None, "six", "f"),
    ]


@pytest.mark.parametrize(
    "statements",
    [
        ("rename table t to old, fresh to t",),
        ("drop table t", "alter table fresh rename to t"),
        ("create or replace table t as select * from fresh",),
    ],
)
def test_a_table_that_is_replaced_is_read_again_and_compared(shop, statements) -> None:
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 1), (2, 2), (3, 3)")
    shop.sql("create table u (id int primary key)", "create table fresh (id int primary key, v int)")
    shop.sql("insert into fresh values (1, 1), (2, 20)")
    shop.declare(t="[id]", u="[id]")
    shop.load()
    shop.sql("insert into u values (1)", "insert into t values (4, 4)", *statements, "insert into t values (5, 5)")
    shop.sql("insert into u values (2)")
    if "as select" in statements[0]:
        shop.sql("alter table t add primary key (id)")
    shop.load()
    assert shop.state("id, v") == [(1, 1), (2, 20), (5, 5)]
    assert [event for event in shop.events("id", "u") if event[0] == "c"] == [("c", 1), ("c", 2)]
    shop.sql("update t set v = 6 where id = 5")
    shop.load()
    assert shop.events("id, v")[-1] == ("u", 5, 6)


def test_rows_that_leave_with_their_partition_leave_bronze(shop) -> None:
    parts = "partition by range (id) (partition low values less than (10), partition high values less than (100))"
    shop.sql(f"create table t (id int primary key) {parts}", "insert into t values (1), (2), (20)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("alter table t drop partition low", "insert into t values (21)")
    shop.load()
    assert shop.state("id") == [(20,), (21,)]


def test_a_table_that_is_gone_is_told(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("drop table t")
    error, hint = shop.refused()
    assert "there is no table" in error
    assert "source.yml" in hint


def test_a_table_without_key_is_told_apart_by_content(shop) -> None:
    shop.sql("create table t (v varchar(9))", "insert into t values ('a'), ('a'), ('b')")
    shop.declare(t="[]")
    shop.load()
    shop.sql("update t set v = 'c' where v = 'b'", "delete from t where v = 'a' limit 1")
    shop.load()
    assert shop.events("v")[3:] == [("d", "b"), ("u", "c"), ("d", "a")]


def test_a_table_that_is_added_later_and_one_that_was_left_out(shop) -> None:
    shop.sql("create table t (id int primary key)", "create table u (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("insert into t values (1)", "insert into u values (1)")
    shop.declare(t="[id]", u="[id]")
    shop.load()
    assert (shop.events("id", "t"), shop.events("id", "u")) == ([("c", 1)], [("r", 1)])
    shop.declare(t="[id]")
    shop.sql("insert into t values (2)", "insert into u values (2)")
    shop.load()
    shop.declare(t="[id]", u="[id]")
    shop.sql("insert into t values (3)", "insert into u values (3)")
    shop.load()
    assert shop.state("id", table="t") == shop.state("id", table="u") == [(1,), (2,), (3,)]


def test_a_transaction_of_any_size_is_one_transaction(shop) -> None:
    shop.sql("create table t (id int primary key, v varchar(40))", "create table n (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("insert into t select seq, repeat('x', 40) from seq_1_to_300000")
    result = shop.load()["t"]
    assert result.rows_loaded == 300_000
    found = shop.bronze(
        "select count(distinct _smelt_gtid), count(distinct _smelt_sequence), max(_smelt_sequence) from bronze"
    )
    assert found == [(1, 300_000, 300_000)]


def test_a_watch_goes_on_with_a_table_that_was_replaced(shop) -> None:
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 1)")
    shop.declare(t="[id]")
    watching = subprocess.Popen(
        [sys.executable, "-m", "plugins.cli", "watch", "shop", "--no-build"],
        cwd=shop.project, env={**os.environ, "PYTHONPATH": str(Path.cwd())}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        _wait_for(shop, [(1, 1)])
        shop.sql("create table fresh (id int primary key, v int)", "insert into fresh values (1, 2)")
        shop.sql("insert into t values (9, 9)", "rename table t to old, fresh to t", "insert into t values (2, 2)")
        _wait_for(shop, [(1, 2), (2, 2)])
        shop.sql("insert into t values (3, 3)")
        _wait_for(shop, [(1, 2), (2, 2), (3, 3)])
    finally:
        watching.terminate()
        told, _ = watching.communicate(timeout=60)
    assert watching.returncode == 0, told


def _wait_for(shop, state: list[tuple]) -> None:
    deadline = time.monotonic() + 90
    found: list[tuple] | None = None
    while found != state:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
        try:
            found = shop.state("id, v")
        except (ValueError, NoSuchTableError):
            found = None  # it isn't there yet
