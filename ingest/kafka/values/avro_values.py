"""Avro: the columns of a schema, and its values."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

from ingest.kafka.registry import Registry, UnknownSchema
from ingest.kafka.values.rows import Unreadable

_VALUE = "value"
_PLAIN = {
    "boolean": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "float": pa.float32(), "double": pa.float64(),
    "bytes": pa.binary(), "fixed": pa.binary(), "string": pa.string(), "enum": pa.string(),
}  # fmt: skip
_LOGICAL = {
    "date": pa.date32(), "time-millis": pa.time64("us"), "time-micros": pa.time64("us"), "uuid": pa.string(),
    "timestamp-millis": pa.timestamp("us", tz="UTC"), "timestamp-micros": pa.timestamp("us", tz="UTC"),
    "local-timestamp-millis": pa.timestamp("us"), "local-timestamp-micros": pa.timestamp("us"),
}  # fmt: skip
# Iceberg's decimals have 38 digits.
_DIGITS = 38


@dataclass(frozen=True)
class AvroReader:
    """Reads payloads of one schema, as it was written with."""

    schema: Any
    columns: Mapping[str, pa.DataType]

    def read(self, payload: bytes) -> Mapping[str, Any]:
        """The fields of a record; of anything else one column `value`."""
        from fastavro import schemaless_reader

        stream = io.BytesIO(payload)
        try:
            found: Any = schemaless_reader(stream, self.schema, None)
        except Exception as error:
            raise Unreadable(f"not Avro of its schema: {type(error).__name__}: {error}") from error
        if stream.read(1):
            raise Unreadable("not Avro of its schema: bytes are left over")
        row = found if _is_record(self.schema) else {_VALUE: found}
        return {name: _landed(row[name], kind) for name, kind in self.columns.items()}


def open_avro(registry: Registry, schema_id: int) -> AvroReader:
    """The reader of `schema_id`. Raises UnknownSchema, Transient."""
    from fastavro import parse_schema
    from fastavro.schema import SchemaParseException, UnknownType

    schema = registry.schema(schema_id)
    if schema.kind != "AVRO":
        raise UnknownSchema(f"schema {schema_id} is {schema.kind}, not AVRO")
    try:
        named: dict[str, Any] = {}
        for referred in registry.references(schema).values():
            parse_schema(json.loads(referred.text), named_schemas=named)
        parsed: Any = parse_schema(json.loads(schema.text), named_schemas=named, expand=True)
    except (SchemaParseException, UnknownType, ValueError, KeyError, TypeError) as error:
        raise UnknownSchema(f"schema {schema_id} is not valid Avro: {error}") from error
    if not _is_record(parsed):
        return AvroReader(parsed, {_VALUE: _type(parsed)})
    return AvroReader(parsed, {field["name"]: _type(field["type"]) for field in parsed["fields"]})


def _is_record(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "record"


def _type(schema: Any) -> pa.DataType:
    """The Arrow type of one field; what is nested, or of several types, is JSON text."""
    if isinstance(schema, list):
        kinds = [kind for kind in schema if kind != "null"]
        return _type(kinds[0]) if len(kinds) == 1 else pa.string()
    if isinstance(schema, str):
        return _PLAIN.get(schema, pa.string())
    logical = schema.get("logicalType")
    if logical == "decimal" and schema["precision"] <= _DIGITS:
        return pa.decimal128(schema["precision"], schema.get("scale", 0))
    if logical == "decimal":
        return pa.string()
    if logical in _LOGICAL:
        return _LOGICAL[logical]
    inner = schema["type"]
    return _type(inner) if isinstance(inner, dict | list) else _PLAIN.get(inner, pa.string())


def _landed(value: Any, kind: pa.DataType) -> Any:
    if value is None or not pa.types.is_string(kind) or isinstance(value, str):
        return value
    if isinstance(value, UUID | Decimal):
        return str(value)
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else str(value)
