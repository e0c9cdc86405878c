"""TableMap events: what the binlog says of a table before each change of its rows.

https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Table__map__event.html and
https://mariadb.com/kb/en/table_map_event/. With `binlog_row_metadata = FULL` they have all that is needed to
decode the rows, whatever became of the table since.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingest.mysql.columns import Column
from plugins.core.errors import SmeltError

# Types of the protocol; those of dates and times before MySQL 5.6 are not among them.
TINY, SHORT, LONG, FLOAT, DOUBLE, LONGLONG, INT24, DATE, YEAR, VARCHAR, BIT = 1, 2, 3, 4, 5, 8, 9, 10, 13, 15, 16
TIMESTAMP2, DATETIME2, TIME2, JSON, NEWDECIMAL, ENUM, SET, BLOB, VAR_STRING, STRING, GEOMETRY = (
    17, 18, 19, 245, 246, 247, 248, 252, 253, 254, 255,
)  # fmt: skip
_INTEGERS = {TINY: 1, SHORT: 2, INT24: 3, LONG: 4, LONGLONG: 8}
_NUMERIC = {*_INTEGERS, FLOAT, DOUBLE, NEWDECIMAL, YEAR}
_CHARACTER = {VARCHAR, VAR_STRING, STRING, BLOB}
# Bytes of metadata of each type; of others there are none.
_META = {
    FLOAT: 1, DOUBLE: 1, VARCHAR: 2, BIT: 2, NEWDECIMAL: 2, BLOB: 1, VAR_STRING: 2, STRING: 2, GEOMETRY: 1,
    JSON: 1, TIMESTAMP2: 1, DATETIME2: 1, TIME2: 1, ENUM: 2, SET: 2,
}  # fmt: skip
_KNOWN = {*_NUMERIC, *_META, DATE}
_SIGNEDNESS, _DEFAULT_CHARSET, _COLUMN_CHARSET, _NAMES, _SETS, _ENUMS = 1, 2, 3, 4, 5, 6
_ENUM_DEFAULT_CHARSET, _ENUM_COLUMN_CHARSET = 10, 11
_BINARY = "binary"


@dataclass(frozen=True)
class Wire:
    """A column as the binlog writes it.

    type: of the protocol. width: bytes of a value, or of its length if it varies. is_varying: whether a length
    precedes the value. charset: of text, as the server names it. members: of an enum or a set. pad: bytes up to
    which a `binary(n)` is filled up with zeros.
    """

    column: Column
    type: int
    width: int
    is_varying: bool = False
    is_signed: bool = True
    charset: str = ""
    members: tuple[str, ...] = ()
    pad: int = 0


@dataclass(frozen=True)
class Table:
    """A table as its rows in the binlog are written; a change of its columns makes another one."""

    schema: str
    name: str
    wires: tuple[Wire, ...]

    @property
    def table(self) -> tuple[str, str]:
        """Schema and name."""
        return self.schema, self.name

    @property
    def columns(self) -> list[Column]:
        """Its columns."""
        return [wire.column for wire in self.wires]


def name_of(event: bytes, at: int) -> tuple[str, str]:
    """Schema and name in a TableMap event whose body begins at `at`."""
    size = event[at + 8]
    schema = event[at + 9 : at + 9 + size]
    at += 10 + size
    return schema.decode(), event[at + 1 : at + 1 + event[at]].decode()


@dataclass(frozen=True)
class Catalog:
    """What must be known of the server to read its TableMap events.

    charsets: by the id of a collation. typed: by schema, table and column, what its catalog calls types that the
    binlog doesn't tell from others (MariaDB's uuid, inet4, inet6). folds_case: whether `T` and `t` are one table.
    """

    is_mariadb: bool
    charsets: Mapping[int, str]
    typed: Mapping[tuple[str, str, str], str]
    folds_case: bool = False


def read_table(event: bytes, at: int, catalog: Catalog) -> Table:
    """Parse a TableMap event whose body begins at `at`.

    Raises SmeltError if the event doesn't name the columns, or for a type that can't be read.
    """
    schema, name = name_of(event, at)
    at += 12 + len(schema.encode()) + len(name.encode())
    count, at = _number(event, at)
    types = list(event[at : at + count])
    size, at = _number(event, at + count)
    metas, at = _metas(types, event[at : at + size]), at + size + (count + 7) // 8
    fields = dict(_fields(event, at))
    if _NAMES not in fields:
        raise SmeltError(
            f"the binlog has changes of {schema}.{name} without the names of its columns",
            "set global binlog_row_metadata = FULL (and in the server's configuration); then read the table again "
            "with `smelt ingest --reset`",
        )
    names = [text.decode() for text in _texts(fields[_NAMES])]
    real = [_real(kind, meta) for kind, meta in zip(types, metas, strict=True)]
    signed = _signed(real, fields.get(_SIGNEDNESS, b""))
    character = _CHARACTER | {GEOMETRY} if catalog.is_mariadb else _CHARACTER
    texts = _charsets(real, character, fields, _DEFAULT_CHARSET, _COLUMN_CHARSET)
    chosen = _charsets(real, {ENUM, SET}, fields, _ENUM_DEFAULT_CHARSET, _ENUM_COLUMN_CHARSET)
    members = {ENUM: iter(_members(fields.get(_ENUMS, b""))), SET: iter(_members(fields.get(_SETS, b"")))}
    wires = []
    for n, (kind, meta) in enumerate(zip(real, metas, strict=True)):
        charset = catalog.charsets.get(texts.get(n, chosen.get(n, 0)), "")
        given = [decoded(text, charset) for text in next(members[kind], [])] if kind in members else []
        if kind not in _KNOWN or (kind in members and not given):
            raise SmeltError(
                f"{schema}.{name}: column {names[n]!r} is of a type that can't be read from the binlog ({kind})",
                "pull the table instead (sync_mode: full); a compressed column can be altered, one of dates and "
                "times in the format before 5.6 is rewritten by: alter table … force",
            )
        wire = _wire(names[n], kind, meta, signed[n], charset, tuple(given))
        wires.append(_retyped(wire, catalog.typed.get((schema, name, names[n]))))
    return Table(schema, name, tuple(wires))


def decoded(text: bytes, charset: str) -> str:
    """`text` in a character set that is named as the server does; raises SmeltError for one that isn't known."""
    codec = _CODECS.get(charset, charset)
    try:
        return text.decode(codec)
    except UnicodeDecodeError:
        # What the code page leaves open, the server takes for the control characters of the same numbers.
        return "".join(_one(bytes([byte]), codec) for byte in text)
    except LookupError as error:
        raise SmeltError(
            f"text in the character set {charset or 'of an unknown collation'} can't be read",
            "convert the table to utf8mb4: alter table … convert to character set utf8mb4",
        ) from error


