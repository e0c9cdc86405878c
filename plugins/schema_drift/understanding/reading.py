"""Rows of one table at one time, as arrays: what the values are equal to, how large they are, how they look."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
from numpy.typing import NDArray

from plugins.core.duck import quote
from plugins.schema_drift.table import SeenTable

from .types import NUMBERS, TIMES, Family, read_type

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.float64]
# Of larger tables every n-th key is read, the same ones at both times.
MOST_ROWS = 10_000
_WIDE = 400
_WIDE_ROWS = 2_000


@dataclass
class Side:
    """A table's rows at one time, in a temporary table with columns `<prefix>0`, `<prefix>1`, … by position.

    Names are the source's and may be anything, even two that differ only in case, so that they appear in no query.
    """

    con: duckdb.DuckDBPyConnection
    seen: SeenTable
    prefix: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    source: str
    rows: int
    taken: int = 0
    _hashes: dict[int, Hashes] = field(default_factory=dict)
    _numbers: dict[int, Numbers] = field(default_factory=dict)
    _texts: dict[int, NDArray] = field(default_factory=dict)
    _lengths: dict[int, Numbers] = field(default_factory=dict)

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection, seen: SeenTable, prefix: str) -> Side:
        """What can be read of the table; its columns in the order in which the table names them."""
        described = con.execute(f"describe select * from {seen.rows}").fetchall()
        found = [str(row[0]) for row in described]
        names = tuple(column.name for column in seen.table.columns)
        # DuckDB tells no names apart that differ in case: then they are told by place.
        order = list(range(len(names))) if len(found) == len(names) and sorted(found) != sorted(names) else None
        if order is None:
            places = {name: place for place, name in enumerate(found)}
            order = [places[name] for name in names if name in places]
            names = tuple(name for name in names if name in places)
        given = ", ".join(f"s{place}" for place in range(len(found)))
        chosen = ", ".join(f"s{place} as {prefix}{number}" for number, place in enumerate(order)) or "1 as nothing"
        source = f"(select {chosen} from (select * from {seen.rows}) as s({given}))"
        counted = con.execute(f"select count(*) from {seen.rows}").fetchone()
        types = tuple(str(described[place][1]).lower() for place in order)
        return cls(con, seen, prefix, names, types, source, int(counted[0]) if counted else 0)

    @property
    def temp(self) -> str:
        """The name of the temporary table."""
        return f"temp._drift_{self.prefix}"

    def column(self, number: int) -> str:
        """The column's name in the temporary table."""
        return f"{self.prefix}{number}"

    def take(self, key: Sequence[int], modulus: int) -> None:
        """Copy the rows into the temporary table, with `<prefix>_key`; one of `modulus` keys, if more than 1."""
        text = key_text(self, key) if key else "null"
        which = f"hash({text})" if key else f"hash(row({', '.join(map(self.column, range(len(self.names))))}))"
        where = f" where {which} % {modulus} = 0" if modulus > 1 else ""
        self.con.execute(
            f"create or replace temp table _drift_{self.prefix} as "
            f"select *, {text} as {self.prefix}_key from {self.source}{where}"
        )
        counted = self.con.execute(f"select count(*) from {self.temp}").fetchone()
        self.taken = int(counted[0]) if counted else 0
        for kept in (self._hashes, self._numbers, self._texts, self._lengths):
            kept.clear()

    def keys(self) -> Hashes:
        """A hash of each row's key, 0 where a part of it is null; shape (taken,)."""
        name = f"{self.prefix}_key"
        return self._fetch([f"case when {name} is null then 0::ubigint else hash({name}) end"])[0].astype(
            np.uint64
        )

    def hashes(self, columns: Sequence[int]) -> Hashes:
        """What values are equal to, whatever their types; 0 is null; shape (taken, len(columns))."""
        missing = [number for number in columns if number not in self._hashes]
        if missing:
            texts = [f"hash({canonical(self.column(one), self.types[one])})" for one in missing]
            found = self._fetch(
                [
                    f"case when {self.column(n)} is null then 0 else {t} end"
                    for n, t in zip(missing, texts, strict=True)
                ]
            )
            self._hashes |= {number: one.astype(np.uint64) for number, one in zip(missing, found, strict=True)}
        return _stack([self._hashes[number] for number in columns], self.taken, np.uint64)

    def numbers(self, columns: Sequence[int]) -> Numbers:
        """Values as numbers, times as seconds; NaN where they are neither; shape (taken, len(columns))."""
        missing = [number for number in columns if number not in self._numbers]
        if missing:
            found = self._fetch([as_number(self.column(one), self.types[one]) for one in missing])
            self._numbers |= {number: _floats(one) for number, one in zip(missing, found, strict=True)}
        return _stack([self._numbers[number] for number in columns], self.taken, np.float64)

    def texts(self, columns: Sequence[int]) -> list[NDArray]:
        """Values as text, None for null; one array of shape (taken,) for each column."""
        missing = [number for number in columns if number not in self._texts]
        if missing:
            found = self._fetch([f"{self.column(one)}::varchar" for one in missing])
            for number, one in zip(missing, found, strict=True):
                self._texts[number] = _unmasked(one)
        return [self._texts[number] for number in columns]

    def shapes(self, column: int, places: slice | NDArray | None = None) -> Hashes:
        """A hash of how a value is written (runs of classes of characters) at some places; 0 is null."""
        texts = self.texts([column])[0]
        picked = texts if places is None else texts[places]
        known: dict[str | None, int] = {None: 0}
        for text in picked:
            if text not in known:
                known[text] = (hash(shape_of(text)) & 0xFFFFFFFFFFFFFFF) | 1
        return np.fromiter((known[text] for text in picked), dtype=np.uint64, count=len(picked))

    def fitting(self, condition: str) -> NDArray[np.bool_]:
        """For which rows SQL over the temporary table is true; shape (taken,)."""
        return np.ma.filled(self._fetch([condition])[0], False).astype(bool)

    def lengths(self, columns: Sequence[int]) -> Numbers:
        """How many characters a value is written with; NaN is null; shape (taken, len(columns))."""
        missing = [number for number in columns if number not in self._lengths]
        if missing:
            found = self._fetch([f"length({self.column(one)}::varchar)::double" for one in missing])
            self._lengths |= {number: _floats(one) for number, one in zip(missing, found, strict=True)}
        return _stack([self._lengths[number] for number in columns], self.taken, np.float64)

    def _fetch(self, expressions: Sequence[str]) -> list[NDArray]:
        listed = ", ".join(f"{one} as x{number}" for number, one in enumerate(expressions))
        found = self.con.execute(f"select {listed} from {self.temp}").fetchnumpy()
        return [found[f"x{n}"] for n in range(len(expressions))]  # pyright: ignore[reportReturnType]


