"""The change stream of a source's collections, one event after the other, from a place that bronze knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bson.json_util import CANONICAL_JSON_OPTIONS, dumps, loads
from bson.timestamp import Timestamp
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from ingest.mongo.client import HISTORY_LOST, NO_IMAGE, TOO_LARGE, Deployment, Server
from ingest.mongo.collections import Namespace
from ingest.mongo.events import Event, event_of, token_text
from plugins.core.errors import SmeltError

# How long the server waits for an event before it answers that there is none.
_AWAIT_MS = 200
_FULL_DOCUMENT = {"lookup": "updateLookup", "required": "required"}


class HistoryLost(SmeltError):
    """The server no longer has what comes after a place."""


@dataclass(frozen=True)
class Place:
    """A place in a change stream: its resume token; of: the collection of the event whose token it is.

    None: no event's. A server finds an event's token again only in a stream that has the event.
    """

    token: Mapping[str, Any]
    of: Namespace | None = None

    @property
    def text(self) -> str:
        """It sorts as the stream does."""
        return token_text(self.token)

    def entries(self) -> dict[str, Any]:
        """As a position has it."""
        of = [self.of.database, self.of.collection] if self.of else None
        return {"resume": dumps(self.token, json_options=CANONICAL_JSON_OPTIONS), "of": of}

    @classmethod
    def read(cls, position: Mapping[str, Any]) -> Place | None:
        """The place that a position has, if it has one."""
        if "resume" not in position:
            return None
        of = position.get("of")
        return cls(loads(position["resume"]), Namespace(*of) if of else None)


@dataclass(frozen=True)
class Watched:
    """What is watched of a deployment. full_document: `lookup` or `required`; source: for messages."""

    deployment: Deployment
    source: str
    namespaces: Collection[Namespace]
    full_document: str

    def open(self, client: MongoClient[Any], after: Place | None, session: Any = None) -> Any:
        """A change stream after a place, or from now on. Raises SmeltError, Transient."""
        wanted = {*self.namespaces, *([after.of] if after and after.of else [])}
        databases = sorted({one.database for one in wanted})
        one = databases[0] if len(databases) == 1 else None
        target = client[one] if one else client
        with self.explained():
            return target.watch(
                _pipeline(sorted(wanted)),
                full_document=_FULL_DOCUMENT[self.full_document],
                max_await_time_ms=_AWAIT_MS,
                start_after=after.token if after else None,
                session=session,
            )

    def now(self, client: MongoClient[Any]) -> Place:
        """The place after everything that has happened. Raises SmeltError, Transient."""
        with self.open(client, None) as stream:
            token = stream.resume_token
        if token is None:
            raise SmeltError(
                f"{self.deployment.where}: the server says no place in its change stream",
                "use MongoDB 4.4 or later",
            )
        return Place(_plain(token))

    @contextmanager
    def explained(self) -> Iterator[None]:
        """What only a change stream says, and everything else as of the deployment."""
        with self.deployment.explained("change stream"):
            try:
                yield
            except OperationFailure as error:
                if told := self._told(error):
                    raise told from error
                raise

    def _told(self, error: OperationFailure) -> SmeltError | None:
        where, again = self.deployment.where, f"`smelt ingest {self.source} --reset {self.source}`"
        if error.code in HISTORY_LOST:
            return HistoryLost(
                f"{where}: the server no longer has the changes after those in bronze (error {error.code}: its "
                "oplog is too short, or was made anew)",
                f"{again} reads the collections again and loads what differs; a longer oplog keeps them",
            )
        if error.code in TOO_LARGE:
            return SmeltError(
                f"{where}: an event is larger than the 16 MiB that a change stream can send (a document beside "
                "what was changed of it)",
                f"make such documents smaller; {again} reads the collections again and goes on after it",
            )
        if error.code in NO_IMAGE and self.full_document == "required":
            return SmeltError(
                f"{where}: an update's post-image is not there (any more), and source.yml says "
                "`full_document: required`",
                f"keep them longer (expireAfterSeconds); {again} reads the collections again and goes on",
            )
        return None


def _pipeline(namespaces: Sequence[Namespace]) -> list[Mapping[str, Any]]:
    """Only events of these collections; what ends a stream always comes."""
    parts: list[Mapping[str, Any]] = [{"operationType": {"$in": ["invalidate", "dropDatabase"]}}]
    for database in sorted({one.database for one in namespaces}):
        names = [one.collection for one in namespaces if one.database == database]
        parts += [{f"{of}.db": database, f"{of}.coll": {"$in": names}} for of in ("ns", "to")]
    return [{"$match": {"$or": parts}}]


class ChangeReader:
    """Reads a change stream. place: after the last event that was taken. is_drained: the server had no more.

    complete: everything that was committed up to this cluster time has come; None: the server doesn't tell.
    """

    def __init__(self, watched: Watched, client: MongoClient[Any], server: Server, after: Place) -> None:
        self._watched, self._server = watched, server
        self.place = after
        self.complete: Timestamp | None = None
        self.is_drained = False
        self._ahead: tuple[Event, Place] | None = None
        # Its operation time is that of the server's last answer.
        self._session = client.start_session(causal_consistency=False)
        self._stream = watched.open(client, after, self._session)

    def peek(self) -> Event | None:
        """The next event, which stays the next; None: the server has none now. Raises SmeltError, Transient."""
        if self._ahead is None:
            answered = self._session.operation_time
            with self._watched.explained():
                told = self._stream.try_next()
            token = self._stream.resume_token
            if told is None:
                self._drained(token, answered)
                return None
            event = event_of(told)
            of = None if event.kind == "invalidate" or token_text(token) != event.token else event.of
            self._ahead = event, Place(_plain(token), of)
        return self._ahead[0]

    def next(self) -> Event | None:
        """The next event, which is then taken."""
        event = self.peek()
        if event is not None and self._ahead is not None:
            self.place, self._ahead = self._ahead[1], None
            self.is_drained = False
        return event

    def close(self) -> None:
        """Let go of the server's cursor."""
        self._stream.close()
        self._session.end_session()

    def _drained(self, token: Any, answered: Timestamp | None) -> None:
        self.is_drained = True
        if token is not None and token_text(token) > self.place.text:
            self.place = Place(_plain(token))
        # Asked after the server had answered at that time, it had nothing: all that was committed by then has
        # come. Answers of a mongos say the time of one shard.
        if answered is not None and not self._server.is_sharded:
            self.complete = max(self.complete or answered, answered)


def _plain(token: Mapping[str, Any]) -> Mapping[str, Any]:
    return loads(dumps(dict(token), json_options=CANONICAL_JSON_OPTIONS))
