"""A build in a process of its own, that a test may kill: warm modules come with the fork server."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.process import BaseProcess
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["plugins.build.pipeline", "dbt.cli.main", "dbt.adapters.duckdb"])


def start_build(folder: Path, failpoint: str | None = None, hit: Path | None = None) -> BaseProcess:
    """Start a build of the project in `folder`; it kills itself at `failpoint`, after writing `hit`."""
    process = _context.Process(target=_build, args=(folder, failpoint, hit))
    process.start()
    return process


def _build(folder: Path, failpoint: str | None, hit: Path | None) -> None:
    os.environ.pop("SMELT_FAILPOINT", None)
    if failpoint:
        os.environ["SMELT_FAILPOINT"] = failpoint
        os.environ["SMELT_FAILPOINT_HIT"] = str(hit)
    from plugins.build import Listener, build
    from plugins.core.settings import load_settings

    waited = Listener(on_wait=lambda _warehouse: (folder / f"waited-{os.getpid()}").touch())
    raise SystemExit(build(load_settings(folder), listener=waited).exit_code)
