"""Captures the changes of one source up to now: snapshot, then the log as far as it is written."""

from __future__ import annotations

import time
from collections.abc import Sequence

import duckdb

from ingest.cdc.capture import explained
from ingest.load import Job, StreamResult
from ingest.mysql.feed import MysqlFeed
from ingest.retry import Transient, retrying
from plugins.core.errors import SmeltError
from plugins.core.lake import StaleBatch

_BATCH_SECONDS = 30.0


def capture(jobs: Sequence[Job]) -> list[StreamResult]:
    """Bring the captured streams of one source up to the server's log as it is now; returns what became of each.

    Raises SmeltError. What was committed before stays.
    """
    try:
        return retrying(lambda: _captured(jobs), on_wait=jobs[0].waited)
    except (StaleBatch, duckdb.Error) as error:
        raise explained(jobs[0], error) from error
    except Transient as error:
        hint = "start it or correct the connection; `smelt doctor` tests each connection"
        raise SmeltError(str(error), hint) from error


def _captured(jobs: Sequence[Job]) -> list[StreamResult]:
    feed = MysqlFeed(jobs, until_now=True)
    try:
        since = time.monotonic()
        while not feed.is_there:
            feed.take(1.0)
            if feed.is_full or time.monotonic() - since >= _BATCH_SECONDS:
                feed.commit()
                since = time.monotonic()
        feed.settle()
    finally:
        feed.close()
    asked = {job.name for job in jobs}
    return [result for result in feed.results() if result.name in asked]
