"""Records made of a schema, an example or a few named fields: the same for the same seed."""

from __future__ import annotations

import copy
import random
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from plugins.connectors.mock.endpoints import Endpoint, Specification
from plugins.connectors.mock.labels import Stream

_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_STEP = timedelta(hours=1, minutes=7)
_MAX_DEPTH = 5
_MAX_VALUES = 2_000
_WORDS = (
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "inlet",
    "jetty",
    "knoll",
    "larch",
)


def changed_at(index: int) -> datetime:
    """When the record of that number changed last: later for each further record, UTC."""
    return _FIRST + index * _STEP


class RecordMaker:
    """Makes answers as one specification describes them."""

    def __init__(self, specification: Specification, seed: int) -> None:
        self._specification = specification
        self._seed = seed

    def value(self, schema: Any, salt: str) -> Any:
        """A value of a schema; what is nested deeper than five levels or recursive beyond that is left empty."""
        budget = [_MAX_VALUES]
        return self._value(schema, random.Random(f"{self._seed}:{salt}"), 0, budget)  # noqa: S311 - sample data

    def body(self, endpoint: Endpoint) -> Any:
        """An answer as a whole: the example if there is no usable schema."""
        schema = self._specification.merged(endpoint.schema)
        return copy.deepcopy(endpoint.example) if not schema else self.value(schema, endpoint.path)

    def record(self, stream: Stream, endpoint: Endpoint, index: int, unique: Iterable[str]) -> Any:
        """The record of that number: the fields in `unique` have a value that no other record has, those that tell
        a change grow with the number.
        """
        if stream.items == "string":
            return f"{_WORDS[index % len(_WORDS)]} {index}"
        schema = self.record_schema(stream, endpoint)
        record = (
            self.value(schema, f"{stream.path}:{index}") if schema else self._described(stream, endpoint, index)
        )
        record = record if isinstance(record, dict) else {}
        fields = dict.fromkeys(unique)
        for name in fields:
            _put(record, name, _unique(name, self._property(schema, name), _at(record, name), index))
        cursors = [one for one in (stream.cursor, *stream.also.cursor) if one is not None]
        for name in dict.fromkeys(one.field for one in cursors):
            if name not in fields:
                _put(record, name, _moment(self._property(schema, name), index))
        return record

    def record_schema(self, stream: Stream, endpoint: Endpoint) -> Mapping[str, Any] | None:
        """The schema of one record, found along the path of the records; None if the specification hasn't one."""
        schema = self._specification.merged(endpoint.schema)
        for key in stream.records:
            schema = self._specification.merged(schema.get("items") if key == "*" else self._property(schema, key))
        if "*" not in stream.records:
            schema = self._specification.merged(schema.get("items"))
        return schema if schema.get("properties") else None

    def _property(self, schema: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
        for key in name.split("."):
            properties = (schema or {}).get("properties")
            schema = self._specification.merged(properties.get(key)) if isinstance(properties, Mapping) else {}
        return schema or {}

    def _described(self, stream: Stream, endpoint: Endpoint, index: int) -> Any:
        found = endpoint.example
        for key in stream.records:
            found = _first(found) if key == "*" else found.get(key) if isinstance(found, Mapping) else None
        if "*" not in stream.records:
            found = _first(found)
        if isinstance(found, Mapping):
            return copy.deepcopy(dict(found))
        kinds = {"datetime": {"type": "string", "format": "date-time"}}
        properties = {name: kinds.get(kind, {"type": kind}) for name, kind in stream.fields.items()}
        return self.value({"type": "object", "properties": properties}, f"{stream.path}:{index}")

    def _value(self, schema: Any, rng: random.Random, depth: int, budget: list[int]) -> Any:
        schema = self._specification.merged(schema)
        budget[0] -= 1
        if "const" in schema:
            return copy.deepcopy(schema["const"])
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return rng.choice(schema["enum"])
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, rng, depth, budget)
        if kind == "array":
            least = schema.get("minItems") if isinstance(schema.get("minItems"), int) else 0
            count = 0 if depth >= _MAX_DEPTH or budget[0] <= 0 else max(min(least, 20), rng.randint(1, 2))
            return [self._value(schema.get("items"), rng, depth + 1, budget) for _ in range(count)]
        if schema.get("nullable") is True and rng.random() < 0.1:
            return None
        return _scalar(kind, schema, rng)

    def _object(
        self, schema: Mapping[str, Any], rng: random.Random, depth: int, budget: list[int]
    ) -> dict[str, Any]:
        if depth >= _MAX_DEPTH or budget[0] <= 0:
            return {}
        properties = schema.get("properties")
        named = properties if isinstance(properties, Mapping) else {}
        result = {str(name): self._value(part, rng, depth + 1, budget) for name, part in named.items()}
        more = schema.get("additionalProperties")
        if not result and isinstance(more, Mapping) and more:
            result = {word: self._value(more, rng, depth + 1, budget) for word in rng.sample(_WORDS, 2)}
        return result


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if isinstance(kind, str) and not (kind == "string" and "properties" in schema):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _scalar(kind: str, schema: Mapping[str, Any], rng: random.Random) -> Any:
    if kind == "boolean":
        return rng.random() < 0.5
    if kind in ("integer", "number"):
        low, high = _number(schema.get("minimum"), 0), _number(schema.get("maximum"), 10_000)
        low, high = (low, high) if low <= high else (high, low)
        return rng.randint(int(low), int(high)) if kind == "integer" else round(rng.uniform(low, high), 2)
    if kind != "string":
        return None
    if isinstance(schema.get("example"), str):
        return schema["example"]
    text = _text(str(schema.get("format", "")), rng)
    least, most = _number(schema.get("minLength"), 0), _number(schema.get("maxLength"), 1_000)
    return text.ljust(int(min(least, 1_000)), "x")[: max(int(most), 0)]


