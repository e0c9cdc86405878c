"""Tables and views that are pulled, whole or by a cursor."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.full


def test_a_table_in_full_and_what_is_gone(shop) -> None:
    shop.sql("create table t (id int primary key, v varchar(9))", "insert into t values (1, 'a'), (2, 'b')")
    shop.streams(f"{{name: t, table: {shop.database}.t, primary_key: [id]}}")
    assert shop.load()["t"].rows_loaded == 2
    shop.sql("delete from t where id = 1", "update t set v = 'c' where id = 2")
    shop.load()
    assert shop.events("id, v")[2:] == [("u", 2, "c"), ("d", 1, None)]
    assert shop.load()["t"].outcome == "unchanged"


def test_a_view_and_an_empty_table(shop) -> None:
    shop.sql(
        "create table u (id int primary key, d decimal(9,2))", "create view t as select id, d + 1 as e from u"
    )
    shop.streams("{name: t, primary_key: [id]}", "{name: u, primary_key: [id]}")
    shop.load()
    shop.sql("insert into u values (1, 1.5)")
    shop.load()
    assert shop.bronze("select id, e::varchar from bronze") == [(1, "2.50")]


@pytest.mark.parametrize(
    ("kind", "values", "lag"),
    [
        ("bigint unsigned", ["9223372036854775807", "18446744073709551614", "18446744073709551615"], "0"),
        ("datetime(3)", ["'2024-01-01 00:00:00.001'", "'2024-01-01 10:00:00.5'", "'2024-01-02'"], "PT1H"),
        ("timestamp(6)", ["'2024-01-01 00:00:00.000001'", "'2024-01-01 10:00:00.5'", "'2024-01-02'"], "0"),
        ("varchar(9)", ["'a'", "'b''c'", "'d'"], "0"),
    ],
)
def test_what_is_new_by_the_cursor(shop, kind: str, values: list[str], lag: str) -> None:
    shop.sql(f"create table t (id int primary key, c {kind})", f"insert into t values (1, {values[0]})")
    cursor = f"cursor: {{column: c, lag: {lag}}}"
    shop.streams(f"{{name: t, sync_mode: incremental, primary_key: [id], {cursor}}}")
    shop.load()
    for n, value in enumerate(values[1:], 2):
        shop.sql(f"insert into t values ({n}, {value})")
        assert shop.load()["t"].rows_loaded == 1
    assert shop.load()["t"].outcome == "unchanged"
    assert shop.rows("select count(*) from t") == [(3,)]
