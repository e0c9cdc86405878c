"""Which feed follows which streams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from ingest.load import Job
from ingest.watch.feed import Feed
from ingest.watch.polling import PollFeed

# Each is imported only when it is needed.
_FEEDS = {
    "mongodb/cdc": "ingest.mongo:open_feed",
    "mysql/cdc": "ingest.mysql.feed:open_feed",
    "cdc": "ingest.cdc.feed:open_feed",
    "kafka": "ingest.kafka.feed:open_feed",
    "webhooks": "ingest.webhooks.feed:open_feed",
}


@dataclass(frozen=True)
class Followed:
    """Streams that are followed together. name: of their source; open: begins to follow them.

    is_recorded: whether the feed writes its loads into the ledger itself.
    """

    name: str
    jobs: Sequence[Job]
    open: Callable[[], Feed]
    is_recorded: bool


def followed(jobs: Sequence[Job], poll_seconds: float) -> list[Followed]:
    """The feeds that `jobs` need: one for what a source sends, one for what must be pulled from it."""
    groups: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in jobs:
        groups[job.source.name, _kind(job)].append(job)
    return [_followed(kind, group, poll_seconds) for (_, kind), group in groups.items()]


def _kind(job: Job) -> str:
    mode, kind = job.stream.sync_mode, job.source.kind
    for entry in (f"{kind}/{mode}", mode, kind):
        if entry in _FEEDS:
            return entry
    return "polled"


def _followed(kind: str, jobs: Sequence[Job], poll_seconds: float) -> Followed:
    name = jobs[0].source.name
    if kind == "polled":
        return Followed(name, jobs, lambda: PollFeed(jobs, poll_seconds), is_recorded=True)
    module, _, function = _FEEDS[kind].partition(":")
    return Followed(name, jobs, lambda: getattr(import_module(module), function)(jobs), is_recorded=False)
