"""What must be so before the change stream is read on: collections that are there, first readings, and a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

from ingest.load import Job, StreamResult
from ingest.mongo.client import require_change_streams
from ingest.mongo.collections import Namespace, require_collection
from ingest.mongo.log import PlaceWriter
from ingest.mongo.snapshot import compare, goes_on, read_collection
from ingest.mongo.stream import HistoryLost, Place, Watched
from ingest.mongo.writer import ANEW, TOKEN, UNREAD, CollectionWriter
from plugins.core.errors import SmeltError
from plugins.core.failpoints import reach


@dataclass(frozen=True)
class Prepared:
    """The stream can be read from `start`. compared: of collections that were read again, by `source.stream`."""

    start: Place
    writers: Mapping[str, CollectionWriter]
    compared: Mapping[str, StreamResult]
    notes: Sequence[str]


def sharing(jobs: Sequence[Job], log: PlaceWriter) -> list[Job]:
    """The source's other streams that are captured: the stream is read once, for all."""
    source, asked = jobs[0].source, {job.stream.name for job in jobs}
    return [
        Job(jobs[0].lake, jobs[0].run, jobs[0].pool, source, stream)
        for stream in source.streams
        if stream.sync_mode == "cdc" and stream.name not in asked and stream.name in log.streams
    ]


def prepare(
    watched: Watched,
    client: MongoClient[Any],
    found: Mapping[str, Namespace],
    writers: Mapping[str, CollectionWriter],
    log: PlaceWriter,
) -> Prepared:
    """See to it that each table has begun, and the place from which all are read on.

    Raises SmeltError for what a person must do, StaleBatch, Transient.
    """
    fresh = {name: why for name in found if (why := _why_read(writers[name], found[name], log))}
    for name in fresh:
        if not writers[name].position.get(ANEW):
            with_images = watched.full_document == "required"
            job = writers[name].job
            require_collection(watched.deployment, client, job.name, found[name], with_images=with_images)
    start = _start(watched, client, writers, fresh, log)
    is_onward = log.place is not None and start.text == log.place.text
    # What is read from now on must not be older than the place after which the stream tells.
    now = require_change_streams(watched.deployment, client).now
    for name, why in fresh.items():
        # Whatever happens from here on, these are not taken for tables that only lack what the stream brings.
        if TOKEN in writers[name].position and not goes_on(writers[name]):
            writers[name].commit(writers[name].position[TOKEN], {ANEW: why}, is_seen=True)
    log.note(**start.entries(), streams={name: str(namespace) for name, namespace in found.items()})
    reach("after-start")
    notes, compared, ready = [], {}, dict(writers)
    for name, why in fresh.items():
        writer = writers[name]
        if writer.state.snapshot_id is None or goes_on(writer):
            read_collection(watched, client, found[name], writer, start, now)
            continue
        notes.append(f"{writer.job.name}: {why}; it was read again and compared")
        result = compare(watched.deployment, writer, start, now, is_onward=is_onward)
        compared[result.name] = result
        ready[name] = CollectionWriter(writer.job, writer.con)
    return Prepared(start, ready, compared, notes)


def _start(
    watched: Watched,
    client: MongoClient[Any],
    writers: Mapping[str, CollectionWriter],
    fresh: Mapping[str, str],
    log: PlaceWriter,
) -> Place:
    """Where the stream is read from: before anything that is still to be read, after what all others have.

    Raises SmeltError if the server has no longer what some table needs; Transient.
    """
    are_all_read = len(fresh) == len(writers) and not any(goes_on(writer) for writer in writers.values())
    is_asked = all(writer.job.override is not None or TOKEN not in writer.position for writer in writers.values())
    if log.place is None or (are_all_read and is_asked):
        return watched.now(client)
    try:
        watched.open(client, log.place).close()
    except HistoryLost:
        # Nothing that is lost is needed for what is read again as a whole.
        if are_all_read:
            return watched.now(client)
        raise
    return log.place


def _why_read(writer: CollectionWriter, namespace: Namespace, log: PlaceWriter) -> str:
    """Why a collection must be read; "": its table has begun, and the stream goes on from there."""
    name = writer.job.stream.name
    if writer.job.override is not None:
        if writer.job.override:
            raise SmeltError(
                f"{writer.job.name}: a change stream has no place that can be named",
                f"`smelt ingest {writer.job.name} --reset {writer.job.name}` reads the collection again",
            )
        return "asked for"
    if TOKEN not in writer.position:
        return "it was pulled before, or is new"
    if why := writer.position.get(ANEW):
        return why
    if writer.position.get(UNREAD):
        return "its first reading was broken off"
    if name not in log.streams:
        return "it was left out for a while"
    if log.streams[name] != str(namespace):
        return f"it was {log.streams[name]} before"
    return ""
