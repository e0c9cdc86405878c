"""Events as MySQL 8 writes them, put together by its documentation: no MySQL server could be had for the tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from ingest.mysql.decoder import Decoder
from ingest.mysql.dump import asked
from ingest.mysql.events import Decoded
from ingest.mysql.gtid import MysqlGtids
from ingest.mysql.server import Kind
from ingest.mysql.tablemap import Catalog
from plugins.core.errors import SmeltError

SOURCE = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
# {"a": 1} as MySQL stores it: one key of one byte at 11, an int16 in place.
_JSON = bytes.fromhex("0001000c000b00010005010061")
_COLUMNS = (b"id", b"name", b"doc", b"n")
# bigint, varchar(40), json, int unsigned
_TYPES, _META = bytes([8, 15, 245, 3]), struct.pack("<HB", 160, 4)


def _event(kind: int, body: bytes, end: int = 500) -> bytes:
    return struct.pack("<IBIIIH", 1_700_000_000, kind, 1, 19 + len(body), end, 0) + body


def _gtid(number: int) -> bytes:
    raw = bytes.fromhex(SOURCE.replace("-", ""))
    return _event(33, b"\x01" + raw + struct.pack("<QB", number, 2) + bytes(16))


def _query(text: str) -> bytes:
    return _event(2, struct.pack("<IIBHH", 7, 0, 1, 0, 0) + b"d\0" + text.encode())


def _table_map() -> bytes:
    def field(kind: int, value: bytes) -> bytes:
        return bytes([kind, len(value)]) + value

    names = b"".join(bytes([len(name)]) + name for name in _COLUMNS)
    # The second of two numeric columns is unsigned; all text is utf8mb4 (255).
    optional = field(1, b"\x40") + field(2, b"\xfc\xff\x00") + field(4, names) + field(8, b"\x00")
    body = (9).to_bytes(6, "little") + b"\x01\x00\x01d\x00\x01t\x00" + bytes([4]) + _TYPES
    return _event(19, body + bytes([len(_META)]) + _META + b"\x0e" + optional)


def _image(key: int, name: str | None, number: int) -> bytes:
    nulls = 0 if name is not None else 0b0010
    text = bytes([len(name.encode())]) + name.encode() if name is not None else b""
    doc = struct.pack("<I", len(_JSON)) + _JSON
    return bytes([nulls]) + struct.pack("<q", key) + text + doc + struct.pack("<I", number)


def _rows(kind: int, *images: bytes) -> bytes:
    bitmaps = b"\x0f" * (2 if kind == 31 else 1)
    # The second version has room for more after its flags: here a partition's number.
    head = (9).to_bytes(6, "little") + b"\x01\x00" + b"\x05\x00" + b"\x01\x03\x00"
    return _event(kind, head + bytes([4]) + bitmaps + b"".join(images))


def _decoder() -> Decoder:
    return Decoder(Catalog(False, {255: "utf8mb4"}, {}), frozenset([("d", "t")]), lambda _: ["id"], 0)


def _decoded(events: Sequence[bytes]) -> list[Decoded]:
    return list(_decoder().decode([_event(4, struct.pack("<Q", 4) + b"binlog.000007", 0), *events]))


def test_rows_of_a_transaction() -> None:
    (found,) = _decoded([
        _gtid(5), _query("BEGIN"), _table_map(), _rows(30, _image(1, "ü", 4_294_967_295), _image(2, None, 0)),
        _rows(31, _image(1, "ü", 1), _image(3, "moved", 1)), _rows(32, _image(2, None, 0)),
        _event(16, bytes(8)),
    ])  # fmt: skip
    (changes,) = found.changes
    rows = changes.rows.to_pylist()
    assert [(r["_smelt_op"], r["id"], r["name"], r["n"], r["_smelt_sequence"]) for r in rows] == [
        ("c", 1, "ü", 4_294_967_295, 1), ("c", 2, None, 0, 2), ("d", 1, "ü", 1, 3), ("u", 3, "moved", 1, 4),
        ("d", 2, None, 0, 5),
    ]  # fmt: skip
    assert {row["doc"] for row in rows} == {'{"a": 1}'}
    assert {row["_smelt_gtid"] for row in rows} == {f"{SOURCE}:5"}
    assert found.is_whole
    assert [(ended.transaction.gtid, ended.events) for ended in found.ended] == [(f"{SOURCE}:5", 5)]


def test_a_statement_is_a_transaction_of_its_own() -> None:
    first, second, last = _decoded([_gtid(6), _query("truncate table t"), _gtid(7), _query("BEGIN"), _table_map()])
    assert not first.changes
    assert len(second.changes) == 1
    assert [ended.transaction.gtid for ended in second.ended] == [f"{SOURCE}:6"]
    assert not last.is_whole


@pytest.mark.parametrize("kind", [34, 39, 40, 42])
def test_events_that_cannot_be_followed_stop_the_stream(kind: int) -> None:
    with pytest.raises(SmeltError, match="can't be followed"):
        _decoded([_event(kind, bytes(8))])


def test_the_log_is_asked_for_by_gtid() -> None:
    packet = asked(Kind("8.0.40"), 77, MysqlGtids.of(f"{SOURCE}:1-5").text)
    body = packet[4:]
    assert int.from_bytes(packet[:4], "little") == len(body)
    command, flags, server, named, place, size = struct.unpack_from("<BHIIQI", body)
    assert (command, flags, server, named, place, size) == (0x1E, 4, 77, 0, 4, len(body) - 23)
    assert body[23:] == (
        struct.pack("<Q", 1) + bytes.fromhex(SOURCE.replace("-", "")) + struct.pack("<QQQ", 1, 1, 6)
    )
