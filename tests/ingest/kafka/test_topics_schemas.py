"""Avro and Protobuf with a schema registry, whose schemas change within a batch."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message_factory import GetMessageClass

from tests.ingest.kafka.cluster import Registry
from tests.ingest.kafka.conftest import Streamed

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def record(*fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Order", "fields": [{"name": name, "type": kind} for name, kind in fields]}


def avro(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def declare(stream: Streamed, registry: Registry, key: list[str] | None = None, **spec: Any) -> None:
    stream.read(key, **spec)
    with (stream.project / "smelt.toml").open("a") as file:
        file.write(f'[connections.c.kafka]\nregistry = "{registry.url}"\n')


def test_avro_schemas_may_change_between_messages(mocked: Streamed, registry: Registry) -> None:
    declare(mocked, registry, ["id"], format="avro", key_format="avro")
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    stamp = {"type": "long", "logicalType": "timestamp-millis"}
    nested = {"type": "array", "items": "int"}
    first = record(
        ("id", "int"), ("amount", decimal), ("at", stamp), ("tags", nested), ("note", ["null", "string"])
    )
    second = record(("id", "long"), ("amount", "string"), ("at", stamp), ("vip", "boolean"))
    one, two = registry.register(1, first), registry.register(2, second)
    keyed = registry.register(3, '"int"')
    row = {"id": 1, "amount": Decimal("1.25"), "at": MOMENT, "tags": [1, 2], "note": None}
    later = {"id": 2**40, "amount": "dear", "at": MOMENT, "vip": True}
    mocked.put(one + avro(first, row), key=keyed + avro("int", 1))
    mocked.put(two + avro(second, later))
    mocked.put(one + avro(first, row | {"id": 3}))
    mocked.put(None, key=keyed + avro("int", 1))
    result = mocked.load()
    assert (result.rows_loaded, result.tombstones, result.dead_letters) == (4, 1, 0)
    assert mocked.rows("_smelt_op, id, amount::varchar, amount__v2, tags, vip") == [
        ("u", 1, "1.25", None, "[1, 2]", None),
        ("u", 2**40, None, "dear", None, True),
        ("u", 3, "1.25", None, "[1, 2]", None),
        ("d", 1, None, None, None, None),
    ]
    assert mocked.rows('epoch_ms("at"), _smelt_key')[0] == (int(MOMENT.timestamp() * 1000), "1")
    assert len(registry.requests) == 3


def test_avro_that_cant_be_read_is_a_dead_letter(mocked: Streamed, registry: Registry) -> None:
    declare(mocked, registry, format="avro")
    schema = record(("id", "int"))
    known = registry.register(1, schema)
    proto = registry.register(2, 'syntax = "proto3"; message M {}', "PROTOBUF")
    good = known + avro(schema, {"id": 1})
    mocked.put(good, b"{}", known, good + b"x", b"\0\0\0\0\x09z", proto + b"\0", good)
    result = mocked.load()
    assert (result.rows_loaded, result.dead_letters) == (2, 5)
    assert [reason for reason, _ in mocked.letters()] == [
        "no schema id stands before the value",
        "not Avro of its schema: EOFError: ",
        "not Avro of its schema: bytes are left over",
        "the schema registry has no schemas/ids/9",
        "schema 2 is PROTOBUF, not AVRO",
    ]


def test_a_registry_that_is_down_or_refuses_loses_nothing(
    mocked: Streamed, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(mocked, registry, format="avro")
    schema = record(("id", "int"))
    mocked.put(registry.register(1, schema) + avro(schema, {"id": 1}))
    registry.status = 401
    assert "refused: HTTP 401" in str(mocked.ingest().error)
    registry.status = 200
    assert mocked.load().rows_loaded == 1


COMMON = 'syntax = "proto3"; package shop; message Money { int64 units = 1; string currency = 2; }'
ORDER = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "common.proto";
enum State { OPEN = 0; SHIPPED = 1; }
message Order {
  int32 id = 1; string name = 2; uint64 big = 3; double price = 4; bytes raw = 5; State state = 6;
  google.protobuf.Timestamp at = 7; Money total = 8; repeated int32 tags = 9; map<string, int32> counts = 10;
  optional bool vip = 11;
}
"""


def compiled(folder: Path) -> Any:
    (folder / "common.proto").write_text(COMMON)
    (folder / "order.proto").write_text(ORDER)
    include = Path(sys.modules["grpc_tools"].__path__[0]) / "_proto"
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{include}", "--include_imports",
         f"--descriptor_set_out={folder / 'out'}", "order.proto"],
        check=True,
    )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString((folder / "out").read_bytes()).file:
        pool.Add(file)  # type: ignore[attr-defined]
    return GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


def test_protobuf_is_read_with_what_it_imports(mocked: Streamed, registry: Registry, tmp_path: Path) -> None:
    import grpc_tools  # noqa: F401 - its folder has Protobuf's own files

    order = compiled(tmp_path)
    declare(mocked, registry, format="protobuf")
    registry.subjects["common.proto/1"] = {"schema": COMMON, "schemaType": "PROTOBUF"}
    head = registry.register(7, ORDER, "PROTOBUF", ("common.proto",))
    message = order(
        id=1, name="é", big=2**64 - 1, price=1.5, raw=b"\xff", state=1,
        total={"units": 2**53 + 1, "currency": "EUR"}, tags=[1, 2], counts={"a": 1}, vip=False,
    )  # fmt: skip
    message.at.FromDatetime(MOMENT.replace(tzinfo=None))
    mocked.put(head + b"\0" + message.SerializeToString(), head + b"\x02\0" + order().SerializeToString())
    mocked.put(head + b"\0\xff\xff", head)
    result = mocked.load()
    assert (result.rows_loaded, result.dead_letters) == (2, 2)
    assert mocked.rows("id, name, big::varchar, price, raw, state, tags, counts, vip, total") == [
        (1, "é", str(2**64 - 1), 1.5, b"\xff", "SHIPPED", "[1, 2]", '{"a": 1}', False,
         '{"units": "9007199254740993", "currency": "EUR"}'),
        (0, "", "0", 0.0, b"", "OPEN", "[]", "{}", None, None),
    ]  # fmt: skip
    assert mocked.rows('epoch_ms("at")') == [(int(MOMENT.timestamp() * 1000),), (None,)]


def test_json_with_the_frame_of_a_registry(mocked: Streamed) -> None:
    mocked.read()
    mocked.put(b"\0\0\0\0\x01" + b'{"id": 1}', {"id": 2})
    assert mocked.load().rows_loaded == 2
    assert mocked.rows("id") == [(1,), (2,)]
