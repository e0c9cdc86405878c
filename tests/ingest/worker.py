"""Loads run in processes of their own, so that they can be killed; forked from a server that has everything
imported, because starting Python anew for each would take seconds."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "ingest.runner",
        "ingest.extract.postgres",
        "ingest.cdc",
        "ingest.mongo.feed",
        "ingest.mysql.feed",
        "ingest.webhooks.server",
        "ingest.webhooks.feed",
        "plugins.core.settings",
        "psycopg",
        "airbyte_cdk.sources.declarative.concurrent_declarative_source",
    ]
)


def start(project: Path, failpoint: str = "", repeat: int = 1) -> BaseProcess:
    """Begin `repeat` ingests of `project`, killed at `failpoint` if one is named."""
    process = _CONTEXT.Process(target=_ingest, args=(str(project), failpoint, repeat))
    process.start()
    return process


def run(
    target: Callable[..., None], *arguments: object, failpoint: str = "", hit: Path | None = None
) -> BaseProcess:
    """Begin `target(*arguments)`, killed at `failpoint` if one is named."""
    process = _CONTEXT.Process(target=_armed, args=(target, arguments, failpoint, str(hit)))
    process.start()
    return process


def _armed(target: Callable[..., None], arguments: Sequence[object], failpoint: str, hit: str) -> None:
    if failpoint:
        os.environ |= {"SMELT_FAILPOINT": failpoint, "SMELT_FAILPOINT_HIT": hit}
    target(*arguments)


def _ingest(project: str, failpoint: str, repeat: int) -> None:
    import ingest
    from plugins.core.settings import load_settings

    if failpoint:
        os.environ["SMELT_FAILPOINT"] = failpoint
        os.environ["SMELT_FAILPOINT_HIT"] = f"{project}/hit"
    for _ in range(repeat):
        for result in ingest.run(load_settings(Path(project))):
            if result.error:
                raise SystemExit(result.error)
