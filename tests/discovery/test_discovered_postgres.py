"""What `smelt discover` sees of odd tables of PostgreSQL: what will be loaded of them, and once what won't."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

from plugins.core.errors import SmeltError
from plugins.discovery.command import register

_APP = typer.Typer()
register(_APP)
_APP.command("other")(lambda: None)
PASSWORD = "hunter2-very-secret"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(_APP, ["discover", *arguments])


def _streams(*arguments: str) -> dict[str, dict]:
    result = _run(*arguments, "--json")
    assert result.exit_code == 0, result.exception or result.stderr
    return {stream["name"]: stream for stream in json.loads(result.stdout)["streams"]}


@pytest.fixture(scope="module")
def database(postgres: str) -> Iterator[str]:
    """The DSN of a database of its own."""
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("create database odd")
        db.execute(f"create role passer login password '{PASSWORD}'")
    yield f"{postgres.rpartition('/')[0]}/odd"
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("drop database odd with (force)")
        db.execute("drop role passer")


@pytest.fixture
def sql(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as db:
        yield db
        db.execute("drop schema public cascade")
        db.execute("create schema public")


def test_types_are_those_in_which_values_land(database: str, sql: psycopg.Connection) -> None:
    sql.execute("create table t (id int primary key, n numeric, b bit(8), d date, t time, j jsonb, i interval)")
    sql.execute("""insert into t values (1, 1.10, b'00000011', 'infinity', '24:00', '{}', '1 day'),
        (2, 'NaN', b'00000001', '0044-03-15 BC', '10:00', null, null),
        (3, 3, b'11111111', '2024-01-31', null, null, null)""")
    (stream,) = _streams(database).values()
    columns = {column["name"]: (column["type"], column.get("casts_to")) for column in stream["columns"]}
    assert columns["n"][0] == "VARCHAR"
    assert columns["b"] == ("VARCHAR", None)
    assert (columns["d"][0], columns["t"][0]) == ("DATE", "TIME")
    assert columns["i"][0] == "VARCHAR"


def test_parts_are_read_with_the_whole_and_tables_without_columns_are_told(
    database: str, sql: psycopg.Connection
) -> None:
    sql.execute("create table whole (id int, d date) partition by range (d)")
    sql.execute("create table part partition of whole default")
    sql.execute("insert into whole values (1, '2024-01-01'), (2, '2025-01-01')")
    sql.execute("create table parent (id int); create table heir (more int) inherits (parent)")
    sql.execute("create table nothing (); create materialized view mv as select 1 as one with no data")
    result = _run(database, "--json")
    streams = {stream["name"]: stream for stream in json.loads(result.stdout)["streams"]}
    assert set(streams) == {"whole", "parent", "heir"}
    assert streams["whole"]["rows"] == 2
    assert "inherits from parent" in streams["heir"]["notes"][0]
    assert "without any column, and so left out: nothing" in result.stderr
    assert "mv cannot be read" in result.stderr


def test_tables_that_may_not_be_read_are_told_once_with_the_grant(database: str, sql: psycopg.Connection) -> None:
    sql.execute("create table mine (id int); create table a (id int); create table b (id int)")
    sql.execute("create table few (id int primary key, shown text, hidden text)")
    sql.execute("grant usage on schema public to passer; grant select on mine to passer")
    sql.execute("grant select (id, shown) on few to passer")
    result = _run(database.replace("postgres@", "passer@", 1), "--json")
    streams = {stream["name"]: stream for stream in json.loads(result.stdout)["streams"]}
    assert set(streams) == {"mine", "few"}
    assert [column["name"] for column in streams["few"]["columns"]] == ["id", "shown"]
    notes = [line for line in result.stderr.splitlines() if line.startswith("note")]
    assert len(notes) == 1
    assert "2 tables may not be read by the role passer" in notes[0]
    assert 'grant select on all tables in schema "public" to "passer"' in notes[0]


def test_a_sample_of_a_big_table_is_drawn_by_the_server(database: str, sql: psycopg.Connection) -> None:
    sql.execute(
        "create table big as select n as id, n % 7 as v, '{}'::jsonb as j from generate_series(1, 50000) as n"
    )
    stream = _streams(database, "--rows", "500")["big"]
    assert (stream["rows"], stream["sampled"]) == (50_000, 500)
    assert stream["keys"][0]["columns"] == ["id"]


def test_a_refused_password_is_one_message_without_it(database: str, sql: psycopg.Connection) -> None:
    ((hba,),) = sql.execute("show hba_file").fetchall()
    kept = Path(hba).read_text()
    Path(hba).write_text(f"host all passer 127.0.0.1/32 scram-sha-256\n{kept}")
    sql.execute("create table t (id int)")
    sql.execute("grant usage on schema public to passer; grant select on t to passer")
    try:
        sql.execute("select pg_reload_conf(), pg_sleep(0.2)")
        assert set(_streams(database.replace("postgres@", f"passer:{PASSWORD}@", 1))) == {"t"}
        wrong = "wrong-Pa55-word"
        result = _run(database.replace("postgres@", f"passer:{wrong}@", 1))
    finally:
        Path(hba).write_text(kept)
        sql.execute("select pg_reload_conf()")
    assert isinstance(result.exception, SmeltError)
    assert 'password authentication failed for user "passer"' in result.exception.message
    assert wrong not in f"{result.exception} {result.output}"


@pytest.mark.parametrize("password", ["p@ss#w/rd", "pa/ss", "pa%zz", "a b", "[::pass", "pa?ss"])
def test_a_password_that_a_url_cannot_hold_is_in_no_message(password: str) -> None:
    result = _run(f"postgresql://me:{password}@127.0.0.1:1/x")
    assert isinstance(result.exception, SmeltError)
    assert "%40" in (result.exception.hint or "")
    assert "ss" not in str(result.exception).replace("password", "")
