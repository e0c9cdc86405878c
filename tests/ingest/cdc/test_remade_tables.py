"""A captured table that is dropped and made anew has left the publication: it is read again, and never lost."""

from __future__ import annotations

import pytest

from ingest.cdc.health import check_slot
from ingest.spec import load_sources
from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings


def test_a_table_made_anew_is_read_again_and_compared(shop) -> None:
    shop.sql("create table t (id int primary key, v int)", "create table u (id int primary key, v int)")
    shop.declare(t="[id]", u="[id]")
    shop.sql("insert into t select n, n from generate_series(1, 5) n", "insert into u values (1, 1)")
    shop.load()
    shop.sql("update t set v = 50 where id = 5", "drop table t", "create table t (id int primary key, v int)")
    shop.sql("insert into t values (1, 1), (2, 20), (9, 9)", "insert into u values (2, 2)")
    with pytest.raises(SmeltError, match="changes of t are not published"):
        check_slot(load_settings(shop.project), load_sources(shop.project)[0])
    results = shop.load()
    assert any("made anew" in note for result in results.values() for note in result.notes)
    assert shop.state("id, v") == [(1, 1), (2, 20), (9, 9)]
    shop.sql("insert into t values (10, 10)", "delete from t where id = 9")
    again = shop.load()
    assert not any(result.notes for result in again.values())
    assert shop.state("id, v") == [(1, 1), (2, 20), (10, 10)]
    assert shop.state("id, v", table="u") == [(1, 1), (2, 2)]
    assert "confirmed" in check_slot(load_settings(shop.project), load_sources(shop.project)[0])


def test_a_table_that_left_the_publication_for_a_while_is_compared(shop) -> None:
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 1)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql(f"alter publication {shop.slot} drop table t", "insert into t values (2, 2)")
    shop.load()
    assert shop.state("id, v") == [(1, 1), (2, 2)]


def test_a_table_that_is_gone_is_said(shop) -> None:
    shop.sql("create table t (id int primary key, v int)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("drop table t")
    (result,) = shop.ingest()
    assert "there is no table" in result.error
