"""What can't be captured is refused before anything is read, with what to do about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.full


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("create table t (id int primary key) engine = myisam", "engine MyISAM"),
        ("create view t as select 1 as id", "no plain table"),
        ("create table t (id int)", "is no key of"),
        (
            "create table t (id int primary key, p int, foreign key (p) references parent (id) on delete cascade)",
            "foreign key",
        ),
    ],
)
def test_tables_of_which_the_log_does_not_tell_all(shop, statement: str, told: str) -> None:
    shop.sql("create table parent (id int primary key)", statement)
    shop.declare(t="[id]")
    error, hint = shop.refused()
    assert told in error
    assert hint


@pytest.mark.parametrize(
    ("variable", "value"),
    [("binlog_format", "MIXED"), ("binlog_row_image", "MINIMAL"), ("binlog_row_metadata", "MINIMAL")],
)
def test_a_server_whose_log_says_too_little(shop, variable: str, value: str) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    before = shop.rows(f"select @@global.{variable}")[0][0]
    shop.sql(f"set global {variable} = '{value}'")
    try:
        error, hint = shop.refused()
    finally:
        shop.sql(f"set global {variable} = '{before}'")
    assert f"{variable} is {value}" in error
    assert variable in hint


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("set session binlog_row_image = MINIMAL", "without the values of all columns"),
        ("set session binlog_format = STATEMENT", "as a statement"),
    ],
)
def test_a_session_that_writes_too_little_stops_the_stream(shop, setting: str, told: str) -> None:
    shop.sql("create table t (id int primary key, v int)", "insert into t values (1, 1)")
    shop.declare(t="[id]")
    shop.load()
    shop.sql("insert into t values (2, 2)", setting, "update t set v = 3 where id = 1")
    error, _ = shop.refused()
    assert told in error
    shop.load(reset=["shop"])
    assert shop.state("id, v") == [(1, 3), (2, 2)]


def test_a_user_who_may_not(shop) -> None:
    shop.sql("create table t (id int primary key)")
    shop.declare(t="[id]")
    user = f"u{shop.database[-12:]}"
    shop.sql(f"create user {user} identified by 'right-one'", f"grant select on {shop.database}.* to {user}")
    (shop.project / "password").write_text("wrong-one")
    toml = (shop.project / "smelt.toml").read_text().replace("root@", f"{user}@")
    (shop.project / "smelt.toml").write_text(f'{toml}[connections.shop.mysql]\npassword = "file:password"\n')
    error, _ = shop.refused()
    assert "was refused" in error
    assert "wrong-one" not in error
    (shop.project / "password").write_text("right-one")
    error, hint = shop.refused()
    assert "may not" in error
    assert "replication" in hint
    shop.sql(f"grant replication slave, binlog monitor on *.* to {user}")
    shop.load()


def test_doctor_says_how_far_bronze_is_behind(shop) -> None:
    shop.sql("create table t (id int primary key)", "insert into t values (1)")
    shop.declare(t="[id]")
    assert "is followed from the first" in _doctor(shop.project)["found"]
    shop.load()
    shop.sql("insert into t values (2)")
    found = _doctor(shop.project)
    assert found["is_healthy"]
    assert "MariaDB" in found["found"]
    assert "behind the log" in found["found"]


def _doctor(project: Path) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "plugins.cli", "doctor", "--json"],
        cwd=project, env={**os.environ, "PYTHONPATH": str(Path.cwd())}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return json.loads(done.stdout)[0]
