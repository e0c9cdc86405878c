"""`_id` as text: different for different keys, and the same for keys that MongoDB takes for the same.

Numbers are one key whatever their type (5, 5.0 and NumberLong(5)); fields of a document have an order.
"""

from __future__ import annotations

import decimal
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from bson.binary import UUID_SUBTYPE, Binary
from bson.decimal128 import Decimal128, create_decimal128_context
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps
from bson.objectid import ObjectId

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_WHOLE = re.compile(r"-?[0-9]+")
_INT64 = 2**63


class UnfitKey(ValueError):
    """A key that isn't of the type that was declared."""


def key_text(key: Any) -> str:
    """A key as text: an ObjectId as its digits, whole numbers as digits, text as it is, anything else as JSON.

    Text that could be taken for one of the others is in quotes, as JSON has it.
    """
    if isinstance(key, ObjectId):
        return str(key)
    if isinstance(key, str):
        return json.dumps(key, ensure_ascii=False) if _is_ambiguous(key) else key
    if _is_number(key):
        found = _number(key)
        return str(found) if isinstance(found, int) else dumps(found, json_options=CANONICAL_JSON_OPTIONS)
    return dumps(_normal(key), json_options=CANONICAL_JSON_OPTIONS)


def declared_key(key: Any, kind: str) -> str | int:
    """A key where all keys were said to be of one kind: `bigint`, or `varchar`. Raises UnfitKey."""
    found = _number(key) if _is_number(key) else key
    if kind == "bigint":
        if isinstance(found, int):
            return found
        raise UnfitKey(f"_id is not a whole number: {key_text(key)[:100]}")
    if isinstance(found, str | int | ObjectId):
        return str(found)
    if isinstance(found, Binary) and found.subtype == UUID_SUBTYPE:
        return str(found.as_uuid())
    raise UnfitKey(f"_id is neither text, ObjectId, whole number nor UUID: {key_text(key)[:100]}")


def _is_ambiguous(key: str) -> bool:
    return key[:1] in ('"', "{", "[") or bool(_OBJECT_ID.fullmatch(key) or _WHOLE.fullmatch(key)) or key in _WORDS


# What JSON calls keys that are neither text nor a document.
_WORDS = {"true", "false", "null"}


def _is_number(key: Any) -> bool:
    return isinstance(key, int | float | Decimal128) and not isinstance(key, bool)


def _number(key: int | float | Decimal128) -> Any:
    """Whole numbers of 64 bits as int; others so that equal ones are the same."""
    if isinstance(key, float) and not math.isfinite(key):
        return key
    exact = key.to_decimal() if isinstance(key, Decimal128) else decimal.Decimal(key)
    if not exact.is_finite():
        return float(exact)
    if exact == exact.to_integral_value() and -_INT64 <= exact < _INT64:
        return int(exact)
    with decimal.localcontext(create_decimal128_context()) as context:
        context.traps[decimal.Inexact] = True
        try:
            return Decimal128(exact.normalize(context))
        except decimal.DecimalException:
            # A double that has more digits than a Decimal128, which none can be equal to.
            return float(exact)


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _normal(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_normal(inner) for inner in value]
    return _number(value) if _is_number(value) else value
