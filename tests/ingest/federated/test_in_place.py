"""Streams that are read in place: bronze as it would be after a load, at the source as it is, without a copy."""

from __future__ import annotations

import time

import duckdb
import pytest
from sqlalchemy import select

from ingest.watch.engine import following
from plugins.core import duck
from plugins.core.lake import Lake, pin_namespace
from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import load_settings
from plugins.core.warehouse.in_place import lay_in_place
from tests.ingest.landed import Landed


def _warehouse(project) -> duckdb.DuckDBPyConnection:
    """A connection as a build has it."""
    settings = load_settings(project)
    con = duck.connect()
    con.execute("create schema bronze")
    lay_in_place(con, settings, pin_namespace(Lake(settings), "bronze"))
    return con


def _federated(shop, *more: str) -> None:
    shop.stream("t", "sync_mode: federated", "primary_key: [id]", *more)


@pytest.fixture
def table(shop):
    shop.sql("create table t (id int primary key, name text, paid numeric(10, 2), at timestamptz)")
    shop.sql("insert into t values (1, 'Ada', 1.5, '2026-01-01 00:00+00'), (2, null, null, null)")
    _federated(shop)
    return shop


def test_rows_are_read_where_they_are_with_audit_columns_and_nothing_is_copied(table) -> None:
    result = table.load()
    assert (result.outcome, result.rows_loaded) == ("unchanged", 0)
    assert result.notes == ("federated: read in place at each build, nothing is copied",)
    con = _warehouse(table.project)
    audit = "_smelt_op, _smelt_source_position, length(_smelt_batch_id), _smelt_loaded_at <= now(), _smelt_extra"
    rows = con.execute(f"select id, name, paid::varchar, {audit} from bronze.shop__t order by id").fetchall()
    assert rows == [(1, "Ada", "1.50", "r", "1", 26, True, None), (2, None, None, "r", "2", 26, True, None)]
    table.sql("insert into t values (3, 'Eve', 0, now())")
    assert con.execute("select count(*) from bronze.shop__t").fetchone() == (3,)
    assert not list((table.project / "lake").rglob("*.parquet"))


def test_filters_and_columns_are_pushed_down_and_nothing_can_be_written(table) -> None:
    table.load()
    con = _warehouse(table.project)
    ((_, plan),) = con.execute("explain select name from bronze.shop__t where id = 2").fetchall()
    assert "POSTGRES_SCAN" in plan
    assert "id=2" in plan.replace(" ", "")
    assert "paid" not in plan
    with pytest.raises(duckdb.Error, match="read-only"):
        con.execute(f'delete from "smelt_shop"."{table.schema}"."t"')


def test_secrets_are_in_no_text_that_a_reader_can_see(table) -> None:
    dsn = table.dsn + ("&" if "?" in table.dsn else "?") + "password=s3cret-of-the-shop"
    table.dsn = dsn
    _federated(table)
    table.load()
    con = _warehouse(table.project)
    seen = [
        con.execute(f"select * from {what}").fetchall()
        for what in ("duckdb_views()", "duckdb_databases()", "duckdb_secrets()", "duckdb_settings()")
    ]
    assert "s3cret" not in str(seen)
    for path in (table.project / "lake").rglob("*"):
        assert not path.is_file() or b"s3cret-of-the-shop" not in path.read_bytes()


@pytest.mark.full
def test_a_change_of_the_schema_is_a_new_version_and_the_view_follows_at_the_next_look(table) -> None:
    table.load()
    table.sql("alter table t add column country text default 'GB'")
    assert table.load().schema_change == "+country"
    assert _warehouse(table.project).execute("select max(country) from bronze.shop__t").fetchone() == ("GB",)
    table.sql("alter table t drop column name")
    with pytest.raises(duckdb.Error, match=r"its source has changed.*run smelt ingest"):
        _warehouse(table.project).execute("select * from bronze.shop__t").fetchall()
    assert table.load().schema_change == "−name"
    assert _warehouse(table.project).execute("select count(*), max(name) from bronze.shop__t").fetchone() == (
        2,
        None,
    )


@pytest.mark.full
def test_a_source_that_cannot_be_reached_is_told_when_it_is_read(table) -> None:
    table.load()
    (table.project / "shop.dsn").write_text("postgresql://smelt:pa55word-x@127.0.0.1:1/none")
    con = _warehouse(table.project)
    with pytest.raises(duckdb.Error, match=r"shop__t is read in place, and its source cannot be") as told:
        con.execute("select count(*) from bronze.shop__t").fetchall()
    assert "pa55word-x" not in str(told.value)


@pytest.mark.full
def test_who_follows_it_copies_nothing_either(table) -> None:
    settings = load_settings(table.project)
    loads = select(TABLES["stream_loads"].c.outcome)
    deadline = time.monotonic() + 20
    with following(settings, ["shop"], every=0.1, poll=60, on_commit=lambda _results: None) as engine:
        while not Ledger(settings).read(loads) and time.monotonic() < deadline:
            engine.statuses()
            time.sleep(0.1)
    assert [row["outcome"] for row in Ledger(settings).read(loads)] == ["unchanged"]
    assert not list((table.project / "lake").rglob("*.parquet"))
    assert _warehouse(table.project).execute("select count(*) from bronze.shop__t").fetchone() == (2,)


@pytest.mark.full
def test_another_sync_mode_loads_it_and_back(table) -> None:
    table.load()
    table.stream("t", "primary_key: [id]")
    assert table.load().rows_loaded == 2
    assert table.bronze("select id, name from bronze order by id") == [(1, "Ada"), (2, None)]
    (pin,) = pin_namespace(Lake(load_settings(table.project)), "bronze")
    assert pin.in_place is None
    table.sql("update t set name = 'Bob' where id = 2")
    _federated(table)
    table.load()
    assert _warehouse(table.project).execute("select name from bronze.shop__t where id = 2").fetchone() == ("Bob",)
    table.stream("t", "primary_key: [id]")
    assert table.load().rows_loaded == 1


@pytest.mark.full
def test_what_cannot_be_read_exactly_in_place_is_refused(shop) -> None:
    shop.sql("create table t (id int primary key, amount numeric)")
    _federated(shop)
    error = shop.ingest().error
    assert error is not None
    assert "columns amount" in error


def test_parquet_files_are_read_in_place(project) -> None:
    files = Landed(project, "files", {"type": "files", "url": "drop"})
    (project / "drop").mkdir()
    con = duckdb.connect()
    con.execute(f"copy (select range as n, 'x' as s from range(3)) to '{project}/drop/a.parquet'")
    files.declare(files={"glob": "*.parquet", "format": "parquet"}, sync_mode="federated")
    files.load()
    con.execute(f"copy (select 3 as n, 'y' as s) to '{project}/drop/b.parquet'")
    warehouse = _warehouse(project)
    found = warehouse.execute("select n, s, _smelt_source_position from bronze.s__t order by n").fetchall()
    assert [row[:2] for row in found] == [(0, "x"), (1, "x"), (2, "x"), (3, "y")]
    assert len({row[2] for row in found}) == 4
