"""What the change stream says happened, in the order in which it says it.

https://www.mongodb.com/docs/manual/reference/change-events/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bson
from bson.errors import BSONError
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp

from ingest.extract.base import DeadLetter
from ingest.mongo.collections import Namespace
from ingest.mongo.keys import UnfitKey
from ingest.mongo.rows import Change, Row, key_of, row_of
from ingest.mongo.values import OPTIONS, json_text
from plugins.core.errors import SmeltError

_OPERATIONS = {"insert": "c", "update": "u", "replace": "u", "delete": "d"}


@dataclass(frozen=True, slots=True)
class Event:
    """One event. token: its place, as text that sorts; kind: `c`, `u`, `d`, or as the stream calls it.

    of: the collection; to: what it was renamed to. transaction: session and number; None: it was in none.
    """

    token: str
    kind: str
    at: Timestamp
    of: Namespace | None
    to: Namespace | None
    transaction: tuple[str, int] | None
    change: Change
    told: Mapping[str, Any]
    raw: bytes

    def row(self, declared: Mapping[str, str]) -> Row | DeadLetter:
        """The row that it makes. declared: types of columns."""
        letter = f"{self.of}/{self.token}"
        document = self.told.get("fullDocument")
        if self.kind != "d" and isinstance(document, RawBSONDocument):
            return row_of(bytes(document.raw), self.token, self.kind, declared, self.change, letter)
        # A document that was gone when an update's was looked up is gone for bronze, too.
        try:
            key = key_of(bson.decode(self.told["documentKey"].raw, OPTIONS).get("_id"), declared)
        except (BSONError, KeyError, AttributeError, UnfitKey) as error:
            return DeadLetter(f"an event without a key that can be read: {error}", letter, self.raw)
        return Row(self.token, "d", key, {}, 0, self.change)


def event_of(told: RawBSONDocument) -> Event:
    """What an event says. Raises SmeltError for one that no version of the server is known to send."""
    try:
        token, at = token_text(told["_id"]), told["clusterTime"]
        operation = told["operationType"]
        of, to = _namespace(told.get("ns")), _namespace(told.get("to"))
        transaction = _transaction(told)
    except (BSONError, KeyError, TypeError, ValueError) as error:
        raise SmeltError(
            f"an event of the change stream can't be read: {' '.join(str(error).split())[:200]}",
            "the place in the stream is kept; report it with the server's version",
        ) from error
    change = Change(
        cluster_time=f"{at.time:010d}.{at.inc:010d}",
        committed=int(told["wallTime"]) * 1000 if "wallTime" in told else at.time * 1_000_000,
        session=transaction[0] if transaction else None,
        number=transaction[1] if transaction else None,
        update=_update(told),
    )
    kind = _OPERATIONS.get(operation, str(operation))
    return Event(token, kind, at, of, to, transaction, change, told, bytes(told.raw))


def token_text(token: Any) -> str:
    """The text of a resume token, which sorts as the stream does.

    https://www.mongodb.com/docs/manual/changeStreams/#resume-tokens. Raises ValueError for another token.
    """
    found = token["_data"]
    if not isinstance(found, str):
        raise ValueError("the server's resume tokens are not text, and can't be compared")
    return found


def _namespace(found: Mapping[str, Any] | None) -> Namespace | None:
    return Namespace(found["db"], found["coll"]) if found is not None and "coll" in found else None


def _transaction(told: RawBSONDocument) -> tuple[str, int] | None:
    if "txnNumber" not in told or "lsid" not in told:
        return None
    session = told["lsid"]["id"]
    return session.hex() if isinstance(session, bytes) else str(session), int(told["txnNumber"])


def _update(told: RawBSONDocument) -> str | None:
    """What an update changed, as JSON."""
    found = told.get("updateDescription")
    if not isinstance(found, RawBSONDocument):
        return None
    try:
        return json_text(bson.decode(found.raw, OPTIONS))
    except (BSONError, ValueError):
        return dumps({"unreadable": found.raw}, json_options=CANONICAL_JSON_OPTIONS)
