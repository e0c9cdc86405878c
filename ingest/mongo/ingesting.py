"""Captures the changes of one source up to now: first readings, then the change stream as far as it has come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import duckdb

from ingest.load import Job, StreamResult, full_disk
from ingest.mongo.feed import MongoFeed
from ingest.retry import Transient, retrying
from plugins.core.errors import SmeltError
from plugins.core.lake import StaleBatch

_BATCH_SECONDS = 30.0
# A majority that is away may be so for long.
_STUCK_SECONDS = 60.0


def capture_collections(jobs: Sequence[Job]) -> list[StreamResult]:
    """Bring the captured streams of one source up to the change stream as it is now.

    Raises SmeltError. What was committed before stays.
    """
    try:
        return retrying(lambda: _captured(jobs), on_wait=jobs[0].waited)
    except StaleBatch as error:
        raise SmeltError(
            f"{jobs[0].source.name}: another process captured it at the same time: {error}", "run one at a time"
        ) from error
    except duckdb.Error as error:
        raise full_disk(jobs[0], error) or SmeltError(
            f"{jobs[0].source.name}: changes can't be written: {str(error).splitlines()[0]}",
            "what was committed stays, and the server keeps the rest; correct what is said, and run it again",
        ) from error
    except Transient as error:
        hint = "start it or correct the connection; `smelt doctor` tests each connection"
        raise SmeltError(str(error), hint) from error


def _captured(jobs: Sequence[Job]) -> list[StreamResult]:
    asked, results = {job.name for job in jobs}, {}
    is_over = False
    while not is_over:
        feed = MongoFeed(jobs)
        try:
            _read_on(feed)
            for result in feed.results():
                before = results.get(result.name)
                results[result.name] = before.followed_by(result) if before else result
        finally:
            feed.close()
        is_over = feed.must_reopen is None
        jobs = [replace(job, override=None) for job in jobs]
    return [result for result in results.values() if result.name in asked]


def _read_on(feed: MongoFeed) -> None:
    """Take and commit everything up to now, or up to where the feed must be opened anew."""
    since = moved = time.monotonic()
    feed.until_now()
    while not feed.has_ended:
        if feed.take(1.0):
            moved = time.monotonic()
        elif time.monotonic() - moved > _STUCK_SECONDS:
            raise SmeltError(
                f"{feed.name}: for {_STUCK_SECONDS:.0f} s, the change stream has not come to what the server has "
                "already: it tells only what a majority of the replica set's members have",
                "start the members that are down, and run it again; nothing was lost",
            )
        if feed.is_full or time.monotonic() - since >= _BATCH_SECONDS:
            feed.settle()
            since = time.monotonic()
    feed.settle()
