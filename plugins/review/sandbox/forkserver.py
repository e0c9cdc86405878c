"""The server that confined processes are forked from: `python -I -m plugins.review.sandbox.forkserver FD`.

For each message on the socket FD, which carries a connection and a log, it forks a warden, and that the process
that does the tasks. The warden waits for it, kills what it has left behind, and says how it ended.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from dbt_common.tests import enable_test_caching

from plugins.review.sandbox import child
from plugins.review.sandbox.lean_dbt import make_lean
from plugins.review.sandbox.plain_models import make_plain

# What tasks need of Smelt, and through it of dbt.
_LOADED = (
    "plugins.review.sandbox.tasks",
    "plugins.review.sandbox.later",
    "plugins.review.sandbox.server_tasks",
    "dbt.parser.schema_yaml_readers",
    "dbt.task.build",
    "dbt.task.compile",
)
# The static parser has threads, which a fork would wait for in vain.
_PROJECT = "name: warm\nversion: '1.0'\nprofile: warm\nflags: {static_parser: false}\n"
_PROFILE = "warm: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}\n"
_MODELS = """
sources: [{name: raw, tables: [{name: things}]}]
models: [{name: one, columns: [{name: x, data_tests: [unique]}]}]
unit_tests:
  - {name: it_is_one, model: one, given: [], expect: {rows: [{x: 1}]}}
"""


def main(descriptor: int) -> None:
    """Serve until the other end closes."""
    # First of all: what follows takes seconds, in which the parent may die.
    child.die_with_parent()
    for module in _LOADED:
        import_module(module)
    make_lean()
    make_plain()
    # Jinja that was parsed once, as dbt's own macros are in the warm-up, is not parsed again.
    enable_test_caching()
    _warm_up(Path.cwd() / "warm")
    gc.freeze()
    # Wardens are not waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as control:
        while True:
            message, descriptors, _, _ = socket.recv_fds(control, 1, 2)
            if not message:
                return
            if os.fork() == 0:
                control.close()
                _guard(*descriptors)
            for held in descriptors:
                os.close(held)


def _warm_up(folder: Path) -> None:
    """Parse a small project: dbt writes and compiles much of its code at its first use."""
    from plugins.core.project import Project

    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(_PROJECT)
    (folder / "profiles.yml").write_text(_PROFILE)
    (folder / "models" / "one.sql").write_text("{{ config(materialized='table') }} select 1 as x")
    (folder / "models" / "models.yml").write_text(_MODELS)
    assert Project(folder).manifest


def _guard(connection: int, log: int) -> None:
    """Do the tasks in a process of its own, and never return."""
    child.die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        child.main(connection, log)
        os._exit(0)
    # The group's leader is not reaped before its group is killed: nobody else can have its number.
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    with suppress(BrokenPipeError):
        os.write(connection, f"\n{code}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
