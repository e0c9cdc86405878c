"""SQLite keeps any value in any column: in which type a column lands, and which of its values fit it.

A declared type stands if at least half of the column's first values fit it: it is no promise in SQLite, but it
doesn't change with the rows of the day. Otherwise, and where nothing is declared, the column takes the type that
all of them share, or text. What doesn't fit is `Unfit`, and lands in `_smelt_extra`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")
_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?")
_EXACT_AS_REAL = 2**53
_STANDS = 0.5


@dataclass(frozen=True)
class Unfit:
    """A value that its column's type can't hold. It is greater than any other: dlt takes it for new each time."""

    value: Any

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return True

    def plain(self) -> Any:
        """The value as JSON can say it; bytes in hexadecimal, as PostgreSQL writes them."""
        if isinstance(self.value, bytes):
            return f"\\x{self.value.hex()}"
        is_endless = isinstance(self.value, float) and not math.isfinite(self.value)
        return str(self.value) if is_endless else self.value


@dataclass(frozen=True)
class Kind:
    """A type in which a column lands. read: a stored value in that type; raises ValueError if it doesn't fit."""

    arrow: pa.DataType
    read: Callable[[Any], Any]

    def fitted(self, value: Any) -> Any:
        """A stored value in this type, or `Unfit`."""
        if value is None:
            return None
        try:
            return self.read(value)
        except (ValueError, InvalidOperation):
            return Unfit(value)

    def fits(self, values: Sequence[Any]) -> float:
        """The share of values that fit, 0..1."""
        return sum(not isinstance(self.fitted(value), Unfit) for value in values) / len(values)


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError(value)
    return value


def _real(value: Any) -> float:
    if isinstance(value, float) or (isinstance(value, int) and abs(value) <= _EXACT_AS_REAL):
        return float(value)
    raise ValueError(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ValueError(value)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        raise ValueError(value)
    return value if isinstance(value, str) else repr(value)


def _blob(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(value)
    return value


def _date(value: Any) -> date:
    moment = _moment(value)
    if moment.time() != time():
        raise ValueError(value)
    return moment.date()


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError(value)
    return datetime.fromisoformat(value)


def _time(value: Any) -> time:
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError(value)
    return time.fromisoformat(value)


WHOLE, REAL = Kind(pa.int64(), _whole), Kind(pa.float64(), _real)
BOOLEAN = Kind(pa.bool_(), _boolean)
TEXT, BLOB = Kind(pa.string(), _text), Kind(pa.binary(), _blob)
DATE, TIME = Kind(pa.date32(), _date), Kind(pa.time64("us"), _time)
MOMENT = Kind(pa.timestamp("us"), _moment)
_BY_VALUES = (WHOLE, REAL, Kind(pa.string(), lambda value: value if isinstance(value, str) else _text(b"")), BLOB)


def decimal(precision: int, scale: int) -> Kind:
    """Numbers with so many digits; SQLite keeps them as doubles, of which fifteen digits are the value."""

    def read(value: Any) -> Decimal:
        if isinstance(value, float):
            number = Decimal(f"{value:.15g}")
        elif isinstance(value, int):
            number = Decimal(value)
        else:
            raise ValueError(value)
        exact = number.quantize(Decimal(1).scaleb(-scale))
        if exact != number or len(exact.as_tuple().digits) > precision:
            raise ValueError(value)
        return exact

    return Kind(pa.decimal128(precision, scale), read)


def kind_of(declared: Kind | None, values: Sequence[Any]) -> Kind:
    """The type of a column. declared: None if nothing is; values: its first ones, without nulls."""
    if declared is not None and (not values or declared.fits(values) >= _STANDS):
        return declared
    if not values:
        return TEXT
    return next((kind for kind in _BY_VALUES if kind.fits(values) == 1), TEXT)
