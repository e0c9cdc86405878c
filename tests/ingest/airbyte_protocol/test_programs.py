"""Connectors that are programs: their records once, their state with them, and no way for a bad one to hurt."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingest.worker import start


def _ids(source) -> list[int]:
    return [number for (number,) in source.bronze("select id from bronze where _smelt_op <> 'd' order by id")]


def _seen(source) -> list[dict]:
    return [json.loads(line) for line in (source.project / "seen").read_text().splitlines()]


@pytest.mark.parametrize("mode", ["good", pytest.param("global", marks=pytest.mark.full)])
def test_an_incremental_read_goes_on_where_the_last_state_was(source, mode: str) -> None:
    source.connector(mode)
    assert source.load().rows_loaded == 25
    source.upto(32)
    result = source.load()
    # Records after the last state come again; the load drops those that it has.
    assert (result.rows_read, result.rows_loaded) == (12, 7)
    assert _ids(source) == list(range(1, 33))


@pytest.mark.full
def test_a_full_read_notices_what_is_gone(source) -> None:
    source.connector(sync_mode="full")
    source.load()
    source.upto(20)
    assert source.load().tombstones == 5


def test_secrets_are_in_private_files_only(source) -> None:
    os.environ["SMELT_TEST_OTHER_SECRET"] = "x"
    try:
        source.load()
    finally:
        del os.environ["SMELT_TEST_OTHER_SECRET"]
    for seen in _seen(source):
        assert "s3cret-token" not in str(seen["arguments"])
        assert "SMELT_TEST_OTHER_SECRET" not in seen["environment"]
        assert seen["config"]["token"] == seen["config"]["nested"]["key"] == "s3cret-token"
        assert seen["mode"] == "600"
        assert not Path(seen["arguments"][-1]).exists()
    for path in (source.project / "lake").rglob("*"):
        assert not path.is_file() or b"s3cret-token" not in path.read_bytes()


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("dies", "something broke with ****"),
        ("traced", "the API refuses ****"),
        ("incomplete", "did not read the stream to its end"),
        ("dumb", "did not say which streams it has"),
        ("whole", "the connector reads it only as a whole"),
        ("endless", "wrote a line of more than"),
    ],
)
@pytest.mark.full
def test_a_failed_read_says_why_and_commits_nothing(source, mode: str, said: str) -> None:
    source.connector(mode)
    error = source.ingest().error
    assert error is not None
    assert said in error
    source.connector()
    assert source.load().rows_loaded == 25
    assert _ids(source) == list(range(1, 26))


@pytest.mark.full
def test_a_connector_that_says_nothing_is_ended_with_all_that_it_started(source) -> None:
    source.connector("hung", silence="PT1S")
    error = source.ingest().error
    assert error is not None
    assert "said nothing for 1 s" in error
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(source.project) not in left


@pytest.mark.full
def test_what_is_odd_is_kept_or_told(source) -> None:
    source.connector("odd")
    result = source.load()
    assert result.dead_letters == 1
    assert result.notes == ("1 records of other, which was not asked for, were passed over",)
    assert source.bronze("select v, _smelt_extra, more from bronze where id = 100") == [
        (None, '{"v": "text"}', "[1]")
    ]


@pytest.mark.full
def test_a_program_that_floods_standard_error_is_read_to_its_end(source) -> None:
    source.connector("noisy")
    assert source.load().rows_loaded == 25


@pytest.mark.full
def test_a_token_that_the_connector_renews_is_kept_until_ours_is_replaced(source) -> None:
    source.connector("token")
    source.load()
    kept = source.project / "lake" / "airbyte" / "s.json"
    assert oct(kept.stat().st_mode)[-3:] == "600"
    source.load()
    assert _seen(source)[-1]["config"]["token"] == "renewed-token"
    (source.project / "token").write_text("a-new-token")
    source.load()
    assert _seen(source)[-2]["config"]["token"] in {"a-new-token", "renewed-token"}
    assert [s["config"]["token"] for s in _seen(source) if s["command"] == "read"][-1] == "a-new-token"


@pytest.mark.full
def test_a_program_that_is_not_there_is_told(source) -> None:
    path = source.project / "sources" / "s" / "source.yml"
    path.write_text(path.read_text().replace(sys.executable, "/no/such/program"))
    assert "cannot be started" in (source.ingest().error or "")


@pytest.mark.full
@pytest.mark.parametrize("step", ["after-extract", "in-transaction", "after-commit"])
def test_killed_at_each_step(source, step: str) -> None:
    source.load()
    source.upto(48)
    process = start(source.project, step)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    source.load()
    assert source.bronze("select id, count(*) from bronze group by id order by id") == [
        (n, 1) for n in range(1, 49)
    ]


@pytest.mark.full
def test_a_connector_from_pypi(source, tmp_path_factory) -> None:
    """airbyte-source-faker, in an environment of its own."""
    folder = tmp_path_factory.mktemp("faker")
    uv = shutil.which("uv") or str(Path(".uv/bin/uv").resolve())
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder / "v")], check=True)
    python = str(folder / "v" / "bin" / "python")
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "airbyte-source-faker==7.2.1"], check=True)
    path = source.project / "sources" / "s" / "source.yml"
    path.write_text(
        "kind: airbyte\nconnection: c\nowner: tests\n"
        f"airbyte: {{command: [{folder}/v/bin/source-faker]}}\n"
        "config: {count: 200, seed: 1, always_updated: false}\n"
        "streams:\n  - {name: users, primary_key: [id], sync_mode: incremental, cursor: {column: updated_at}}\n"
    )
    (source.project / "smelt.toml").write_text('[connections.c]\ntype = "http"\n')
    assert source.load().rows_loaded == 200
    assert source.load().rows_loaded == 0
    assert "source-faker" in source.command("doctor")[1]
