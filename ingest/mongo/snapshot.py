"""The first reading of a collection: by `_id`, in parts that are committed one after the other.

The place in the change stream is taken before, and everything after it is applied afterwards; the parts are of
different times, so nobody sees the table before the stream has come to the time at which the last part was read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bson.timestamp import Timestamp
from pymongo import MongoClient

from ingest.extract.base import Pull, PullRequest
from ingest.load import StreamResult, load_stream
from ingest.mongo.client import Deployment
from ingest.mongo.collections import Namespace
from ingest.mongo.pulling import CollectionPull
from ingest.mongo.reading import after, documents, read_key, written_key
from ingest.mongo.rows import row_of
from ingest.mongo.stream import ChangeReader, Place, Watched
from ingest.mongo.writer import ANEW, TOKEN, UNREAD, UNTIL, CollectionWriter
from ingest.spec import SourceSpec
from plugins.core.failpoints import reach
from plugins.core.settings import Settings

# Of a table of which nothing was read yet.
_ALL = "all"
# What one part holds at most, as rows and as bytes of their documents.
_PART_ROWS, _PART_BYTES = 100_000, 128 * 2**20


@dataclass(frozen=True)
class ComparedExtractor:
    """Pulls a collection whose rows are in bronze already; the stream goes on from `start`.

    known: the table's position; is_onward: whether `start` is a place that the stream was read from before.
    """

    deployment: Deployment
    known: Mapping[str, Any]
    is_onward: bool
    start: Place
    now: Timestamp

    def pull(self, request: PullRequest) -> Pull:
        """Begin a pull of the whole collection."""
        whole = replace(request, stream=request.stream.model_copy(update={"cursor": None}))
        pull = CollectionPull(self.deployment, self.now).pull(whole)
        # What nobody sees yet is seen when the stream has come here.
        is_hidden = self.known.get(UNREAD) or self.known.get(UNTIL)
        until = {"time": [self.now.time, self.now.inc], "place": self.start.text} if is_hidden else None
        # Events that are there already, of a run that was killed before the common place was, aren't taken again.
        token = max(self.start.text, self.known.get(TOKEN, "") if self.is_onward else "")
        entries = {TOKEN: token, UNREAD: None, UNTIL: until, ANEW: None}
        return replace(pull, advance=entries)

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """Not for this."""
        raise NotImplementedError


def compare(
    deployment: Deployment, writer: CollectionWriter, start: Place, now: Timestamp, *, is_onward: bool
) -> StreamResult:
    """Read a collection whose rows are in bronze, and load what differs. Raises as `load_stream` does."""
    extractor = ComparedExtractor(deployment, writer.position, is_onward, start, now)
    return load_stream(replace(writer.job, extractor=extractor, override={}))


def goes_on(writer: CollectionWriter) -> bool:
    """Whether a first reading that was broken off goes on where it was."""
    position = writer.position
    return bool(position.get(UNREAD)) and not position.get(ANEW) and writer.job.override is None


def read_collection(
    watched: Watched,
    client: MongoClient[Any],
    namespace: Namespace,
    writer: CollectionWriter,
    start: Place,
    now: Timestamp,
) -> None:
    """Read what of a collection is unread, as of `now` (cluster time) or later. Raises Transient, StaleBatch."""
    last: str | None = writer.position[UNREAD] if goes_on(writer) else None
    token = writer.position[TOKEN] if last else start.text
    where = after(read_key(last)) if last and last != _ALL else {}
    if not last:
        # From now on the table is one that is being read, also if nothing of it is ever committed.
        writer.commit(token, {UNREAD: _ALL, ANEW: None}, is_seen=False)
        reach("after-begin")
    with client.start_session(causal_consistency=True) as session:
        session.advance_operation_time(now)
        size = 0
        for number, raw in enumerate(documents(watched.deployment, client, namespace, where, session)):
            written = written_key(raw)
            letter = f"{namespace}/{written or hashlib.sha256(raw).hexdigest()[:16]}"
            writer.add(row_of(raw, f"{number:018d}", "r", writer.declared, letter=letter))
            writer.job.progress(1)
            size += len(raw)
            if written and (writer.held >= _PART_ROWS or size >= _PART_BYTES):
                writer.commit(token, {UNREAD: written}, is_seen=False)
                size = 0
                reach("after-part")
        read = session.operation_time or now
    until = {"time": [read.time, read.inc], "place": watched.now(client).text}
    writer.commit(token, {UNREAD: None, UNTIL: until}, is_seen=False)
    reach("after-reading")


def is_through(reader: ChangeReader, until: Mapping[str, Any]) -> bool:
    """Whether the stream has come to where a first reading ended; until: as the table's position has it."""
    is_complete = reader.complete is not None and reader.complete >= Timestamp(*until["time"])
    return is_complete or reader.place.text >= until["place"]
