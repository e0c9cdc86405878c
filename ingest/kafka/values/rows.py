"""Values that a library decodes one by one: Avro and Protobuf, framed with the id of their schema.

Messages of each schema are a part of their own, with the types of that schema: what was written before a schema
changed lands as it was, and what comes after lands in columns that widen or begin a new version.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from ingest.extract.base import DeadLetter
from ingest.kafka.keys import key_column
from ingest.kafka.registry import Registry, UnknownSchema, framed
from ingest.kafka.values.base import MESSAGES, Part
from ingest.spec import StreamSpec
from ingest.spec.kafka import KafkaSpec
from plugins.core.duck import quote


class Unreadable(Exception):
    """The bytes aren't what their schema says."""


class Reader(Protocol):
    """Reads payloads of one schema. columns: Arrow types by name, in which `read` gives values."""

    @property
    def columns(self) -> Mapping[str, pa.DataType]:
        """The fields of the schema."""
        ...

    def read(self, payload: bytes) -> Mapping[str, Any]:
        """The fields of one payload; raises Unreadable."""
        ...


@dataclass
class RowsDecoder:
    """Reads framed values. opened: makes the reader of a schema; raises UnknownSchema, Transient."""

    stream: StreamSpec
    spec: KafkaSpec
    registry: Registry
    opened: Callable[[Registry, int], Reader]
    _readers: dict[int, Reader] = field(default_factory=dict)
    _unknown: dict[int, str] = field(default_factory=dict)

    def parts(
        self, con: duckdb.DuckDBPyConnection, messages: pa.Table, known: Mapping[str, Sequence[str]]
    ) -> Generator[Part, int]:
        """A part for each schema, and one of what can't be read."""
        values = messages["smelt_value"].to_pylist()
        places: dict[int, list[int]] = defaultdict(list)
        rows: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        refused: list[tuple[int, str]] = []
        for place, value in enumerate(values):
            try:
                schema_id, payload = framed(value)
                row = self.reader(schema_id).read(payload)
            except (ValueError, Unreadable, UnknownSchema) as error:
                refused.append((place, str(error)))
                continue
            places[schema_id].append(place)
            rows[schema_id].append(row)
        if refused:
            yield Part("", letters=_letters(messages, values, refused))
        for schema_id in sorted(places):
            yield self._part(con, messages.take(places[schema_id]), rows[schema_id], self.reader(schema_id), known)

    def reader(self, schema_id: int) -> Reader:
        """The reader of a schema. Raises UnknownSchema, Transient."""
        if schema_id in self._unknown:
            raise UnknownSchema(self._unknown[schema_id])
        if schema_id not in self._readers:
            try:
                self._readers[schema_id] = self.opened(self.registry, schema_id)
            except UnknownSchema as error:
                self._unknown[schema_id] = str(error)
                raise
        return self._readers[schema_id]

    def _part(
        self,
        con: duckdb.DuckDBPyConnection,
        messages: pa.Table,
        rows: list[Mapping[str, Any]],
        reader: Reader,
        known: Mapping[str, Sequence[str]],
    ) -> Part:
        columns: dict[str, str] = {}
        taken: set[str] = set()
        others: list[str] = []
        for n, (name, kind) in enumerate(reader.columns.items()):
            if name.lower() in taken or name.lower().startswith(("_smelt_", "smelt_")):
                others.append(name)
                continue
            taken.add(name.lower())
            messages = messages.append_column(f"smelt_field_{n}", pa.array([row[name] for row in rows], kind))
            columns[name] = f"smelt_field_{n}"
        extra = [json.dumps({k: row[k] for k in others}, default=str) if others else None for row in rows]
        messages = messages.append_column("smelt_extra", pa.array(extra, pa.string()))
        con.register(MESSAGES, messages)
        for key in self.stream.primary_key:
            told = key_column(self.stream, self.spec.key_format, key)
            if told and key not in columns:
                columns[key] = f"try_cast({told} as {next(iter(known.get(key, ())), 'varchar')})"
        return Part(
            MESSAGES, [f"{expression} as {quote(name)}" for name, expression in columns.items()], "smelt_extra"
        )


def _letters(messages: pa.Table, values: list[bytes], refused: list[tuple[int, str]]) -> list[DeadLetter]:
    partitions, offsets = messages["_smelt_partition"].to_pylist(), messages["_smelt_offset"].to_pylist()
    return [DeadLetter(reason, f"{partitions[n]}/{offsets[n]}", values[n]) for n, reason in refused]
