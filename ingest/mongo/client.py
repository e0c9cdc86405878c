"""Clients of a MongoDB deployment: their options, with credentials resolved anew each time, and their errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bson.codec_options import DatetimeConversion
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from pymongo import MongoClient
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.uri_parser import parse_uri

from ingest.retry import Transient
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings, mask, resolve
from plugins.core.settings.secrets import remember

# A server that says nothing for so long is gone; each answer is asked for in less.
_PATIENCE = {"serverSelectionTimeoutMS": 10_000, "connectTimeoutMS": 10_000, "socketTimeoutMS": 60_000}
_REFUSED, _FORBIDDEN = {11, 18, 8000}, {13}
# The server is shutting down, or no longer the primary; a cursor or a session was let go of.
_PASSING = {6, 7, 43, 50, 89, 91, 189, 206, 211, 234, 237, 262, 9001, 10107, 11600, 11602, 13435, 13436, 63, 150,
            13388, 133}  # fmt: skip
# https://www.mongodb.com/docs/manual/reference/error-codes/
HISTORY_LOST, TOO_LARGE, NO_IMAGE = {136, 260, 280, 286}, {10334}, {47}
_NO_CHANGE_STREAM = {40573}


@dataclass(frozen=True)
class Deployment:
    """The deployment behind a connection; each client is made anew, with the credentials of now."""

    settings: Settings
    connection: str

    def __post_init__(self) -> None:
        if not self.settings.connection(self.connection).url:
            where = f"connections.{self.connection}"
            raise SmeltError(f"{where} has no url", f'add url = "env:MONGODB_URL" to [{where}] in smelt.toml')

    @cached_property
    def url(self) -> str:
        """The connection string, resolved."""
        found = self.settings.connection(self.connection).url or ""
        url = resolve(found, self.settings.project_dir, f"connections.{self.connection}.url")
        remember(url)
        return url

    @cached_property
    def where(self) -> str:
        """For messages: no credentials."""
        hosts = self.url.rpartition("@")[2].partition("://")[2] or self.url.rpartition("@")[2]
        return f"connection {self.connection!r} ({hosts.partition('/')[0].partition('?')[0]})"

    @cached_property
    def database(self) -> str | None:
        """The database that the URL names."""
        _, _, path = self.url.partition("://")[2].rpartition("@")[2].partition("/")
        return path.partition("?")[0] or None

    @contextmanager
    def client(self) -> Iterator[MongoClient[Any]]:
        """A client that is closed at the end. Raises SmeltError for options that are wrong, and as `explained`."""
        with self.explained("connecting"):
            client = self._made()
        try:
            yield client
        finally:
            client.close()

    def _made(self) -> MongoClient[Any]:
        where = f"connections.{self.connection}"
        section, folder = self.settings.connection(self.connection).mongo, self.settings.project_dir
        options: dict[str, Any] = {}
        for name, value in section.options.items():
            found = resolve(value, folder, f"{where}.mongo.options.{name}")
            options[name] = str(folder / found) if name.lower().endswith("file") else found
        for name, reference in (("username", section.user), ("password", section.password)):
            if reference is not None:
                options[name] = resolve(reference, folder, f"{where}.mongo.{name}")
        try:
            given = {name.lower() for name in (*parse_uri(self.url, warn=False)["options"], *options)}
            patience = {name: value for name, value in _PATIENCE.items() if name.lower() not in given}
            # Documents stay bytes until rows are made of them.
            raw = {"document_class": RawBSONDocument, "datetime_conversion": DatetimeConversion.DATETIME_MS}
            return MongoClient(self.url, **{**patience, "appname": "smelt", **options, **raw})
        except (ConfigurationError, InvalidURI, ValueError, TypeError) as error:
            raise SmeltError(f"{self.where}: {mask(str(error))}", f"correct [{where}] in smelt.toml") from error

    @contextmanager
    def explained(self, doing: str) -> Iterator[None]:
        """What the driver raises in the block, as SmeltError for what a person must mend, or as Transient."""
        try:
            yield
        except OperationFailure as error:
            raise self._failure(error, doing) from error
        except (AutoReconnect, ServerSelectionTimeoutError) as error:
            raise Transient(f"{self.where}: {doing}: {_told(error)}") from error
        except (PyMongoError, BSONError) as error:
            # Among it a connection that was closed in the middle of an answer.
            raise Transient(f"{self.where}: {doing}: {_told(error)}") from error

    def _failure(self, error: OperationFailure, doing: str) -> Exception:
        told = f"{self.where}: {doing}: {_told(error)}"
        if error.code in _REFUSED:
            # A password may be changed on both sides one after the other: it is read anew with each attempt.
            return Transient(told)
        if error.code in _FORBIDDEN:
            return SmeltError(told, "grant the user the role `read` on the database (readAnyDatabase for several)")
        if error.code in _NO_CHANGE_STREAM:
            return _no_replica_set(self.where)
        labels = {"RetryableWriteError", "ResumableChangeStreamError", "TransientTransactionError"}
        is_passing = error.code in _PASSING or isinstance(error, ExecutionTimeout)
        if is_passing or any(error.has_error_label(label) for label in labels):
            return Transient(told)
        return SmeltError(told, "correct what the server says, and run it again; nothing was lost")


@dataclass(frozen=True)
class Server:
    """What a server says of itself. is_sharded: it is a mongos; now: of its clock."""

    version: str
    is_sharded: bool
    now: Timestamp


def require_change_streams(deployment: Deployment, client: MongoClient[Any]) -> Server:
    """What the server is. Raises SmeltError if it is a standalone, which has no change streams; Transient."""
    with deployment.explained("asking what it is"):
        hello: Mapping[str, Any] = client.admin.command("hello")
        build: Mapping[str, Any] = client.admin.command("buildInfo")
    is_sharded = hello.get("msg") == "isdbgrid"
    if "setName" not in hello and not is_sharded:
        raise _no_replica_set(deployment.where)
    now = hello.get("operationTime") or hello.get("$clusterTime", {}).get("clusterTime")
    if not isinstance(now, Timestamp):
        raise SmeltError(f"{deployment.where}: the server tells no cluster time", "use MongoDB 4.4 or later")
    return Server(str(build.get("version", "?")), is_sharded, now)


def _no_replica_set(where: str) -> SmeltError:
    return SmeltError(
        f"{where}: the server is a standalone, and only replica sets and sharded clusters have change streams",
        "start it with --replSet NAME and run rs.initiate() once (one node is enough); or read the collections "
        "with sync_mode: full or incremental",
    )


def _told(error: Exception) -> str:
    """In one line, without the driver's description of the topology."""
    return mask(" ".join(str(error).split()).partition(", Topology Description")[0].partition(", full error")[0])[
        :400
    ]