_CODECS = {
    "utf8": "utf-8", "utf8mb3": "utf-8", "utf8mb4": "utf-8", "latin1": "cp1252", "ucs2": "utf-16-be",
    "utf16": "utf-16-be", "utf16le": "utf-16-le", "utf32": "utf-32-be", "koi8r": "koi8-r", "koi8u": "koi8-u",
    "latin2": "iso8859-2", "latin5": "iso8859-9", "latin7": "iso8859-13", "greek": "iso8859-7",
    "hebrew": "iso8859-8", "sjis": "cp932", "ujis": "euc-jp", "euckr": "euc-kr", "gb2312": "gb2312",
    "macroman": "mac-roman", "macce": "mac-latin2", "tis620": "tis-620", "eucjpms": "euc-jp", "binary": "latin-1",
}  # fmt: skip


def _one(byte: bytes, codec: str) -> str:
    try:
        return byte.decode(codec)
    except UnicodeDecodeError:
        return byte.decode("latin-1")


def _wire(name: str, kind: int, meta: bytes, is_signed: bool, charset: str, members: tuple[str, ...]) -> Wire:
    """A column by its type; see the event's documentation for the metadata of each."""
    if kind in _INTEGERS:
        width = _INTEGERS[kind]
        family = (
            {4: "uint", 8: "ubigint"}.get(width, "int") if not is_signed else "bigint" if width == 8 else "int"
        )
        return Wire(Column(name, family), kind, width, is_signed=is_signed)
    if kind in (FLOAT, DOUBLE):
        return Wire(Column(name, "float" if kind == FLOAT else "double"), kind, 4 if kind == FLOAT else 8)
    if kind == NEWDECIMAL:
        return Wire(Column(name, "decimal", meta[0], meta[1]), kind, decimal_width(meta[0], meta[1]))
    if kind == BIT:
        bits = meta[1] * 8 + meta[0]
        return Wire(Column(name, "bit", bits), kind, (bits + 7) // 8)
    if kind in (DATE, YEAR):
        return Wire(Column(name, "date" if kind == DATE else "year"), kind, 3 if kind == DATE else 1)
    if kind in _MOMENTS:
        family, base = _MOMENTS[kind]
        return Wire(Column(name, family, scale=meta[0]), kind, base + (meta[0] + 1) // 2)
    if kind in (ENUM, SET):
        family = "enum" if kind == ENUM else "set"
        return Wire(Column(name, family), kind, meta[1], charset=charset, members=members)
    if kind in (BLOB, JSON, GEOMETRY):
        family = {JSON: "json", GEOMETRY: "geometry"}.get(kind) or _family(charset)
        return Wire(Column(name, family), kind, meta[0], is_varying=True, charset=charset)
    if kind == STRING:
        longest = (((meta[0] << 4) & 0x300) ^ 0x300) + meta[1]
        pad = longest if charset == _BINARY else 0
    else:
        (longest,), pad = struct.unpack("<H", meta), 0
    width = 1 if longest < 256 else 2
    return Wire(Column(name, _family(charset)), kind, width, is_varying=True, charset=charset, pad=pad)


_MOMENTS = {TIMESTAMP2: ("timestamp", 4), DATETIME2: ("datetime", 5), TIME2: ("time", 3)}


def decimal_width(precision: int, scale: int) -> int:
    """Bytes of a decimal: four for nine digits, fewer for the rest before and after the point."""
    return sum(part // 9 * 4 + _REST[part % 9] for part in (precision - scale, scale))


_REST = (0, 1, 1, 2, 2, 3, 3, 4, 4)


def _retyped(wire: Wire, catalog: str | None) -> Wire:
    if catalog not in ("uuid", "inet4", "inet6") or wire.type != STRING:
        return wire
    return Wire(Column(wire.column.name, catalog), wire.type, wire.width, is_varying=True, pad=wire.pad)


def _family(charset: str) -> str:
    return "blob" if charset == _BINARY else "text"


def _real(kind: int, meta: bytes) -> int:
    """Enums and sets are written as strings; their metadata says what they are."""
    return meta[0] if kind == STRING and meta[0] in (ENUM, SET) else kind


def _metas(types: Sequence[int], block: bytes) -> list[bytes]:
    metas, at = [], 0
    for kind in types:
        size = _META.get(kind, 0)
        metas.append(block[at : at + size])
        at += size
    return metas


def _fields(event: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The optional metadata: fields of type, length, value."""
    while at < len(event):
        kind = event[at]
        size, at = _number(event, at + 1)
        yield kind, event[at : at + size]
        at += size


def _signed(types: Sequence[int], bits: bytes) -> list[bool]:
    """For each column whether it is signed; the field has a bit for each numeric one, set if it is not."""
    signed, place = [], 0
    for kind in types:
        is_numeric = kind in _NUMERIC
        is_unsigned = is_numeric and place // 8 < len(bits) and bool(bits[place // 8] & (0x80 >> place % 8))
        place += is_numeric
        signed.append(not is_unsigned)
    return signed


def _charsets(
    types: Sequence[int], of: set[int], fields: Mapping[int, bytes], default: int, each: int
) -> dict[int, int]:
    """Collations of the columns of the types `of`: one for all and those that differ, or each of them."""
    places = [n for n, kind in enumerate(types) if kind in of]
    if each in fields:
        return dict(zip(places, _numbers(fields[each]), strict=False))
    first, *others = list(_numbers(fields.get(default, b""))) or [0]
    differing = dict(zip(others[::2], others[1::2], strict=True))
    return {n: differing.get(count, first) for count, n in enumerate(places)}


def _members(block: bytes) -> Iterator[list[bytes]]:
    at = 0
    while at < len(block):
        count, at = _number(block, at)
        texts = []
        for _ in range(count):
            size, at = _number(block, at)
            texts.append(block[at : at + size])
            at += size
        yield texts


def _texts(block: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(block):
        size, at = _number(block, at)
        yield block[at : at + size]
        at += size


def _numbers(block: bytes) -> Iterator[int]:
    at = 0
    while at < len(block):
        found, at = _number(block, at)
        yield found


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A length-encoded integer, and the place after it."""
    first = data[at]
    size = {252: 2, 253: 3, 254: 8}.get(first, 0)
    if not size:
        return first, at + 1
    return int.from_bytes(data[at + 1 : at + 1 + size], "little"), at + 1 + size
