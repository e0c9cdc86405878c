"""Bytes of values in the binlog → Arrow columns in bronze types, a whole column at a time.

The layout of each type: https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html, `my_time.cc` and
`decimal.cc` of the server.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.cdc.tuples import Bytes, Places
from ingest.mysql.cells import Cells, unsigned, unsigned_from_high
from ingest.mysql.columns import Column, in_order
from ingest.mysql.tablemap import Wire, decimal_width, decoded

_MICROS = 1_000_000
_DAY = 86_400 * _MICROS
# Digits that fit 64 bits.
_LONG = 18
# Bytes of a value, on average, from which on values are copied one by one.
_LONG_VALUES = 64
_SMALL = 1 << 31
_UTF8 = {"utf8", "utf8mb3", "utf8mb4", "ascii"}
# Of the others, these don't write ASCII as it is.
_TWO_BYTES = {"ucs2", "utf16", "utf16le", "utf32"}
# Decimals are of up to 65 digits.
_WIDE = Context(prec=80)


def column_values(data: Bytes, cells: Cells, wire: Wire) -> tuple[pa.Array, Mapping[int, str]]:
    """Values of a column in its bronze type, and by place the texts of those that it can't hold."""
    kind = wire.column.kind
    if kind in _MOMENTS:
        return _MOMENTS[kind](data, cells, wire)
    return _VALUES[kind](data, cells, wire), {}


def extra_column(columns: Sequence[Column], refused: Mapping[str, Mapping[int, str]], count: int) -> pa.Array:
    """`_smelt_extra` of `count` rows: JSON of the values in `refused` (by column, by row), null where there are
    none.
    """
    rows: dict[int, list[str]] = {}
    for column in in_order([column for column in columns if refused.get(column.name)]):
        for row, text in refused[column.name].items():
            rows.setdefault(row, []).append(f"{json.dumps(column.name, ensure_ascii=False)}: {json.dumps(text)}")
    if not rows:
        return pa.nulls(count, pa.string())
    return pa.array([f"{{{', '.join(rows[row])}}}" if row in rows else None for row in range(count)], pa.string())


