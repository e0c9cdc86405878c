"""The confined process: a hostile dbt project is built in it for real."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from plugins.core.errors import SmeltError
from plugins.review.sandbox.confine import ConfinementLimits, ForkServer

HERE = Path(__file__).parent
BUILD = "plugins.review.sandbox.tasks:build_side"


@contextmanager
def _listening() -> Iterator[int]:
    """A server that greets whoever connects."""
    server = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connection.sendall(b"hello")
            connection.close()

    threading.Thread(target=greet, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


def _project(home: Path, **models: str) -> Path:
    project = home / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text("name: hostile\nversion: '1.0'\nprofile: hostile\n")
    (home / "profiles.yml").write_text(
        f"hostile: {{target: dev, outputs: {{dev: {{type: duckdb, path: '{home}/scratch.duckdb', threads: 1}}}}}}"
    )
    for name, text in models.items():
        stem, _, suffix = name.rpartition("_")
        (project / "models" / f"{stem}.{suffix}").write_text(text)
    return project


def _arguments(home: Path) -> dict[str, Any]:
    return {
        "project_dir": str(home / "project"),
        "profiles_dir": str(home),
        "target": "dev",
        "target_path": str(home / "target"),
        "environment": {},
        "warehouse": str(home / "scratch.duckdb"),
        "select": [f"model.hostile.{path.stem}" for path in (home / "project" / "models").glob("*.*")],
        "tests": [],
    }


def _build(home: Path, *, seconds: int = 120) -> dict[str, Any]:
    limits = ConfinementLimits(seconds, 4 * 2**30)
    with (
        ForkServer(home.parent / f"server of {home.name}") as server,
        server.start(limits=limits, readable=[], writable=[home], environment={}) as process,
    ):
        return process.run(BUILD, _arguments(home))


def test_a_hostile_python_model_gets_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "canary-in-the-environment")
    home, outside = tmp_path / "home", tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret.txt"
    secret.write_text("canary-in-a-file")
    with _listening() as port:
        code = (HERE / "hostile.py").read_text()
        for name, value in (
            ("SECRET", secret),
            ("OUTSIDE", outside / "made"),
            ("GIT", HERE.parents[2] / ".git" / "HEAD"),
            ("HOME", Path.home()),
            ("PORT", port),
        ):
            code = code.replace(name, str(value))
        _project(home, hostile_py=code)
        result = _build(home)
    assert [(node["status"], node["message"]) for node in result["nodes"]] == [("success", "OK")]
    with duckdb.connect(str(home / "scratch.duckdb"), read_only=True) as con:
        rows = con.execute("select attempt, succeeded, said from hostile").fetchall()
    assert len(rows) == 18
    assert [row for row in rows if row[1]] == []
    assert sorted(path.name for path in outside.iterdir()) == ["secret.txt"]
    assert secret.read_text() == "canary-in-a-file"
    assert "canary" not in (home / "sandbox.log").read_text()


def test_a_macro_cannot_write_or_read_outside(tmp_path: Path) -> None:
    home = tmp_path / "home"
    target = tmp_path / "stolen.csv"
    project = _project(
        home,
        copying_sql=f"{{{{ config(post_hook=\"copy (select 1) to '{target}'\") }}}} select 1 as x",
        reading_sql="{{ config(materialized='table') }} select * from read_text('/etc/passwd')",
        secret_sql='select \'{{ env_var("CANARY", "nothing") }}\' as x',
    )
    assert project.is_dir()
    os.environ["CANARY"] = "canary"
    try:
        result = _build(home)
    finally:
        del os.environ["CANARY"]
    assert {node["name"]: node["status"] for node in result["nodes"]} == {
        "copying": "error",
        "reading": "error",
        "secret": "success",
    }
    assert not target.exists()
    with duckdb.connect(str(home / "scratch.duckdb"), read_only=True) as con:
        assert con.execute("select x from secret").fetchall() == [("nothing",)]


def _descendants(pid: int) -> list[psutil.Process]:
    """Confined processes below `pid`, which may have other children."""
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if "plugins.review.sandbox.forkserver" in child.cmdline()]


def test_a_timeout_ends_everything(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _project(home, slow_py="import time\ndef model(dbt, session):\n    time.sleep(600)\n    return None\n")
    with pytest.raises(SmeltError, match="longer than 8 s"):
        _build(home, seconds=8)
    assert _descendants(os.getpid()) == []


def test_too_much_memory_is_an_error_of_the_model_not_of_the_machine(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _project(
        home, big_py="def model(dbt, session):\n    x = bytearray(6 * 2**30)\n    return session.sql('select 1')\n"
    )
    result = _build(home)
    assert [node["status"] for node in result["nodes"]] == ["error"]


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _project(home, slow_py="import time\ndef model(dbt, session):\n    time.sleep(600)\n    return None\n")
    script = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(HERE)!r})
        from test_confine import _build
        _build(Path({str(home)!r}))
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        children = _wait_for_child(parent.pid)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert gone
    assert alive == []


def _wait_for_child(pid: int) -> list[psutil.Process]:
    for _ in range(200):
        children = _descendants(pid)
        if children:
            # Past the start of Python, where it asks to die with its parent.
            time.sleep(2)
            return children
        time.sleep(0.1)
    raise AssertionError("no child was started")


def test_a_task_that_fails_gives_its_reason(tmp_path: Path) -> None:
    with pytest.raises(SmeltError, match=r"no dbt_project\.yml"):
        _build(tmp_path / "home")


def test_a_process_does_one_task_after_another_until_one_ends_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    killing = "import os\ndef model(dbt, session):\n    os.kill(os.getpid(), 9)\n    return None\n"
    _project(home, one_sql="select 1 as x", two_sql="select 2 as x", killing_py=killing)
    limits = ConfinementLimits(120, 4 * 2**30)
    told = _arguments(home)
    with (
        ForkServer(tmp_path / "server") as server,
        server.start(limits=limits, readable=[], writable=[home], environment={}) as process,
    ):
        for name in ("one", "two"):
            # What was selected before is not selected any more.
            built = process.run(BUILD, {**told, "select": [f"model.hostile.{name}"]})
            assert [node["name"] for node in built["nodes"]] == [name]
        with pytest.raises(SmeltError, match="KeyError"):
            process.run(BUILD, {**told, "select": ["model.hostile.none"]})
        with pytest.raises(SmeltError, match="signal 9"):
            process.run(BUILD, told)
        assert not process.is_alive


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    homes = [tmp_path / name for name in ("one", "two")]
    for position, home in enumerate(homes):
        _project(home, m_sql=f"select {position} as x")
    threads = [threading.Thread(target=_build, args=[home]) for home in homes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for position, home in enumerate(homes):
        with duckdb.connect(str(home / "scratch.duckdb"), read_only=True) as con:
            assert con.execute("select x from m").fetchall() == [(position,)]