def modulus_for(*sides: Side) -> int:
    """One of how many keys is read, so that no side gives more than `MOST_ROWS`; fewer of very wide tables."""
    widest = max(len(side.names) for side in sides)
    most = MOST_ROWS if widest <= _WIDE else _WIDE_ROWS
    return max(1, -(-max(side.rows for side in sides) // most))


_CLASSES = ((re.compile(r"\d+"), "9"), (re.compile(r"[A-Z]+"), "A"), (re.compile(r"[^\W\d_A-Z]+"), "a"))


def canonical(column: str, type_: str) -> str:
    """SQL of a text that is the same for values that mean the same: 1, 1.0 and '1.00'; a date and its midnight."""
    family = read_type(type_).family
    text = f"{column}::varchar"
    if family in (Family.DECIMAL, Family.FLOAT):
        return (
            f"case when contains({text}, '.') and not contains({text}, 'e') "
            f"then rtrim(rtrim({text}, '0'), '.') else {text} end"
        )
    if family is Family.TEXT:
        number = (
            f"contains({column}, '.') and try_cast({column} as double) is not null and not contains({column}, 'e')"
        )
        return f"case when {number} then rtrim(rtrim({column}, '0'), '.') else {column} end"
    if family is Family.DATE:
        return f"{column}::timestamp::varchar"
    if family is Family.TIMESTAMP_TZ:
        return f"({column} at time zone 'UTC')::varchar"
    return text


def as_number(column: str, type_: str) -> str:
    """SQL of a double: numbers as they are, times in seconds since 1970, null for what is neither."""
    family = read_type(type_).family
    if family in NUMBERS:
        return f"{column}::double"
    if family is Family.BOOLEAN:
        return f"{column}::integer::double"
    if family in TIMES:
        return f"case when isfinite({column}) then epoch({column}::timestamp) end"
    if family is Family.TEXT:
        return f"try_cast({column} as double)"
    return "null::double"


def shape_of(text: str) -> str:
    """How a value is written: runs of digits as 9, of capitals as A, of other letters as a."""
    for pattern, sign in _CLASSES:
        text = pattern.sub(sign, text)
    return text


def key_text(side: Side, key: Sequence[int]) -> str:
    """SQL of a row's key as text that survives padding and case; null where a part is null."""
    parts = [f"ltrim(lower(trim({canonical(side.column(one), side.types[one])})), '0')" for one in key]
    return " || chr(31) || ".join(parts)


def _stack(arrays: list[NDArray], height: int, kind: type) -> NDArray:
    return np.column_stack(arrays) if arrays else np.zeros((height, 0), dtype=kind)


def _unmasked(values: NDArray) -> NDArray:
    """Texts with None where they are null; `filled(None)` would write numpy's own stand-in there, a `?`."""
    texts = np.ma.getdata(values).astype(object)
    texts[np.ma.getmaskarray(values)] = None
    return texts


def _floats(found: NDArray) -> Numbers:
    if isinstance(found, np.ma.MaskedArray):
        return np.ma.filled(found.astype(np.float64), np.nan)
    return np.asarray(found, dtype=np.float64)


def quoted(names: Sequence[str]) -> str:
    """Names for people and for SQL, quoted."""
    return ", ".join(quote(name) for name in names)
