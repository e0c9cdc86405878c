"""`smelt onboard` of databases whose tables are called anything: each is a stream of its own, all are loaded."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
TABLES = """
create schema "My Schema"; create schema other;
create table "Order Details" ("Order ID" int primary key, "a.b" text); insert into "Order Details" values (1, 'x');
create table order_details (id int primary key); insert into order_details values (1), (2);
create table "OrderDetails" ("Id" int primary key, id int); insert into "OrderDetails" values (1, 2);
create table "My Schema"."dotted.na""me" (id int primary key); insert into "My Schema"."dotted.na""me" values (1);
create table other.order_details (id int primary key); insert into other.order_details values (1);
create table "日本" ("名前" text, id int primary key); insert into "日本" values ('x', 1);
create table "[bold]" (id int primary key, "{{ x }}" text, "it's; --" text);
insert into "[bold]" values (1, 'a', 'b');
create table dead_letters (id int primary key); insert into dead_letters values (1);
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project without models, in a repository."""
    (tmp_path / "smelt.toml").write_text("")
    (tmp_path / "dbt_project.yml").write_text("name: tried\nprofile: tried\nmodel-paths: [models, sources]\n")
    profile = "tried: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}\n"
    (tmp_path / "profiles.yml").write_text(profile)
    (tmp_path / ".dbtignore").write_text("sources/*/source.yml\nsources/*/mapping.yml\n")
    (tmp_path / ".gitignore").write_text("lake/\n.smelt/\ntarget/\nlogs/\n*.duckdb\n*.db\n")
    git = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "A project"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    return tmp_path


def _smelt(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    names = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SMELT_"))}
    for who in ("AUTHOR", "COMMITTER"):
        names |= {f"GIT_{who}_NAME": "ann", f"GIT_{who}_EMAIL": "ann@example.com"}
    names |= {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "plugins.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=names, check=False)


def _tables(folder: Path, source: str) -> dict[str, str]:
    document = YAML(typ="safe").load(folder / f"sources/{source}/source.yml")
    return {one["name"]: one.get("table") or one["dlt"]["arguments"]["table"] for one in document["streams"]}


@pytest.mark.full
def test_tables_of_any_name_are_streams_of_their_own(folder: Path, postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("create database named")
    dsn = f"{postgres.rpartition('/')[0]}/named"
    try:
        with psycopg.connect(dsn, autocommit=True) as db:
            db.execute(TABLES)  # type: ignore[arg-type]
        told = _smelt(folder, "onboard", dsn, "--name", "odd", "--json")
    finally:
        with psycopg.connect(postgres, autocommit=True) as db:
            db.execute("drop database named with (force)")
    assert told.returncode == 0, told.stderr
    rows = {one["stream"].partition(".")[2]: one["rows"] for one in json.loads(told.stdout)["streams"]}
    assert rows == {
        "order_details": 2, "order_details_2": 1, "order_details_3": 1, "other_order_details": 1,
        "dotted_na_me": 1, "stream": 1, "bold": 1, "dead_letters_2": 1,
    }  # fmt: skip
    tables = _tables(folder, "odd")
    assert tables["order_details_2"] == "public.Order Details"
    assert tables["dotted_na_me"] == 'My Schema."dotted.na""me"'
    assert tables["stream"] == "public.日本"
    assert "public.Order Details is loaded as the stream order_details_2" in told.stderr


@pytest.mark.full
def test_a_sqlite_file_with_values_of_any_type_is_loaded_whole(folder: Path) -> None:
    with sqlite3.connect(folder / "my shop%20?.db") as db:
        db.executescript(
            "create table items (id integer primary key, price decimal(10, 2), at timestamp);"
            "create table kv (k text primary key, v any) without rowid;"
            "insert into kv values ('a', 1), ('b', 'x');"
        )
        db.executemany("insert into items values (?, ?, '2024-01-01 10:00:00')", [(n, n / 4) for n in range(40)])
        db.execute("insert into items values (40, 'n/a', '')")
    told = _smelt(folder, "onboard", "my shop%20?.db", "--name", "shop", "--json")
    assert told.returncode == 0, told.stderr
    rows = {one["stream"]: one["rows"] for one in json.loads(told.stdout)["streams"]}
    assert rows == {"shop.items": 41, "shop.kv": 2}
    assert "in _smelt_extra, and null in the column: price (1), at (1)" in told.stderr


def test_a_password_that_a_url_cannot_hold_is_told_nowhere(folder: Path) -> None:
    told = _smelt(folder, "onboard", "postgresql://me:hun@ter#2/x@127.0.0.1:1/shop", "--yes")
    assert told.returncode == 1
    assert "percent-encoded" in told.stderr
    assert "ter#2" not in told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    assert not (folder / ".smelt/connections").exists()


def test_a_file_that_is_no_database_is_told_by_its_path(folder: Path) -> None:
    (folder / "broken.db").write_text("no database")
    for place in ("broken.db", f"sqlite:///{folder}/missing.db"):
        told = _smelt(folder, "onboard", place, "--yes")
        assert told.returncode == 1
        assert "Traceback" not in told.stderr
        assert str(folder) in told.stderr
        assert f"/{folder}" not in told.stderr
