"""Types in any warehouse's words: their family, and whether one holds every value of another."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache


class Family(StrEnum):
    """What kind of value a type holds."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMP_TZ = "timestamp_tz"
    INTERVAL = "interval"
    UUID = "uuid"
    JSON = "json"
    STRUCT = "struct"
    LIST = "list"
    MAP = "map"
    BINARY = "binary"
    OTHER = "other"


NUMBERS = frozenset({Family.INTEGER, Family.DECIMAL, Family.FLOAT})
TIMES = frozenset({Family.DATE, Family.TIMESTAMP, Family.TIMESTAMP_TZ})
NESTED = frozenset({Family.STRUCT, Family.LIST, Family.MAP, Family.JSON})

_INTEGERS = {
    "tinyint": 8, "int1": 8, "byteint": 8, "utinyint": 9, "uint8": 9,
    "smallint": 16, "int2": 16, "smallserial": 16, "usmallint": 17, "uint16": 17, "mediumint": 24,
    "int": 32, "integer": 32, "int4": 32, "serial": 32, "signed": 32, "uinteger": 33, "uint32": 33,
    "bigint": 64, "int8": 64, "long": 64, "bigserial": 64, "int64": 64, "oid": 64, "ubigint": 65, "uint64": 65,
    "hugeint": 128, "uhugeint": 129, "int128": 128, "int16": 16, "int32": 32,
}  # fmt: skip
_TEXTS = {
    "text", "varchar", "char", "string", "character", "character varying", "bpchar", "nvarchar", "nchar", "clob",
    "tinytext", "mediumtext", "longtext", "enum", "set", "name", "citext", "varchar2", "ntext",
}  # fmt: skip
_OTHERS = {
    "boolean": Family.BOOLEAN, "bool": Family.BOOLEAN, "bit": Family.BOOLEAN, "date": Family.DATE,
    "double": Family.FLOAT, "double precision": Family.FLOAT, "float8": Family.FLOAT, "float64": Family.FLOAT,
    "real": Family.FLOAT, "float4": Family.FLOAT, "float": Family.FLOAT, "float32": Family.FLOAT,
    "datetime": Family.TIMESTAMP, "timestamp_ntz": Family.TIMESTAMP, "timestamp": Family.TIMESTAMP,
    "timestamp without time zone": Family.TIMESTAMP, "timestamp_ns": Family.TIMESTAMP,
    "timestamp_s": Family.TIMESTAMP, "timestamp_ms": Family.TIMESTAMP, "timestamp_us": Family.TIMESTAMP,
    "smalldatetime": Family.TIMESTAMP, "datetime2": Family.TIMESTAMP,
    "timestamptz": Family.TIMESTAMP_TZ, "timestamp with time zone": Family.TIMESTAMP_TZ,
    "timestamp_tz": Family.TIMESTAMP_TZ, "timestamp_ltz": Family.TIMESTAMP_TZ,
    "datetimeoffset": Family.TIMESTAMP_TZ,
    "time": Family.TIME, "time without time zone": Family.TIME, "timetz": Family.TIME,
    "time with time zone": Family.TIME, "interval": Family.INTERVAL, "uuid": Family.UUID, "guid": Family.UUID,
    "uniqueidentifier": Family.UUID, "json": Family.JSON, "jsonb": Family.JSON, "variant": Family.JSON,
    "object": Family.JSON, "super": Family.JSON, "bytea": Family.BINARY, "blob": Family.BINARY,
    "binary": Family.BINARY, "varbinary": Family.BINARY, "tinyblob": Family.BINARY, "mediumblob": Family.BINARY,
    "longblob": Family.BINARY, "bytes": Family.BINARY, "array": Family.LIST, "map": Family.MAP,
    "record": Family.STRUCT, "row": Family.STRUCT, "struct": Family.STRUCT, "year": Family.INTEGER,
}  # fmt: skip
_SINGLE = {"real", "float4", "float32"}


@dataclass(frozen=True)
class Type:
    """A type, read. size: bits of an integer, length of a text, precision of a decimal, 32 or 64 of a float.

    form: of texts and bytes, `fixed` for those that are filled up to their length, `own` for MySQL's own kinds.
    words: what an enumeration may hold.
    """

    family: Family
    size: int | None = None
    scale: int = 0
    form: str = ""
    words: frozenset[str] = frozenset()

    @property
    def duck(self) -> str:
        """The type in DuckDB's words, for a cast."""
        if self.family is Family.INTEGER:
            sizes = {8: "tinyint", 9: "utinyint", 16: "smallint", 17: "usmallint", 24: "integer", 32: "integer"}
            return sizes.get(self.size or 64, "hugeint" if (self.size or 64) > 64 else "bigint")
        if self.family is Family.DECIMAL:
            return f"decimal({min(self.size or 18, 38)},{self.scale if self.size else 3})"
        if self.family is Family.FLOAT:
            return "float" if self.size == 32 else "double"
        plain = {Family.TEXT: "varchar", Family.TIMESTAMP_TZ: "timestamptz", Family.BINARY: "blob"}
        return plain.get(self.family, str(self.family) if self.family in TIMES | _SIMPLE else "varchar")


_SIMPLE = frozenset({Family.BOOLEAN, Family.TIME, Family.UUID, Family.INTERVAL, Family.JSON})


