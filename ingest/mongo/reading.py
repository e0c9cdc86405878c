"""Reading collections in the order of `_id`, and going on after a key.

A query for `_id` greater than a value finds only values of the same type: what comes after is asked for by type,
in the order in which MongoDB sorts types: https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bson.binary import Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.errors import BSONError
from bson.json_util import CANONICAL_JSON_OPTIONS, JSONOptions, dumps, loads
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from pymongo import ASCENDING, MongoClient
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

from ingest.mongo.client import Deployment
from ingest.mongo.collections import Namespace
from ingest.mongo.values import OPTIONS

_AT_ONCE = 2_000
# Types of keys in their order, with the classes of their values.
_BRACKETS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("minKey", (MinKey,)),
    ("null", (type(None),)),
    ("number", (int, float, Decimal128)),
    ("string", (str,)),
    ("object", (Mapping,)),
    ("binData", (bytes, Binary)),
    ("objectId", (ObjectId,)),
    ("bool", (bool,)),
    ("date", (DatetimeMS,)),
    ("timestamp", (Timestamp,)),
    ("javascript", (Code,)),
    ("maxKey", (MaxKey,)),
)
_JSON = JSONOptions(
    json_mode=CANONICAL_JSON_OPTIONS.json_mode, datetime_conversion=OPTIONS.datetime_conversion,
    uuid_representation=OPTIONS.uuid_representation,
)  # fmt: skip


def after(key: Any) -> Mapping[str, Any]:
    """A filter of the documents whose `_id` comes after `key`."""
    place = _bracket(key)
    later = [name for name, _ in _BRACKETS[place + 1 :]]
    # Nothing is greater than NaN, which sorts before all numbers.
    same: Mapping[str, Any] = {"$gte": -math.inf} if _is_nan(key) else {"$gt": key}
    return {"$or": [{"_id": same}, {"_id": {"$type": later}}]} if later else {"_id": same}


def _bracket(key: Any) -> int:
    if isinstance(key, bool):
        return next(n for n, (name, _) in enumerate(_BRACKETS) if name == "bool")
    if isinstance(key, Code):
        return next(n for n, (name, _) in enumerate(_BRACKETS) if name == "javascript")
    return next(n for n, (_, classes) in enumerate(_BRACKETS) if isinstance(key, classes))


def _is_nan(key: Any) -> bool:
    if isinstance(key, Decimal128):
        return key.to_decimal().is_nan()
    return isinstance(key, float) and math.isnan(key)


def written_key(raw: bytes) -> str | None:
    """The `_id` of a document as a position has it; None: it can't be read."""
    try:
        return dumps({"_id": RawBSONDocument(raw, _RAW)["_id"]}, json_options=_JSON)
    except (BSONError, KeyError, ValueError):
        return None


def read_key(written: str) -> Any:
    """The `_id` that `written_key` wrote."""
    return loads(written, json_options=_JSON)["_id"]


_RAW = OPTIONS.with_options(document_class=RawBSONDocument)


def documents(
    deployment: Deployment,
    client: MongoClient[Any],
    namespace: Namespace,
    where: Mapping[str, Any],
    session: ClientSession | None,
) -> Iterator[bytes]:
    """The documents for which `where` holds, by `_id`, as a majority of the servers has them. Raises Transient."""
    collection = client[namespace.database].get_collection(
        namespace.collection, read_concern=ReadConcern("majority" if session else None)
    )
    with deployment.explained(f"collection {namespace}"):
        cursor = collection.find(where, session=session, batch_size=_AT_ONCE).sort("_id", ASCENDING)
        with cursor:
            for document in cursor:
                yield bytes(document.raw)
