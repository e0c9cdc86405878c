"""SQLite keeps any value in any column: all of them land, those that fit their column's type in it."""

from __future__ import annotations

import json
import sqlite3
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

TABLE = """
create table t (id integer primary key, price decimal(10, 2), qty integer, day date, at timestamp, flag boolean,
    note text, clock time, bare decimal, anything any, untyped, data blob);
"""
GOOD = "(?, 1.5, 2, '2024-01-31', '2024-01-31 10:00:00', 1, 'n', '10:30', 0.1, 'x', 7, x'00ff')"


@pytest.fixture
def shop(feed):
    path = feed.project / "shop.db"
    feed.connection = {"type": "dlt", "dsn": f"sqlite:///{path}"}
    _run(path, TABLE)
    with sqlite3.connect(path) as db:
        db.executemany(f"insert into t values {GOOD}", [(n,) for n in range(1, 11)])
    return path


def _run(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)


def _declare(feed, **stream) -> None:
    feed.stream("dlt.sources.sql_database:sql_table", {"credentials": "connection:", "table": "t"}, **stream)


def test_values_of_other_types_are_kept_beside_and_the_rest_of_the_table_loads(feed, shop) -> None:
    values = "'n/a', '', '0000-00-00', 'soon', 'maybe', x'ff', '25:99', 'free', 3, 'text', 5"
    _run(shop, f"insert into t values (11, {values})")
    _declare(feed)
    result = feed.load()
    assert result.rows_loaded == 11
    assert "_smelt_extra" in result.notes[0]
    assert "price (1)" in " ".join(result.notes)
    columns = 'price, qty, day, "at", flag, note, clock, bare, anything, untyped, data, _smelt_extra'
    good, odd = feed.bronze(f"select {columns} from bronze where id in (1, 11) order by id")
    assert good == (
        Decimal("1.50"), 2, date(2024, 1, 31), datetime(2024, 1, 31, 10), True, "n", time(10, 30), 0.1,
        "x", "7", b"\x00\xff", None,
    )  # fmt: skip
    assert odd[:-1] == (None, None, None, None, None, None, None, None, "3", "text", None)
    assert json.loads(odd[-1]) == {
        "price": "n/a", "qty": "", "day": "0000-00-00", "at": "soon", "flag": "maybe", "note": "\\xff",
        "clock": "25:99", "bare": "free", "data": 5,
    }  # fmt: skip
    assert feed.load().outcome == "unchanged"


def test_a_declared_type_that_its_values_belie_gives_way_to_theirs(feed, shop) -> None:
    _run(shop, "update t set at = 1700000000 + id, flag = case id % 2 when 0 then 't' else 'f' end, day = id")
    _declare(feed)
    feed.load()
    assert feed.bronze('select "at", flag, day, _smelt_extra from bronze where id = 2') == [
        (1700000002, "t", 2, None)
    ]


def test_text_that_is_no_utf8_is_kept_byte_by_byte(feed, shop) -> None:
    _run(shop, "update t set note = cast(x'4de96c' as text) where id = 3")
    _declare(feed)
    feed.load()
    ((note, extra),) = feed.bronze("select note, _smelt_extra from bronze where id = 3")
    assert note is None
    assert json.loads(extra) == {"note": "\\x4de96c"}


def test_a_number_keeps_every_digit_that_its_column_has_room_for(feed, shop) -> None:
    _run(shop, "update t set price = 0.1 + 0.2 where id = 1", "update t set price = 1.005 where id = 2")
    _run(
        shop,
        "update t set price = 123456789012 where id = 3",
        "update t set qty = 9223372036854775807 where id = 3",
    )
    _declare(feed)
    feed.load()
    rows = feed.bronze("select price, qty, _smelt_extra from bronze where id < 4 order by id")
    assert rows[0] == (Decimal("0.30"), 2, None)
    assert (rows[1][0], json.loads(rows[1][2])) == (None, {"price": 1.005})
    assert rows[2][:2] == (None, 9223372036854775807)
    assert json.loads(rows[2][2]) == {"price": 123456789012}


def test_an_increment_reads_rows_whose_cursor_is_missing_or_no_time(feed, shop) -> None:
    _run(shop, "update t set at = null where id = 1", "update t set at = 'n/a' where id = 2")
    _declare(feed, sync_mode="incremental", cursor={"column": "at", "lag": "PT1H"})
    assert feed.load().rows_loaded == 10
    assert feed.load().outcome == "unchanged"
    _run(shop, f"insert into t values {GOOD.replace('?', '11')}", "update t set at = '' where id = 11")
    _run(shop, f"insert into t values {GOOD.replace('?', '12')}", "update t set at = null where id = 12")
    assert feed.load().rows_loaded == 2
    assert feed.bronze("select count(*) from bronze") == [(12,)]


def test_a_table_without_row_ids_is_loaded(feed, shop) -> None:
    _run(shop, "create table kv (k text primary key, v integer) without rowid")
    _run(shop, "insert into kv values ('a', 1), ('b', 'n/a'), ('c', 2)")
    feed.stream("dlt.sources.sql_database:sql_table", {"credentials": "connection:", "table": "kv"}, key="k")
    assert feed.load().rows_loaded == 3
    rows = feed.bronze("select k, v, _smelt_extra from bronze order by k")
    assert rows == [("a", 1, None), ("b", None, '{"v": "n/a"}'), ("c", 2, None)]
