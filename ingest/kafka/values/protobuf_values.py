"""Protobuf: a .proto text of the registry → message classes, with no protoc installed; columns and values."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingest.kafka.registry import Registry, UnknownSchema
from ingest.kafka.values.rows import Unreadable

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FileDescriptor

_SECONDS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP = "google.protobuf.Timestamp"
_WRAPPERS = {f"google.protobuf.{name}Value": name.lower() for name in (
    "Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")}  # fmt: skip
_TYPES = {
    "double": pa.float64(), "float": pa.float32(), "int64": pa.int64(), "uint64": pa.decimal128(20, 0),
    "int32": pa.int32(), "uint32": pa.int64(), "bool": pa.bool_(), "string": pa.string(), "bytes": pa.binary(),
}  # fmt: skip


@dataclass(frozen=True)
class ProtobufReader:
    """Reads payloads of the messages of one file, whichever of them stands first in the payload."""

    file: FileDescriptor
    columns: Mapping[str, pa.DataType]
    message: tuple[int, ...]

    def read(self, payload: bytes) -> Mapping[str, Any]:
        """The fields of a message, null where one that can be absent is."""
        from google.protobuf.message import DecodeError
        from google.protobuf.message_factory import GetMessageClass

        path, body = _message_path(payload)
        if path != self.message:
            # One topic, one table: the first message of a file is what nearly every topic has.
            raise Unreadable(f"its message is number {'.'.join(map(str, path))} of the schema, not the first")
        found = GetMessageClass(_message(self.file, path))()
        try:
            found.ParseFromString(body)
        except DecodeError as error:
            raise Unreadable(f"not Protobuf of its schema: {error}") from error
        return {field.name: _value(found, field) for field in found.DESCRIPTOR.fields}


def open_protobuf(registry: Registry, schema_id: int) -> ProtobufReader:
    """The reader of `schema_id`. Raises UnknownSchema, Transient."""
    schema = registry.schema(schema_id)
    if schema.kind != "PROTOBUF":
        raise UnknownSchema(f"schema {schema_id} is {schema.kind}, not PROTOBUF")
    imported = {name: referred.text for name, referred in registry.references(schema).items()}
    file = _compiled(schema.text, tuple(sorted(imported.items())))
    if not file.message_types_by_name:
        raise UnknownSchema(f"schema {schema_id} has no message")
    columns = {field.name: _type(field) for field in _message(file, (0,)).fields}
    return ProtobufReader(file, columns, (0,))


@lru_cache(maxsize=256)
def _compiled(text: str, imported: tuple[tuple[str, str], ...]) -> FileDescriptor:
    """The file as the protoc of grpcio-tools reads it, in a process apart: the text is the producers'."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from google.protobuf.descriptor_pool import DescriptorPool

    with tempfile.TemporaryDirectory(prefix="smelt-proto-") as folder:
        root = Path(folder) / "in"
        for name, source in (*imported, ("smelt_schema.proto", text)):
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise UnknownSchema(f"a schema can't be imported as {name!r}")
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(source, encoding="utf-8")
        out = Path(folder) / "out.bin"
        known = _known_types()
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{root}", f"-I{known}", "--include_imports",
                   f"--descriptor_set_out={out}", "smelt_schema.proto"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if done.returncode:
            raise UnknownSchema(f"a schema is not valid Protobuf: {done.stderr.strip().splitlines()[0]}")
        pool = DescriptorPool()
        for file in FileDescriptorSet.FromString(out.read_bytes()).file:
            pool.Add(file)  # type: ignore[attr-defined]
    return pool.FindFileByName("smelt_schema.proto")


def _known_types() -> Path:
    """The folder of Protobuf's own files (`google/protobuf/timestamp.proto`), which grpcio-tools brings."""
    found = find_spec("grpc_tools")
    return Path(str(found.origin)).parent / "_proto" if found else Path()


def _message_path(payload: bytes) -> tuple[tuple[int, ...], bytes]:
    """Which message of the file it is, and what is left. A lone 0 stands for the first message."""
    count, place = _zigzag(payload, 0)
    if count == 0:
        return (0,), payload[place:]
    path = []
    for _ in range(count):
        index, place = _zigzag(payload, place)
        path.append(index)
    return tuple(path), payload[place:]


def _zigzag(data: bytes, place: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise Unreadable("the message's number in its schema is cut off")
        byte = data[place]
        place += 1
        result |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return (result >> 1) ^ -(result & 1), place


def _message(file: FileDescriptor, path: tuple[int, ...]) -> Descriptor:
    found = list(file.message_types_by_name.values())[path[0]]
    for index in path[1:]:
        found = found.nested_types[index]
    return found


def _is_list(field: Any) -> bool:
    return bool(field.is_repeated)


def _type(field: Any) -> pa.DataType:
    if _is_list(field):
        return pa.string()
    if field.message_type is not None:
        if field.message_type.full_name == _TIMESTAMP:
            return pa.timestamp("us", tz="UTC")
        return _TYPES[_WRAPPERS.get(field.message_type.full_name, "string")]
    return _TYPES[_scalar(field)]


def _scalar(field: Any) -> str:
    kinds = {
        field.CPPTYPE_DOUBLE: "double", field.CPPTYPE_FLOAT: "float", field.CPPTYPE_INT64: "int64",
        field.CPPTYPE_UINT64: "uint64", field.CPPTYPE_INT32: "int32", field.CPPTYPE_UINT32: "uint32",
        field.CPPTYPE_BOOL: "bool", field.CPPTYPE_ENUM: "string",
    }  # fmt: skip
    return "bytes" if field.type == field.TYPE_BYTES else kinds.get(field.cpp_type, "string")


def _value(message: Any, field: Any) -> Any:
    value = getattr(message, field.name)
    if _is_list(field):
        return _as_json(message, field)
    if field.has_presence and not message.HasField(field.name):
        return None
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else str(value)
    if field.message_type is None:
        return value
    if field.message_type.full_name == _TIMESTAMP:
        return _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
    if field.message_type.full_name in _WRAPPERS:
        return value.value
    return _as_json(message, field)


def _as_json(message: Any, field: Any) -> str | None:
    """What is nested, as Protobuf's own JSON of it, under the names of the schema."""
    import json

    from google.protobuf.json_format import MessageToDict

    only = type(message)()
    if _is_list(field):
        getattr(only, field.name).MergeFrom(getattr(message, field.name))
    else:
        getattr(only, field.name).CopyFrom(getattr(message, field.name))
    told = MessageToDict(only, preserving_proto_field_name=True)
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    return json.dumps(told.get(field.name, [] if _is_list(field) and not is_map else {}), ensure_ascii=False)
