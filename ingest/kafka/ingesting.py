"""Brings the topics of one source up to where they are now."""

from __future__ import annotations

import time
from collections.abc import Sequence

import duckdb

from ingest.kafka.feed import KafkaFeed
from ingest.kafka.replaying import replay
from ingest.load import Job, StreamResult, full_disk
from ingest.retry import Transient, retrying
from plugins.core.errors import SmeltError

_BATCH_SECONDS = 30.0


def ingest_topics(jobs: Sequence[Job]) -> list[StreamResult]:
    """Read the topics of one source to their ends as they are now; returns what became of each stream.

    Streams with a position to read from (`--reset`, `--from`) are read again from there. Raises SmeltError.
    What was committed before stays.
    """
    try:
        results = [
            retrying(lambda job=job: replay(job), on_wait=job.waited) for job in jobs if job.override is not None
        ]
        onward = [job for job in jobs if job.override is None]
        if onward:
            results += retrying(lambda: _read(onward), on_wait=jobs[0].waited)
    except duckdb.Error as error:
        raise full_disk(jobs[0], error) or SmeltError(
            f"{jobs[0].source.name}: messages can't be written: {str(error).splitlines()[0]}",
            "what was committed stays, and the topic keeps the rest; correct what is said, and run it again",
        ) from error
    except Transient as error:
        hint = "start it or correct the connection; `smelt doctor` tests each connection"
        raise SmeltError(str(error), hint) from error
    return results


def _read(jobs: Sequence[Job]) -> list[StreamResult]:
    feed = KafkaFeed(jobs, is_shared=False)
    try:
        read_to_end(feed)
        return feed.outcomes.whole()
    finally:
        feed.close()


def read_to_end(feed: KafkaFeed) -> None:
    """Take and commit everything up to the topics' ends as they are now."""
    feed.until({name: topic.end for name, topic in feed.topics.items()})
    since, is_done = time.monotonic(), False
    while not is_done:
        feed.take(1.0)
        if feed.is_full or feed.has_ended or time.monotonic() - since >= _BATCH_SECONDS:
            feed.settle()
            since = time.monotonic()
            # A commit that failed, as another process came first, makes the feed read again.
            is_done = feed.has_ended
