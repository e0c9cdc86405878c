"""BSON values → what bronze keeps of them.

A value's kind says where it may land: `int` (a double holds it exactly), `long`, `number`, `bool`, `date`,
`binary`, `text` for everything else, `null`, and `unfit` for dates that no type of bronze holds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any

import bson
from bson.binary import UUID_SUBTYPE, Binary
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.errors import BSONError
from bson.int64 import Int64
from bson.json_util import CANONICAL_JSON_OPTIONS, RELAXED_JSON_OPTIONS, default, dumps
from bson.objectid import ObjectId

# Dates stay milliseconds: Python's end with the year 9999.
OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict, datetime_conversion=DatetimeConversion.DATETIME_MS
)
_EXACT = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Bronze holds the years 1 to 9999.
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
_END = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1) + 86_400_000
_KINDS: Mapping[type, str] = {
    int: "int", Int64: "int", float: "number", bool: "bool", bytes: "binary", DatetimeMS: "date", NoneType: "null",
}  # fmt: skip


class UnreadableDocument(ValueError):
    """Bytes that are no document, or one that a reader would lose a part of."""


def decoded(raw: bytes) -> dict[str, Any]:
    """The document in `raw`. Raises UnreadableDocument."""
    try:
        document = bson.decode(raw, OPTIONS)
        # A field that stands twice, which BSON allows, is there once now.
        is_whole = len(bson.encode(document, codec_options=OPTIONS)) == len(raw)
    except (BSONError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableDocument(f"not BSON: {' '.join(str(error).split())[:200]}") from error
    if not is_whole:
        raise UnreadableDocument("a field stands twice in the document, or is of a type that is no longer used")
    return document


def kind_of(value: Any) -> str:
    """The kind of a value."""
    kind = _KINDS.get(type(value), "text")
    if kind == "int" and not -_EXACT <= value <= _EXACT:
        return "long"
    if kind == "date" and not _FIRST <= int(value) < _END:
        return "unfit"
    return kind


def text_of(value: Any) -> str:
    """A value as text: what is nested as JSON, ObjectIds, UUIDs and decimals as they are written."""
    written = _TEXTS.get(type(value))
    return written(value) if written else dumps(value, json_options=CANONICAL_JSON_OPTIONS)


def json_text(value: Any) -> str:
    """Extended JSON (relaxed): numbers are numbers, other types as `{"$oid": …}`, `{"$date": …}` and so on."""
    try:
        return _ENCODER.encode(value)
    except ValueError:
        # NaN and infinity, which JSON has no numbers for.
        return dumps(value, json_options=RELAXED_JSON_OPTIONS, ensure_ascii=False)


def _extended(value: Any) -> Any:
    return default(value, RELAXED_JSON_OPTIONS)


_ENCODER = json.JSONEncoder(default=_extended, ensure_ascii=False, allow_nan=False)


def _float_text(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _moment_text(value: DatetimeMS) -> str:
    if not _FIRST <= int(value) < _END:
        return dumps(value, json_options=CANONICAL_JSON_OPTIONS)
    return (_EPOCH + timedelta(milliseconds=int(value))).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _binary_text(value: Binary) -> str:
    if value.subtype == UUID_SUBTYPE and len(value) == 16:
        return str(value.as_uuid())
    return dumps(value, json_options=CANONICAL_JSON_OPTIONS)


_TEXTS: Mapping[type, Callable[[Any], str]] = {
    str: str, ObjectId: str, Decimal128: str, int: str, Int64: str, float: _float_text, Binary: _binary_text,
    bool: lambda value: "true" if value else "false", DatetimeMS: _moment_text, dict: json_text, list: json_text,
}  # fmt: skip
