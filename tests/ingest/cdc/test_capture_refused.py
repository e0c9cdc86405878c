"""What stands in the way of a capture is said in one message, with what to do; nothing is lost or guessed."""

from __future__ import annotations

import psycopg
import pytest

from ingest.cdc import preparing
from ingest.cdc.server import Server
from ingest.health import Finding, examine
from plugins.core.settings import load_settings
from tests.conftest import server_folder


def _error(shop) -> tuple[str, str]:
    (result,) = shop.ingest()
    assert result.error
    return result.error, result.hint or ""


def test_a_table_whose_rows_cannot_be_told_apart_is_not_published(shop) -> None:
    shop.sql("create table t (a int)", "insert into t values (1)")
    shop.declare(t="[]")
    error, hint = _error(shop)
    assert "has no primary key" in error
    assert "replica identity full" in hint
    shop.sql("update t set a = 2")  # would fail if the table were published


def test_the_key_must_be_what_the_log_tells_rows_apart_by(shop) -> None:
    shop.sql("create table t (a int primary key, b int unique)")
    shop.declare(t="[b]")
    error, hint = _error(shop)
    assert "apart by a, not by b" in error
    assert "[a]" in hint


def test_a_view_and_a_table_that_is_not_there(shop) -> None:
    shop.sql("create view t as select 1 as id")
    shop.declare(t="[id]")
    assert "is no table" in _error(shop)[0]
    shop.sql("drop view t")
    assert "there is no table" in _error(shop)[0]


def test_a_slot_that_is_gone_means_lost_changes_and_reset_reconciles(shop) -> None:
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 1), (2, 2), (3, 3)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("update t set v = 9 where id = 1")
    shop.load()
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("select pg_drop_replication_slot(%s)", [shop.slot])
    shop.sql("delete from t where id = 2", "update t set v = 7 where id = 3", "insert into t values (4, 4)")
    error, hint = _error(shop)
    assert "is gone" in error
    assert "--reset shop" in hint
    shop.load(reset=["shop"])
    assert shop.state("id, v") == [(1, 9), (3, 7), (4, 4)]
    assert sorted(shop.events("id, v")[4:]) == [("c", 4, 4), ("d", 2, None), ("u", 3, 7)]
    shop.sql("delete from t")
    shop.load()
    assert shop.state("id, v") == []


def test_doctor_says_how_much_of_the_log_is_held_back(shop) -> None:
    shop.sql("create table t (id int primary key, v text)")
    shop.declare(t="[id]")
    assert "not there yet" in _finding(shop).found
    shop.load()
    assert "read by nobody now" in _finding(shop).found
    source = shop.project / "sources" / "shop" / "source.yml"
    source.write_text(source.read_text().replace("cdc: {", "cdc: {alarm_at: 100KiB, "))
    shop.sql("insert into t select g, repeat('x', 100) from generate_series(1, 10000) as g")
    found = _finding(shop)
    assert not found.is_healthy
    assert "hold back" in found.found
    assert "smelt release shop" in (found.fix or "")


def _finding(shop) -> Finding:
    (found,) = [one for one in examine(load_settings(shop.project)) if one.what == "shop (log)"]
    return found


def test_a_slot_that_somebody_else_read(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("insert into t values (1)")
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("select pg_replication_slot_advance(%s, pg_current_wal_lsn())", [shop.slot])
    error, hint = _error(shop)
    assert "read by another consumer" in error
    assert "slot" in hint


def test_a_transaction_that_does_not_end_is_named(shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "_PATIENCE_SECONDS", 1.0)
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    with psycopg.connect(shop.dsn) as connection:
        connection.execute(f'insert into "{shop.schema}".t values (1)')
        error, hint = _error(shop)
        assert f"process {connection.info.backend_pid} of postgres" in error
        assert "pg_terminate_backend" in hint
    assert shop.load()["t"].rows_loaded == 1


def test_a_server_that_does_not_log_logically(project, shop) -> None:
    from demo.postgres import start_server

    with server_folder() as folder:
        server = start_server(folder / "data", {"wal_level": "replica"})
        try:
            shop.declare(t="[id]")
            (project / "shop.dsn").write_text(server.dsn)
            error, hint = _error(shop)
        finally:
            server.stop()
    assert "wal_level" in error
    assert "alter system" in hint


@pytest.mark.full
def test_a_slot_that_another_process_reads_is_told_as_in_use(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    shop.load()
    with Server(shop.dsn, "test").replication() as stream:
        stream.start(shop.slot, shop.slot, 0)
        (result,) = shop.ingest()
    assert "is in use" in (result.error or "")
    assert "smelt watch" in (result.hint or "")
    shop.sql("insert into t values (1)")
    assert shop.load()["t"].rows_loaded == 1
