"""A replica set of one node as MongoDB's manual describes it, as far as reading it needs: collections, an oplog,
change streams. It is no MongoDB: what it shows is that the client asks and answers as the manual says.

https://www.mongodb.com/docs/manual/changeStreams/, https://www.mongodb.com/docs/manual/reference/change-events/
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import bson
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp

from ingest.mongo.values import OPTIONS
from tests.ingest.mongo.wire import Refused

_TYPES = ["null", "number", "string", "object", "binData", "objectId", "bool", "date"]


def sort_key(key: Any) -> tuple:
    """Where a key stands among all: the order of types, then of values."""
    if isinstance(key, bool):
        return (6, key)
    if isinstance(key, Decimal128):
        return (1, key.to_decimal())
    if isinstance(key, int | float):
        return (1, key)
    if isinstance(key, str):
        return (2, key.encode())
    if isinstance(key, Mapping):
        return (3, tuple((sort_key(value)[0], name, sort_key(value)) for name, value in key.items()))
    if isinstance(key, bytes):
        return (4, len(key), getattr(key, "subtype", 0), bytes(key))
    if isinstance(key, ObjectId):
        return (5, key.binary)
    return (7, int(key)) if isinstance(key, DatetimeMS) else (0,)


@dataclass
class Entry:
    """An entry of the oplog. place: sorts as the stream does; image: the document after it."""

    at: Timestamp
    place: str
    event: dict[str, Any]
    image: bytes | None


@dataclass
class Cursor:
    """An open cursor: of a change stream, or of a query."""

    batch: Callable[[int], tuple[list[bytes], str | None, bool]]
    namespace: str


@dataclass
class Replica:
    """majority: time of what most members have; None: everything. most: documents in an answer.

    hooks: each called once, when a command of that name was answered.
    """

    name: str | None = "rs0"
    majority: Timestamp | None = None
    most: int = 1000
    images: set[str] = field(default_factory=set)
    views: set[str] = field(default_factory=set)
    failures: list[tuple[str, Refused]] = field(default_factory=list)
    hooks: list[tuple[str, Callable[[], None]]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data: dict[str, dict[str, dict[tuple, bytes]]] = {}
        self.oplog: list[Entry] = []
        self.forgotten = ""
        self._cursors: dict[int, Cursor] = {}
        self._ids = itertools.count(1)
        self._changed = threading.Condition(threading.RLock())
        self._now = Timestamp(int(time.time()), 1)

    # --- what an application does

    def insert(self, database: str, collection: str, *documents: Any, **more: Any) -> None:
        for document in documents:
            raw = (
                bytes(document.raw)
                if isinstance(document, RawBSONDocument)
                else bson.encode(document, codec_options=OPTIONS)
            )
            key = RawBSONDocument(raw, _RAW)["_id"]
            with self._changed:
                self._of(database, collection)[sort_key(key)] = raw
                self._log("insert", database, collection, key, image=raw, **more)

    def replace(self, database: str, collection: str, document: Mapping[str, Any], **more: Any) -> None:
        raw = bson.encode(document, codec_options=OPTIONS)
        with self._changed:
            self._of(database, collection)[sort_key(document["_id"])] = raw
            self._log("replace", database, collection, document["_id"], image=raw, **more)

    def update(self, database: str, collection: str, key: Any, **changes: Any) -> None:
        """Set fields. transaction: (session, number)."""
        more = {"transaction": changes.pop("transaction", None), "at": changes.pop("at", None)}
        with self._changed:
            documents = self._of(database, collection)
            document = {**bson.decode(documents[sort_key(key)], OPTIONS), **changes}
            raw = documents[sort_key(key)] = bson.encode(document, codec_options=OPTIONS)
            told = {"updatedFields": changes, "removedFields": [], "truncatedArrays": []}
            self._log("update", database, collection, key, image=raw, told=told, **more)

    def delete(self, database: str, collection: str, key: Any, **more: Any) -> None:
        with self._changed:
            del self._of(database, collection)[sort_key(key)]
            self._log("delete", database, collection, key, **more)

    def drop(self, database: str, collection: str) -> None:
        with self._changed:
            self.data[database].pop(collection)
            self._log("drop", database, collection, None)

    def rename(self, database: str, collection: str, to: str) -> None:
        with self._changed:
            self.data[database][to] = self.data[database].pop(collection)
            self._log("rename", database, collection, None, to={"db": database, "coll": to})

    def drop_database(self, database: str) -> None:
        with self._changed:
            for collection in list(self.data.get(database, {})):
                self.drop(database, collection)
            self._log("dropDatabase", database, None, None)

    def transaction(self) -> dict[str, Any]:
        """What the events of a transaction have in common: its number, and the time of its commit."""
        return {"transaction": (uuid.uuid4(), 7), "at": self._tick()}

    def forget(self) -> None:
        """The oplog is too short for what is in it."""
        with self._changed:
            self.forgotten = self.oplog[-1].place if self.oplog else ""

    def idle(self) -> None:
        """Something is written that nobody watches."""
        with self._changed:
            self._log("noop", "local", "nothing", None)

    def documents(self, database: str, collection: str) -> list[dict[str, Any]]:
        return [bson.decode(raw, OPTIONS) for _, raw in sorted(self._of(database, collection).items())]

    def _of(self, database: str, collection: str) -> dict[tuple, bytes]:
        return self.data.setdefault(database, {}).setdefault(collection, {})

    def _tick(self) -> Timestamp:
        with self._changed:
            self._now = Timestamp(self._now.time, self._now.inc + 1)
            return self._now

    def _log(
        self, kind: str, database: str, collection: str | None, key: Any, image: bytes | None = None,
        told: Any = None, transaction: Any = None, at: Timestamp | None = None, to: Any = None,
    ) -> None:  # fmt: skip
        at = at or self._tick()
        event: dict[str, Any] = {
            "_id": None, "operationType": kind, "clusterTime": at,
            "wallTime": DatetimeMS(int(datetime.now(UTC).timestamp() * 1000)),
            "ns": {"db": database, **({"coll": collection} if collection else {})},
        }  # fmt: skip
        if key is not None or kind in ("insert", "delete"):
            event["documentKey"] = {"_id": key}
        if told:
            event["updateDescription"] = told
        if to:
            event["to"] = to
        if transaction:
            event |= {"lsid": {"id": Binary.from_uuid(transaction[0]), "uid": b""}, "txnNumber": transaction[1]}
        number = sum(entry.at == at for entry in self.oplog[-10_000:])
        place = f"{high_water(at)[:-10]}80{number:08X}"
        self.oplog.append(Entry(at, place, event, image))
        self._changed.notify_all()

    # --- what a client asks

    def command(self, name: str, body: Mapping[str, Any], database: str) -> dict[str, Any]:
        self.asked.append(dict(body))
        for failure in self.failures:
            if failure[0] == name:
                self.failures.remove(failure)
                raise failure[1]
        run = getattr(self, f"_{name.lower()}", None)
        if run is None:
            raise Refused(59, f"no such command: {name}")
        answer = run(body, database)
        for hook in [hook for hook in self.hooks if hook[0] == name][:1]:
            self.hooks.remove(hook)
            hook[1]()
        times = {
            "operationTime": self.majority if self.majority and name in ("aggregate", "getMore") else self._now,
            "$clusterTime": {"clusterTime": self._now, "signature": _NO_SIGNATURE},
        }
        return {**answer, **times} if self.name else answer

    def _hello(self, _body: Mapping[str, Any], _database: str) -> dict[str, Any]:
        member = {"setName": self.name, "primary": self.me, "me": self.me, "hosts": [self.me], "secondary": False}
        return {
            "helloOk": True, "ismaster": True, "isWritablePrimary": True,
            "saslSupportedMechs": ["SCRAM-SHA-256"], "maxBsonObjectSize": 16 * 2**20,
            "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000, "minWireVersion": 0,
            "maxWireVersion": 21, "logicalSessionTimeoutMinutes": 30, **(member if self.name else {}),
        }  # fmt: skip

    me = ""
    _ismaster = _hello

    def _buildinfo(self, _body: Mapping[str, Any], _database: str) -> dict[str, Any]:
        return {"version": "7.0.0 (loopback)", "versionArray": [7, 0, 0, 0]}

    def _ping(self, _body: Mapping[str, Any], _database: str) -> dict[str, Any]:
        return {}

    _endsessions = _ping

    def _listcollections(self, body: Mapping[str, Any], database: str) -> dict[str, Any]:
        wanted = body.get("filter", {}).get("name")
        found = [
            {
                "name": name, "type": "view" if name in self.views else "collection",
                "options": {"changeStreamPreAndPostImages": {"enabled": True}} if name in self.images else {},
            }
            for name in self.data.get(database, {})
            if wanted in (None, name)
        ]  # fmt: skip
        return {"cursor": {"id": 0, "ns": f"{database}.$cmd.listCollections", "firstBatch": found}}

    def _killcursors(self, body: Mapping[str, Any], _database: str) -> dict[str, Any]:
        for cursor in body["cursors"]:
            self._cursors.pop(cursor, None)
        return {"cursorsKilled": body["cursors"]}

    def _find(self, body: Mapping[str, Any], database: str) -> dict[str, Any]:
        last: list[tuple] = []

        def batch(_wait: int) -> tuple[list[bytes], str | None, bool]:
            # A cursor sees what is there when it comes to it.
            with self._changed:
                rows = sorted(self._of(database, body["find"]).items())
            left = [
                (key, raw) for key, raw in rows
                if (not last or key > last[-1]) and matches(body.get("filter", {}), RawBSONDocument(raw, _RAW))
            ][: body.get("batchSize", 101) if body.get("batchSize", 101) < self.most else self.most]  # fmt: skip
            last.extend(key for key, _ in left[-1:])
            return [raw for _, raw in left], None, not left

        return self._begun(Cursor(batch, f"{database}.{body['find']}"))

    def _aggregate(self, body: Mapping[str, Any], database: str) -> dict[str, Any]:
        stages = list(body["pipeline"])
        options = stages[0]["$changeStream"]
        if self.name is None:
            raise Refused(40573, "The $changeStream stage is only supported on replica sets")
        collection = body["aggregate"] if body["aggregate"] != 1 else None
        scope = {} if options.get("allChangesForCluster") else {"ns.db": database}
        where = {**scope, **({"ns.coll": collection} if collection else {})}
        match = stages[1]["$match"] if len(stages) > 1 else {}
        after = options.get("startAfter") or options.get("resumeAfter")
        with self._changed:
            start = after["_data"] if after else max(high_water(self._next()), self._last())
            if self.forgotten and start < self.forgotten:
                raise Refused(286, "Resume of change stream was not possible, as the resume point may no longer "
                                   "be in the oplog.", "NonResumableChangeStreamError")  # fmt: skip
            found = [entry for entry in self.oplog if entry.place == start]
            if start.endswith("FF") and "resumeAfter" in options:
                told = "Attempting to resume a change stream using 'resumeAfter' is not allowed from an invalidate"
                raise Refused(260, told, "NonResumableChangeStreamError")
            is_event = start[-10:-8] == "80" and not start.endswith("FF")
            if is_event and not (found and self._is_told(found[0], where, match)):
                raise Refused(
                    280, "cannot resume stream; the resume token was not found", "NonResumableChangeStreamError"
                )
        place = [start]

        def batch(wait: int) -> tuple[list[bytes], str | None, bool]:
            deadline = time.monotonic() + wait / 1000
            with self._changed:
                while True:
                    told = [e for e in self._since(place[0]) if self._is_told(e, where, match)][: self.most]
                    if told or (left := deadline - time.monotonic()) <= 0:
                        break
                    self._changed.wait(left)
                events: list[bytes] = []
                for entry in told:
                    events.append(self._event(entry, options))
                    place[0] = entry.place
                    if entry.event["operationType"] == "dropDatabase" and not options.get("allChangesForCluster"):
                        place[0] = f"{entry.place[:-2]}FF"
                        ended = {
                            "_id": {"_data": place[0]},
                            "operationType": "invalidate",
                            "clusterTime": entry.at,
                        }
                        return [*events, bson.encode(ended)], place[0], True
                if len(told) < self.most:
                    place[0] = max(place[0], high_water(self.majority or self._now) if self.oplog else place[0])
                return events, place[0], False

        return self._begun(Cursor(batch, f"{database}.$cmd.aggregate"))

    def _getmore(self, body: Mapping[str, Any], _database: str) -> dict[str, Any]:
        cursor = self._cursors.get(body["getMore"])
        if cursor is None:
            raise Refused(43, f"cursor id {body['getMore']} not found", "ResumableChangeStreamError")
        return self._batch(body["getMore"], cursor, body.get("maxTimeMS", 0), "nextBatch")

    def _begun(self, cursor: Cursor) -> dict[str, Any]:
        number = next(self._ids)
        self._cursors[number] = cursor
        return self._batch(number, cursor, 0, "firstBatch")

    def _batch(self, number: int, cursor: Cursor, wait: int, where: str) -> dict[str, Any]:
        rows, place, is_over = cursor.batch(wait)
        if is_over:
            self._cursors.pop(number, None)
        told: dict[str, Any] = {"id": 0 if is_over else number, "ns": cursor.namespace}
        told[where] = [RawBSONDocument(raw, _RAW) for raw in rows]
        if place is not None:
            told["postBatchResumeToken"] = {"_data": place}
        return {"cursor": told}

    def _event(self, entry: Entry, options: Mapping[str, Any]) -> bytes:
        event = {**entry.event, "_id": {"_data": entry.place}}
        kind, names = event["operationType"], event["ns"]
        if kind in ("insert", "replace"):
            event["fullDocument"] = RawBSONDocument(entry.image, _RAW)  # type: ignore[arg-type]
        elif kind == "update" and options.get("fullDocument") == "required":
            if names["coll"] not in self.images:
                raise Refused(47, "Change stream was configured to require a post-image for all update events, "
                                  "but the post-image was not found", "NonResumableChangeStreamError")  # fmt: skip
            event["fullDocument"] = RawBSONDocument(entry.image, _RAW)  # type: ignore[arg-type]
        elif kind == "update" and options.get("fullDocument") == "updateLookup":
            raw = self._of(names["db"], names["coll"]).get(sort_key(event["documentKey"]["_id"]))
            event["fullDocument"] = RawBSONDocument(raw, _RAW) if raw else None
        return bson.encode(event, codec_options=OPTIONS)

    def _since(self, place: str) -> list[Entry]:
        return [entry for entry in self.oplog if entry.place > place]

    def _is_told(self, entry: Entry, where: Mapping[str, Any], match: Mapping[str, Any]) -> bool:
        is_there = self.majority is None or entry.at <= self.majority
        is_watched = entry.event["operationType"] != "noop" and matches(where, entry.event)
        return is_there and is_watched and matches(match, entry.event)

    def _next(self) -> Timestamp:
        return Timestamp(self._now.time, self._now.inc + 1)

    def _last(self) -> str:
        return self.oplog[-1].place if self.oplog else ""


def high_water(at: Timestamp) -> str:
    """A place before all events of a time."""
    return f"82{at.time:08X}{at.inc:08X}0000000000"


def matches(where: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether a filter holds, of the operators that are used here; comparisons find values of the same type."""
    for name, wanted in where.items():
        if name == "$or":
            if not any(matches(one, document) for one in wanted):
                return False
            continue
        value = document
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if not _holds(wanted, value):
            return False
    return True


def _holds(wanted: Any, value: Any) -> bool:
    if not (isinstance(wanted, Mapping) and any(name.startswith("$") for name in wanted)):
        return value == wanted
    for operator, given in wanted.items():
        if operator == "$in" and value not in given:
            return False
        if operator == "$type" and _TYPES[sort_key(value)[0]] not in given:
            return False
        if operator in ("$gt", "$gte"):
            one, other = sort_key(value), sort_key(given)
            if one[0] != other[0] or not (one > other or (operator == "$gte" and one == other)):
                return False
    return True


_RAW = OPTIONS.with_options(document_class=RawBSONDocument, unicode_decode_error_handler="replace")
_NO_SIGNATURE = {"hash": b"\0" * 20, "keyId": 0}
