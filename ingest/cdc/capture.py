"""Captures the changes of one source up to now: snapshot, then the log as far as it is written."""

from __future__ import annotations

import time
from collections.abc import Sequence

import duckdb

from ingest.cdc.feed import CdcFeed
from ingest.load import Job, StreamResult, full_disk
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
        if "slot is in use" in str(error):
            hint = (
                "a `smelt watch` or another load reads it, and what it brings is in bronze; stop it to load here"
            )
        raise SmeltError(str(error), hint) from error


def explained(job: Job, error: StaleBatch | duckdb.Error) -> SmeltError:
    """What to say if changes can't be committed."""
    if isinstance(error, StaleBatch):
        return SmeltError(
            f"{job.source.name}: another process captured it at the same time: {error}", "run one at a time"
        )
    return full_disk(job, error) or SmeltError(
        f"{job.source.name}: changes can't be written: {str(error).splitlines()[0]}",
        "what was committed stays, and the server keeps the rest; correct what is said, and run it again",
    )


def _captured(jobs: Sequence[Job]) -> list[StreamResult]:
    feed = CdcFeed(jobs)
    try:
        end, since = feed.end_of_log(), time.monotonic()
        while not feed.has_reached(end):
            feed.take(1.0)
            if feed.is_full or time.monotonic() - since >= _BATCH_SECONDS:
                feed.commit()
                since = time.monotonic()
        feed.settle()
    finally:
        feed.close()
    asked = {job.name for job in jobs}
    return [result for result in feed.results() if result.name in asked]