def _text(form: str, rng: random.Random) -> str:
    word, number = rng.choice(_WORDS), rng.randint(1, 9_999)
    moment = changed_at(rng.randint(0, 5_000))
    return {
        "date-time": moment.isoformat().replace("+00:00", "Z"),
        "date": moment.date().isoformat(),
        "time": moment.time().isoformat(),
        "email": f"{word}.{number}@example.com",
        "uri": f"https://example.com/{word}/{number}",
        "url": f"https://example.com/{word}/{number}",
        "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "hostname": f"{word}{number}.example.com",
        "ipv4": f"192.0.2.{number % 255}",
        "ipv6": f"2001:db8::{number:x}",
    }.get(form, f"{word} {number}")


def _unique(name: str, schema: Mapping[str, Any], now: Any, index: int) -> Any:
    form, kind = str(schema.get("format", "")), _kind(schema) if schema else "string"
    last = name.rsplit(".", 1)[-1]
    if form == "uuid":
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{index}"))
    if form in ("uri", "url") or last.endswith("url"):
        return f"https://example.com/{last}/{index + 1}"
    if form == "email" or last == "email":
        return f"person.{index + 1}@example.com"
    if kind == "string" and not (isinstance(now, int) and not schema):
        return str(100_001 + index) if isinstance(now, str) and now.isdigit() else f"{last}-{index + 1:05d}"
    return 100_001 + index


def _moment(schema: Mapping[str, Any], index: int) -> Any:
    moment = changed_at(index)
    if _kind(schema) in ("integer", "number"):
        return int(moment.timestamp())
    return (
        moment.date().isoformat() if schema.get("format") == "date" else moment.isoformat().replace("+00:00", "Z")
    )


def _number(value: Any, otherwise: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _at(record: Any, name: str) -> Any:
    for key in name.split("."):
        record = record.get(key) if isinstance(record, Mapping) else None
    return record


def _put(record: dict[str, Any], name: str, value: Any) -> None:
    *above, last = name.split(".")
    for key in above:
        below = record.get(key)
        if not isinstance(below, dict):
            below = record[key] = {}
        record = below
    record[last] = value
