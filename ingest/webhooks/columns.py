"""Bodies of messages → Arrow columns, in types that stay the same from batch to batch where the values allow it.

A batch may hold one message, so types are not taken from the batch alone: a column that the table has takes what
fits it; single values that don't fit go to `_smelt_extra`; when most don't, they begin a column of another type.
Dates stay text, and nested values JSON text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from ingest.extract.base import DeadLetter
from ingest.load.types import AUDIT_TYPES
from ingest.webhooks.frames import Message

# Beside what every bronze row has.
RECEIVED_TYPES = {
    "_smelt_received_at": pa.timestamp("us", tz="UTC"),
    "_smelt_key": pa.string(),
    "_smelt_headers": pa.string(),
    "_smelt_body": pa.string(),
}
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
_EXACT = 2**53
# A sender who makes up names must not make a table that nothing can read.
_MOST_COLUMNS = 1000


@dataclass(frozen=True)
class Landable:
    """The rows of a batch, and messages that are none."""

    rows: pa.Table
    letters: list[DeadLetter]


def to_columns(
    messages: Sequence[tuple[int, Message]], settled: Mapping[str, Sequence[pa.DataType]], keep_body: bool
) -> Landable:
    """The bodies as columns, each message by its sequence number.

    settled: types of the table's columns by name, the newest version of a column first.
    """
    records: list[dict[str, Any]] = []
    kept: list[tuple[int, Message]] = []
    letters = []
    for sequence, message in messages:
        try:
            record = orjson.loads(message.body)
        except orjson.JSONDecodeError as error:
            letters.append(_letter(sequence, message, f"not JSON: {error}"))
            continue
        if not isinstance(record, dict):
            letters.append(_letter(sequence, message, "not a JSON object"))
            continue
        kept.append((sequence, message))
        records.append(record)
    extras: list[dict[str, Any]] = [{} for _ in records]
    columns = {}
    for name in _names(records, settled, extras):
        values = [_plain(record.get(name)) for record in records]
        if name not in settled and all(value is None for value in values):
            continue  # nothing tells its type yet
        columns[name] = _column(name, values, settled.get(name, ()), extras)
    return Landable(pa.table({**columns, **_audit(kept, extras, keep_body)}), letters)


def _names(
    records: Sequence[dict[str, Any]], settled: Mapping[str, Any], extras: Sequence[dict[str, Any]]
) -> list[str]:
    """Names of the columns; what can be none, by its name or because there are too many, goes to `extras`."""
    names: dict[str, str] = {name.lower(): name for name in settled}
    found: dict[str, None] = {}
    for record, extra in zip(records, extras, strict=True):
        for name in record:
            if name in found:
                continue
            folded = name.lower()
            is_new = folded not in names and len(names) < _MOST_COLUMNS
            if not name.strip() or folded.startswith("_smelt_") or not (is_new or names.get(folded) == name):
                extra[name] = record[name]
                continue
            names[folded] = name
            found[name] = None
    return list(found)


def _plain(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


def _column(
    name: str, values: list[Any], settled: Sequence[pa.DataType], extras: Sequence[dict[str, Any]]
) -> pa.Array:
    given = sum(value is not None for value in values)
    for kind in settled:
        strays = [n for n, value in enumerate(values) if value is not None and not _fits(value, kind)]
        # Not one of them fits: it has become something else. Some do: those that don't are strays.
        if given and len(strays) * 2 > given:
            continue
        for n in strays:
            extras[n][name], values[n] = values[n], None
        return pa.array(values).cast(kind) if given - len(strays) else pa.nulls(len(values), kind)
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and len(kinds) == 2 and all(_fits(v, pa.float64()) for v in values if v is not None):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if len(kinds) == 1 and all(value is None or _fits(value, _TYPES[next(iter(kinds))]) for value in values):
        return pa.array(values, _TYPES[kinds.pop()])
    texts = [
        value if value is None or isinstance(value, str) else orjson.dumps(value).decode() for value in values
    ]
    return pa.array(texts, pa.string())


def _fits(value: Any, kind: pa.DataType) -> bool:
    """Whether a column of `kind` holds the value exactly, as what it is."""
    if pa.types.is_boolean(kind):
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if pa.types.is_integer(kind):
        return isinstance(value, int) and -(2**63) <= value < 2**63
    if pa.types.is_floating(kind):
        return isinstance(value, float) or (isinstance(value, int) and abs(value) <= _EXACT)
    return pa.types.is_string(kind) and isinstance(value, str)


def _audit(
    kept: Sequence[tuple[int, Message]], extras: Iterable[dict[str, Any]], keep_body: bool
) -> dict[str, pa.Array]:
    messages = [message for _, message in kept]
    bodies = [message.body.decode("utf-8", "replace") if keep_body else None for message in messages]
    return {
        "_smelt_source_position": pa.array([f"{sequence:018d}" for sequence, _ in kept], pa.string()),
        "_smelt_extra": pa.array(
            [orjson.dumps(extra).decode() if extra else None for extra in extras], pa.string()
        ),
        "_smelt_received_at": pa.array([message.received for message in messages], pa.int64()).cast(
            RECEIVED_TYPES["_smelt_received_at"]
        ),
        "_smelt_key": pa.array([message.key for message in messages], pa.string()),
        "_smelt_headers": pa.array([message.headers or None for message in messages], pa.string()),
        "_smelt_body": pa.array(bodies, pa.string()),
    }


def _letter(sequence: int, message: Message, reason: str) -> DeadLetter:
    return DeadLetter(reason, f"{sequence:018d}", message.body)


def settled_types(columns: Mapping[str, pa.DataType]) -> dict[str, list[pa.DataType]]:
    """Types of a bronze table's columns by the name at the source, the newest version (`name__v2`) first."""
    found: dict[str, list[tuple[int, pa.DataType]]] = {}
    for name, kind in columns.items():
        if name in AUDIT_TYPES or name in RECEIVED_TYPES:
            continue
        base, _, version = name.rpartition("__v")
        is_version = bool(base) and version.isdigit() and base in columns
        found.setdefault(base if is_version else name, []).append((int(version) if is_version else 1, kind))
    return {
        name: [_small(kind) for _, kind in sorted(versions, key=lambda pair: -pair[0])]
        for name, versions in found.items()
    }


def _small(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_large_string(kind) else kind