@lru_cache(maxsize=4096)
def read_type(text: str) -> Type:
    """The type that `text` names, in the words of DuckDB, PostgreSQL, MySQL, BigQuery or Snowflake."""
    lower = " ".join(text.lower().split())
    if lower.endswith("]"):
        return Type(Family.LIST)
    is_unsigned = " unsigned" in lower
    lower = re.sub(r" (unsigned|signed|zerofill|binary|collate .*|character set .*)\b", "", lower).strip()
    found = re.match(r"([a-z_0-9 ]+)(?:[(<](.*)[)>])?([a-z ]*)$", lower)
    if found is None:
        return Type(Family.STRUCT if lower.startswith(("struct", "row", "record")) else Family.OTHER)
    name, inside, rest = found[1].strip(), found[2] or "", found[3].strip()
    name = f"{name} {rest}" if rest else name
    numbers = [int(one) for one in re.findall(r"\d+", inside)]
    if name == "tinyint" and numbers[:1] == [1]:
        return Type(Family.INTEGER, 8)
    if name in _INTEGERS:
        return Type(Family.INTEGER, _INTEGERS[name] + is_unsigned)
    if name in ("decimal", "numeric", "number", "dec", "bignumeric", "money"):
        return Type(Family.DECIMAL, numbers[0] if numbers else None, numbers[1] if len(numbers) > 1 else 0)
    if name in ("enum", "set"):
        words = frozenset(one or two for one, two in re.findall(_WORDS, text))
        return Type(Family.TEXT, max(map(len, words), default=None), words=words)
    if name in _TEXTS:
        return Type(Family.TEXT, numbers[0] if numbers else _LENGTHS.get(name), form=_form(name))
    family = _OTHERS.get(name, Family.OTHER)
    if family is Family.BINARY:
        return Type(family, numbers[0] if numbers else _LENGTHS.get(name), form=_form(name))
    return Type(family, (32 if name in _SINGLE else 64) if family is Family.FLOAT else None)


_WORDS = r"""'((?:[^']|'')*)'|"((?:[^"]|"")*)\""""
# MySQL's texts hold so many bytes; char without a length holds one.
_LENGTHS = {
    "tinytext": 255, "mediumtext": 16_777_215, "tinyblob": 255, "mediumblob": 16_777_215, "char": 1,
    "character": 1, "nchar": 1,
}  # fmt: skip
_PLAIN_LENGTH = 65_535
_RANKS = {"fixed": 0, "own": 1, "": 2}


def _form(name: str) -> str:
    if name in ("char", "character", "nchar", "bpchar", "binary"):
        return "fixed"
    return "own" if name.startswith(("tiny", "medium", "long")) else ""


class Shift(StrEnum):
    """How a type differs from another."""

    SAME = "same"
    WIDENED = "widened"
    NARROWED = "narrowed"
    CHANGED = "changed"


def compare_types(before: str, after: str) -> Shift:
    """Whether `after` holds every value of `before` (widened), fewer (narrowed), or others (changed)."""
    if " ".join(before.lower().split()) == " ".join(after.lower().split()):
        return Shift.SAME
    old, new = read_type(before), read_type(after)
    if old.family is new.family:
        return _within(*_lengthened(old, new), before, after)
    if old.family is Family.INTEGER and new.family is Family.DECIMAL:
        digits = {8: 3, 9: 3, 16: 5, 17: 5, 24: 7, 32: 10, 33: 10}.get(old.size or 32, 19)
        return Shift.WIDENED if new.size is None or new.size - new.scale >= digits else Shift.NARROWED
    if old.family in (Family.INTEGER, Family.DECIMAL) and new.family is Family.FLOAT:
        return Shift.WIDENED if old.family is Family.INTEGER and (old.size or 64) <= 33 else Shift.CHANGED
    if (old.family, new.family) == (Family.DATE, Family.TIMESTAMP):
        return Shift.WIDENED
    if (old.family, new.family) == (Family.TIMESTAMP, Family.DATE):
        return Shift.NARROWED
    if old.family in (Family.DECIMAL, Family.FLOAT) and new.family is Family.INTEGER:
        return Shift.NARROWED
    if (old.family, new.family) == (Family.FLOAT, Family.DECIMAL):
        return Shift.NARROWED
    return Shift.CHANGED


def _lengthened(old: Type, new: Type) -> tuple[Type, Type]:
    """Beside one of MySQL's own texts, a text without a length is MySQL's, too."""
    if "own" not in (old.form, new.form):
        return old, new
    pair = [one if one.size or one.form else replace(one, size=_PLAIN_LENGTH) for one in (old, new)]
    return pair[0], pair[1]


def _within(old: Type, new: Type, before: str, after: str) -> Shift:
    """Of two types of one family."""
    if old.words != new.words:
        # What any text may be holds every word that is no longer than it.
        if not old.words or not new.words:
            return Shift.WIDENED if old.words and (new.size or 10**9) >= (old.size or 0) else Shift.NARROWED
        return Shift.WIDENED if old.words < new.words else Shift.NARROWED
    if old == new:
        # Two words of one type, such as int and integer; structs and lists of other things are told by their text.
        return Shift.CHANGED if old.family in NESTED | {Family.OTHER} and before != after else Shift.SAME
    if old.size == new.size and old.form != new.form:
        return Shift.WIDENED if _RANKS[old.form] < _RANKS[new.form] else Shift.NARROWED
    whole, part = (new.size or 10**9) - new.scale, new.scale
    if whole >= (old.size or 10**9) - old.scale and part >= old.scale:
        return Shift.WIDENED
    return Shift.NARROWED
