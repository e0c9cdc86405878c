"""What a user must mend is said in one message, without the password in it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import select

import ingest
from ingest.extract.postgres import PostgresExtractor
from ingest.health import examine
from plugins.core.errors import SmeltError
from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import load_settings

SECRET = "hunter2-very-secret"


@pytest.fixture
def table(shop):
    shop.sql("create table t (id int primary key)")
    shop.sql("insert into t values (1)")
    shop.stream("t", "primary_key: [id]")
    return shop


def test_an_unknown_role_is_refused_at_once(table) -> None:
    (table.project / "shop.dsn").write_text(table.dsn.replace("postgres@", f"nobody:{SECRET}@", 1))
    result = table.ingest()
    assert result.outcome == "failed"
    assert "connection 'shop' was refused" in result.error
    assert "smelt.toml" in result.hint
    assert SECRET not in str(result)


def test_a_refused_password_is_in_no_output_file_or_ledger(table, tmp_path, monkeypatch) -> None:
    role = f"r_{table.schema.lower()}"
    table.sql(f"create role \"{role}\" login password 'right'")
    ((hba,),) = table.rows("show hba_file")
    kept = Path(hba).read_text()
    Path(hba).write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n{kept}")
    monkeypatch.setenv("SHOP_DSN", table.dsn.replace("postgres@", f"{role}:{SECRET}@", 1))
    (table.project / "smelt.toml").write_text('[connections.shop]\ntype = "postgres"\ndsn = "env:SHOP_DSN"\n')
    try:
        table.sql("select pg_reload_conf(), pg_sleep(0.2)")
        result = table.ingest()
    finally:
        Path(hba).write_text(kept)
        table.sql("select pg_reload_conf()")
    assert result.outcome == "failed"
    assert "connection 'shop' was refused: password authentication failed" in result.error
    assert SECRET not in str(result)
    files = [path for path in table.project.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" or "ledger" in path.name for path in files)
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_an_unreachable_server_is_given_up_after_a_few_tries(table) -> None:
    (table.project / "shop.dsn").write_text(f"postgresql://postgres:{SECRET}@127.0.0.1:1/postgres")
    started = time.monotonic()
    result = table.ingest()
    assert time.monotonic() - started < 20
    assert "connection 'shop' cannot be reached" in result.error
    assert SECRET not in str(result)
    finding = examine(load_settings(table.project))[0]
    assert not finding.is_healthy
    assert SECRET not in str(finding)


def test_a_missing_credential_is_named(table) -> None:
    (table.project / "smelt.toml").write_text('[connections.shop]\ntype = "postgres"\ndsn = "env:NO_SUCH_DSN"\n')
    assert "NO_SUCH_DSN" in table.ingest().error


def test_a_dropped_table_is_named_and_what_was_loaded_stays(table) -> None:
    table.load()
    table.sql("drop table t")
    result = table.ingest()
    assert "there is no table" in result.error
    assert table.bronze("select id from bronze") == [(1,)]


def test_a_table_dropped_between_looking_and_reading(table, monkeypatch) -> None:
    begin = PostgresExtractor.pull

    def pull(self, request):
        begun = begin(self, request)
        request.con.rollback()  # lets go of the table, as a pooler that loses the session would
        table.sql("drop table t")
        return begun

    monkeypatch.setattr(PostgresExtractor, "pull", pull)
    result = table.ingest()
    assert "gone" in result.error
    assert not list((table.project / "lake").rglob("*.parquet"))


def test_an_unknown_selector_lists_the_streams(table) -> None:
    with pytest.raises(SmeltError) as error:
        ingest.run(load_settings(table.project), ["shop.nothing"])
    assert "shop.t" in error.value.hint


def test_a_wrong_cursor_or_key_lists_the_columns(table) -> None:
    table.stream("t", "primary_key: [id]", "sync_mode: incremental", "cursor: {column: at}")
    assert "columns: id" in table.ingest().error
    table.stream("t", "primary_key: [nr]")
    assert "columns: id" in table.ingest().error


def test_a_failure_is_in_the_ledger_and_a_healthy_source_is_healthy(table) -> None:
    assert all(finding.is_healthy for finding in examine(load_settings(table.project)))
    table.load()
    table.sql("drop table t")
    table.ingest()
    loads = TABLES["stream_loads"]
    rows = Ledger(load_settings(table.project)).read(select(loads.c.outcome).order_by(loads.c.event_id))
    assert [row["outcome"] for row in rows] == ["loaded", "failed"]
