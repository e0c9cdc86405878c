"""Collections of MongoDB: changes by its change streams, or pulls.

Streams of one source of `kind: mongodb` go in; committed bronze batches of documents come out, exactly once: the
place in the change stream is committed with the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ingest.mongo.extra import require_extra

if TYPE_CHECKING:
    from ingest.load import Job, StreamResult
    from ingest.mongo.feed import MongoFeed

__all__ = ["capture", "open_feed"]


def capture(jobs: Sequence[Job]) -> list[StreamResult]:
    """Bring the captured streams of one source up to now; returns what became of each. Raises SmeltError."""
    require_extra()
    from ingest.mongo.ingesting import capture_collections

    return capture_collections(jobs)


def open_feed(jobs: Sequence[Job]) -> MongoFeed:
    """The captured streams of one source, followed. Raises SmeltError, Transient."""
    require_extra()
    from ingest.mongo.feed import MongoFeed

    return MongoFeed(jobs)
