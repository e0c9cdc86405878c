"""Which decoder reads which format, and keys that a registry's schema describes, as JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from ingest.extract.base import DeadLetter
from ingest.kafka.keys import as_kept
from ingest.kafka.registry import Registry, UnknownSchema, framed
from ingest.kafka.values.avro_values import open_avro
from ingest.kafka.values.base import Decoder
from ingest.kafka.values.json_values import JsonDecoder
from ingest.kafka.values.plain_values import BytesDecoder, TextDecoder
from ingest.kafka.values.protobuf_values import open_protobuf
from ingest.kafka.values.rows import Reader, RowsDecoder, Unreadable
from ingest.spec import StreamSpec
from ingest.spec.kafka import KafkaSpec

_FRAMED: Mapping[str, Callable[[Registry, int], Reader]] = {"avro": open_avro, "protobuf": open_protobuf}


def decoder(stream: StreamSpec, spec: KafkaSpec, registry: Registry) -> Decoder:
    """What reads the values of a stream."""
    if spec.format in _FRAMED:
        return RowsDecoder(stream, spec, registry, _FRAMED[spec.format])
    if spec.format == "json":
        return JsonDecoder(stream, spec)
    return TextDecoder() if spec.format == "text" else BytesDecoder()


class KeyReader:
    """Gives keys as bronze keeps them; those that can't be read make dead letters of their messages."""

    def __init__(self, stream: StreamSpec, spec: KafkaSpec, registry: Registry) -> None:
        opened = _FRAMED.get(spec.key_format)
        self._format = spec.key_format
        self._rows = RowsDecoder(stream, spec, registry, opened) if opened else None

    def read(self, messages: pa.Table) -> tuple[pa.Table, list[DeadLetter]]:
        """`messages` with their keys as they are kept. Raises Transient."""
        place = messages.schema.get_field_index("_smelt_key")
        if self._rows is None:
            return messages.set_column(place, "_smelt_key", as_kept(messages["_smelt_key"], self._format)), []
        letters: list[DeadLetter] = []
        kept: list[str | None] = []
        is_read: list[bool] = []
        for n, key in enumerate(messages["_smelt_key"].to_pylist()):
            try:
                kept.append(None if key is None else self._text(key))
                is_read.append(True)
            except (ValueError, Unreadable, UnknownSchema) as error:
                is_read.append(False)
                letters += self._letter(messages.slice(n, 1), f"key: {error}")
        readable = messages.filter(pa.array(is_read, pa.bool_()))
        return readable.set_column(place, "_smelt_key", pa.array(kept, pa.large_string())), letters

    def _text(self, key: bytes) -> str:
        assert self._rows is not None
        schema_id, payload = framed(key)
        reader = self._rows.reader(schema_id)
        row = reader.read(payload)
        if list(reader.columns) == ["value"]:
            return json.dumps(row["value"], default=_plain, ensure_ascii=False)
        return json.dumps(dict(row), default=_plain, ensure_ascii=False)

    def _letter(self, message: pa.Table, reason: str) -> Iterator[DeadLetter]:
        (row,) = message.select(["_smelt_partition", "_smelt_offset", "smelt_value"]).to_pylist()
        yield DeadLetter(reason, f"{row['_smelt_partition']}/{row['_smelt_offset']}", row["smelt_value"] or b"")


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)
