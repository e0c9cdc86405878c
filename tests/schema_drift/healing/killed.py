"""One watching in a process of its own, that a test may kill at a failpoint; its modules come warm."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

from drifting_shop import RENAMED, Shop

from plugins.core.settings import load_settings

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["plugins.schema_drift.healing.watching", "dbt.cli.main", "dbt.adapters.duckdb"])


def watch_until(folder: Path, failpoint: str, hit: Path, *, is_drifted: bool) -> int | None:
    """Watch the shop in `folder`; the process kills itself at `failpoint`. Its exit code: -9 if it was killed."""
    process = _context.Process(target=_watch, args=(folder, failpoint, hit, is_drifted))
    process.start()
    process.join()
    return process.exitcode


def _watch(folder: Path, failpoint: str, hit: Path, is_drifted: bool) -> None:
    os.environ["SMELT_FAILPOINT"] = failpoint
    os.environ["SMELT_FAILPOINT_HIT"] = str(hit)
    shop = Shop(load_settings(folder))
    shop.upstream = [RENAMED] if is_drifted else []
    shop.watch()