def _numbers(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    values = unsigned(data, cells.start, wire.width)
    if wire.is_signed and wire.width < 8:
        half = 1 << (8 * wire.width - 1)
        values = (values ^ half) - half
    if wire.column.kind == "ubigint":
        return _decimals(values.view(np.uint64), np.zeros(len(values), np.int64), cells.is_null, 20, 0)
    return pa.array(values, pa.int64(), mask=cells.is_null)


def _floats(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    raw = np.ascontiguousarray(data[cells.start[:, None] + np.arange(wire.width)])
    return pa.array(raw.view(f"<f{wire.width}").ravel(), mask=cells.is_null)


def _years(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    years = data[cells.start].astype(np.int64)
    return pa.array(np.where(years == 0, 0, years + 1900), pa.int64(), mask=cells.is_null)


def _decimal(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    """Groups of nine digits in four bytes each, big-endian, a shorter group at either end; negatives inverted."""
    precision, scale = wire.column.precision, wire.column.scale
    raw = data[cells.start[:, None] + np.arange(decimal_width(precision, scale))].copy()
    is_negative = raw[:, 0] < 0x80
    raw[:, 0] ^= 0x80
    raw[is_negative] ^= 0xFF
    kind: Any = np.int64 if precision <= _LONG else object
    total, at = np.zeros(len(raw), kind), 0
    for digits in _groups(precision - scale, scale):
        width = decimal_width(digits, 0)
        places = np.arange(len(raw)) * raw.shape[1] + at
        total = total * 10**digits + unsigned_from_high(np.ascontiguousarray(raw).ravel(), places, width)
        at += width
    total = np.where(is_negative, -total, total)
    if precision <= _LONG:
        return _decimals(total.view(np.uint64), np.where(total < 0, -1, 0), cells.is_null, precision, scale)
    if precision <= pa.decimal128(38).precision:
        given = [None if null else Decimal(value).scaleb(-scale, _WIDE) for value, null in _pairs(total, cells)]
        return pa.array(given, pa.decimal128(precision, scale))
    return pa.array(
        [None if null else _written(value, scale) for value, null in _pairs(total, cells)], pa.string()
    )


def _groups(whole: int, fraction: int) -> list[int]:
    """Digits of each group."""
    before = [whole % 9] if whole % 9 else []
    after = [fraction % 9] if fraction % 9 else []
    return [*before, *[9] * (whole // 9), *[9] * (fraction // 9), *after]


def _pairs(values: npt.NDArray[Any], cells: Cells) -> list[tuple[int, bool]]:
    return list(zip(values.tolist(), cells.is_null.tolist(), strict=True))


def _written(value: int, scale: int) -> str:
    digits = str(abs(value)).rjust(scale + 1, "0")
    whole, fraction = (digits[:-scale], f".{digits[-scale:]}") if scale else (digits, "")
    return f"{'-' if value < 0 else ''}{whole}{fraction}"


def _decimals(
    low: npt.NDArray[np.uint64], high: Places, is_null: npt.NDArray[np.bool_], precision: int, scale: int
) -> pa.Array:
    """Decimals of the 128-bit integers of two halves."""
    halves = np.empty((len(low), 2), np.uint64)
    halves[:, 0], halves[:, 1] = low, high.astype(np.int64).view(np.uint64)
    valid = pa.py_buffer(np.packbits(~is_null, bitorder="little"))
    kind = pa.decimal128(precision, scale)
    return pa.Array.from_buffers(kind, len(low), [valid, pa.py_buffer(halves)])


def _bits(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    return _each(data, cells, lambda raw: f"{int.from_bytes(raw, 'big'):0{wire.column.precision}b}")


def _enums(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    # Number 0 is the empty text, which stands for a value that was none of them.
    names = pa.array(["", *wire.members], pa.string())
    return names.take(pa.array(unsigned(data, cells.start, wire.width), pa.int64(), mask=cells.is_null))


def _sets(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    def joined(raw: bytes) -> str:
        chosen = int.from_bytes(raw, "little")
        return ",".join(name for n, name in enumerate(wire.members) if chosen >> n & 1)

    return _each(data, cells, joined)


def _texts(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    raw = raw_values(data, cells)
    if wire.charset in _UTF8 or (wire.charset not in _TWO_BYTES and raw.buffers()[2].size and _is_ascii(raw)):
        return raw.cast(pa.large_string())
    return _distinct(raw, lambda text: decoded(text, wire.charset))


def _is_ascii(raw: pa.LargeBinaryArray) -> bool:
    return bool((np.frombuffer(raw.buffers()[2], np.uint8) < 0x80).all())


def raw_values(data: Bytes, cells: Cells) -> pa.Array:
    """The values as they are."""
    offsets = np.zeros(len(cells.length) + 1, np.int64)
    np.cumsum(cells.length, out=offsets[1:])
    total = int(offsets[-1])
    if total > _LONG_VALUES * len(cells.length):
        spans = zip(cells.start.tolist(), (cells.start + cells.length).tolist(), strict=True)
        values = np.concatenate([data[start:end] for start, end in spans])
    else:
        # Place of each byte of the result in `data`: four bytes for one, so only of short values.
        kind = np.int32 if len(data) < _SMALL else np.int64
        places = np.arange(total, dtype=kind)
        places += np.repeat((cells.start - offsets[:-1]).astype(kind), cells.length)
        values = data[places]
    valid = pa.py_buffer(np.packbits(~cells.is_null, bitorder="little"))
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(cells.length), [valid, pa.py_buffer(offsets), pa.py_buffer(values)]
    )


def _blobs(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    raw = raw_values(data, cells)
    if not wire.pad or bool((cells.length[~cells.is_null] == wire.pad).all()):
        return raw
    # Zeros at the end of a binary(n) are not written.
    return pa.array([v if v is None else v.ljust(wire.pad, b"\0") for v in raw.to_pylist()], pa.large_binary())


def _geometries(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    """WKB, which stands after the number of the reference system."""
    skipped = np.where(cells.is_null, 0, 4)
    return raw_values(data, Cells(cells.start + skipped, cells.length - skipped, cells.is_null))


def _json(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    return _distinct(raw_values(data, cells), _json_text)


def _json_text(raw: bytes) -> str:
    from pymysqlreplication.json_binary import parse_json

    parse: Callable[[int, bytes], Any] = parse_json  # pyright: ignore[reportAssignmentType]
    return json.dumps(_plain(parse(raw[0], raw[1:])), ensure_ascii=False) if raw else "null"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _addresses(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    family = socket.AF_INET if wire.column.kind == "inet4" else socket.AF_INET6
    return _distinct(_blobs(data, cells, wire), lambda raw: socket.inet_ntop(family, raw))


def _uuids(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    return _distinct(_blobs(data, cells, wire), lambda raw: str(UUID(bytes=raw)))


def _times(data: Bytes, cells: Cells, wire: Wire) -> pa.Array:
    """Text, as the server writes it: a `time` may be negative, or longer than a day."""
    return _each(data, cells, lambda raw: _time(raw, wire.column.scale))


def _time(raw: bytes, digits: int) -> str:
    bits = 8 * (len(raw) - 3)
    packed = int.from_bytes(raw, "big") - (0x800000 << bits)
    whole, fraction = abs(packed) >> bits, abs(packed) & ((1 << bits) - 1)
    text = f"{whole >> 12 & 0x3FF:02d}:{whole >> 6 & 0x3F:02d}:{whole & 0x3F:02d}"
    return f"{'-' if packed < 0 else ''}{text}{_fraction(_micros_of(fraction, bits), digits)}"


def _micros_of(fraction: Any, bits: int) -> Any:
    """Microseconds of a fraction that is stored in hundredths, in ten-thousandths, or as it is."""
    return fraction * {0: 0, 8: 10_000, 16: 100, 24: 1}[bits]


def _fraction(micros: int, digits: int) -> str:
    return f".{micros:06d}"[: digits + 1] if digits else ""


def _dates(data: Bytes, cells: Cells, wire: Wire) -> tuple[pa.Array, dict[int, str]]:
    packed = unsigned(data, cells.start, 3)
    year, month, day = packed >> 9, packed >> 5 & 15, packed & 31
    days, is_real = _days(year, month, day)
    refused = {
        int(n): f"{year[n]:04d}-{month[n]:02d}-{day[n]:02d}" for n in np.flatnonzero(~is_real & ~cells.is_null)
    }
    return pa.array(days.astype("datetime64[D]"), pa.date32(), mask=cells.is_null | ~is_real), refused


def _datetimes(data: Bytes, cells: Cells, wire: Wire) -> tuple[pa.Array, dict[int, str]]:
    packed = unsigned_from_high(data, cells.start, 5) - 0x8000000000
    months, day = packed >> 22, packed >> 17 & 31
    year, month = months // 13, months % 13
    seconds = (packed >> 12 & 31) * 3600 + (packed >> 6 & 63) * 60 + (packed & 63)
    micros = _fractions(data, cells, 5, wire)
    days, is_real = _days(year, month, day)
    refused = {
        int(n): f"{year[n]:04d}-{month[n]:02d}-{day[n]:02d} {_clock(int(seconds[n]))}"
        f"{_fraction(int(micros[n]), wire.column.scale)}"
        for n in np.flatnonzero(~is_real & ~cells.is_null)
    }
    values = days * _DAY + seconds * _MICROS + micros
    return pa.array(values, pa.timestamp("us"), mask=cells.is_null | ~is_real), refused


def _timestamps(data: Bytes, cells: Cells, wire: Wire) -> tuple[pa.Array, dict[int, str]]:
    seconds = unsigned_from_high(data, cells.start, 4)
    is_real = seconds > 0
    zero = f"0000-00-00 00:00:00{_fraction(0, wire.column.scale)}"
    refused = {int(n): zero for n in np.flatnonzero(~is_real & ~cells.is_null)}
    values = seconds * _MICROS + _fractions(data, cells, 4, wire)
    return pa.array(values, pa.timestamp("us", "UTC"), mask=cells.is_null | ~is_real), refused


def _fractions(data: Bytes, cells: Cells, after: int, wire: Wire) -> Places:
    size = wire.width - after
    return _micros_of(unsigned_from_high(data, cells.start + after, size), 8 * size)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _days(year: Places, month: Places, day: Places) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Days since 1970, and whether there is such a day (0000-00-00 and 2024-02-31 are none, nor is year 0)."""
    is_real = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    first = (np.where(is_real, year - 1970, 0) * 12 + np.where(is_real, month - 1, 0)).astype("datetime64[M]")
    begins, next_begins = (m.astype("datetime64[D]").astype(np.int64) for m in (first, first + 1))
    is_real &= day <= next_begins - begins
    return np.where(is_real, begins + day - 1, 0), is_real


def _each(data: Bytes, cells: Cells, text: Callable[[bytes], str]) -> pa.Array:
    """Texts of short values of bytes."""
    return _distinct(raw_values(data, cells), text)


def _distinct(raw: pa.Array, text: Callable[[bytes], str]) -> pa.Array:
    """Texts of values, each of which is made once."""
    coded = raw.dictionary_encode()
    texts = [None if value is None else text(value) for value in coded.dictionary.to_pylist()]
    return pa.array(texts, pa.large_string()).take(coded.indices)


_VALUES: Mapping[str, Callable[[Bytes, Cells, Wire], pa.Array]] = {
    "int": _numbers, "uint": _numbers, "bigint": _numbers, "ubigint": _numbers, "float": _floats,
    "double": _floats, "year": _years, "decimal": _decimal, "bit": _bits, "enum": _enums, "set": _sets,
    "text": _texts,
    "blob": _blobs, "geometry": _geometries, "json": _json, "time": _times, "inet4": _addresses,
    "inet6": _addresses, "uuid": _uuids,
}  # fmt: skip
_MOMENTS: Mapping[str, Callable[[Bytes, Cells, Wire], tuple[pa.Array, Mapping[int, str]]]] = {
    "date": _dates, "datetime": _datetimes, "timestamp": _timestamps,
}  # fmt: skip
