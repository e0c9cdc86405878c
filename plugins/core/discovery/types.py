"""DuckDB types of Arrow arrays and of Python values, and the families that they are of."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

if TYPE_CHECKING:
    import pyarrow as pa

Family = Literal["text", "integer", "float", "decimal", "boolean", "date", "timestamp", "time", "binary", "other"]

_BY_ARROW = {
    "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "uint8": "UTINYINT",
    "uint16": "USMALLINT", "uint32": "UINTEGER", "uint64": "UBIGINT", "halffloat": "FLOAT", "float": "FLOAT",
    "double": "DOUBLE", "string": "VARCHAR", "large_string": "VARCHAR", "string_view": "VARCHAR",
    "bool": "BOOLEAN",
    "binary": "BLOB", "large_binary": "BLOB", "binary_view": "BLOB", "null": "NULL",
}  # fmt: skip
_INTEGERS = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
    "UHUGEINT",
)  # fmt: skip
_BEGINNINGS: tuple[tuple[str, Family], ...] = (
    ("DECIMAL", "decimal"), ("DOUBLE", "float"), ("FLOAT", "float"), ("BOOL", "boolean"), ("DATE", "date"),
    ("TIMESTAMP", "timestamp"), ("TIME", "time"), ("BLOB", "binary"), ("VARCHAR", "text"), ("UUID", "text"),
    ("ENUM", "text"), ("JSON", "text"),
)  # fmt: skip
_LARGEST = 2**63


def duckdb_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type."""
    import pyarrow.types as at

    if (known := _BY_ARROW.get(str(kind))) is not None:
        return known
    if at.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if at.is_date(kind):
        return "DATE"
    if at.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    if at.is_time(kind):
        return "TIME"
    if at.is_fixed_size_binary(kind):
        return "BLOB"
    return "INTERVAL" if at.is_duration(kind) or at.is_interval(kind) else "VARCHAR"


def family(data_type: str) -> Family:
    """What may be done with values of a DuckDB type."""
    upper = data_type.upper()
    if upper.endswith("]") or upper.startswith(("MAP", "STRUCT")):
        return "other"
    if upper in _INTEGERS:
        return "integer"
    for start, found in _BEGINNINGS:
        if upper.startswith(start):
            return found
    return "other"


def sort_of(value: Any) -> str:
    """A word for the type of a Python value, as variants of a field are called."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, (list, tuple)):
        return "array"
    return _label({type(value)}) or "VARCHAR"


def are_one_family(kinds: set[type]) -> bool:
    """Whether Python types are stored in one column without loss of what they are; integers among floats are."""
    return len(kinds) <= 1 or _label(kinds) is not None


def _label(kinds: set[type]) -> str | None:
    """The DuckDB type of values of some Python types; None if they are of several."""
    if not kinds:
        return "NULL"
    for group, label in (
        ((bool,), "BOOLEAN"), ((int,), "BIGINT"), ((int, float), "DOUBLE"), ((int, Decimal), "DECIMAL"),
        ((str,), "VARCHAR"), ((datetime.datetime,), "TIMESTAMP"), ((datetime.date,), "DATE"),
        ((datetime.time,), "TIME"), ((bytes, bytearray, memoryview), "BLOB"), ((UUID,), "UUID"),
        ((datetime.timedelta,), "INTERVAL"),
    ):  # fmt: skip
        if all(issubclass(kind, group) and (kind is not bool or bool in group) for kind in kinds):
            return label
    return None


def to_array(values: Sequence[Any]) -> tuple[pa.Array, str]:
    """Scalars of one family as an Arrow array, and their DuckDB type; as text, where Arrow can't hold them."""
    import pyarrow as pa

    label = _label(set(map(type, values)) - {type(None)}) or "VARCHAR"
    if label == "NULL":
        return pa.nulls(len(values), pa.string()), "NULL"
    if label == "VARCHAR":
        return text_array(values), label
    if label == "UUID":
        return text_array(values), label
    if label == "BLOB":
        return text_array(None if one is None else bytes(one[:64]).hex() for one in values), label
    if label == "BIGINT" and any(one is not None and not -_LARGEST <= one < _LARGEST for one in values):
        return text_array(values), "HUGEINT" if all(abs(one or 0) < 2**127 for one in values) else "VARCHAR"
    try:
        array = pa.array(
            [float(one) if one is not None else None for one in values] if label == "DOUBLE" else values
        )
    # Moments with and without a zone, decimals without an end, integers beyond a float.
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return text_array(values), "VARCHAR"
    return array, duckdb_type(array.type)


def text_array(values: Iterable[Any]) -> pa.Array:
    """Values as text; what is no Unicode is replaced."""
    import pyarrow as pa

    texts = [None if one is None else one if type(one) is str else str(one) for one in values]
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([None if t is None else t.encode("utf-8", "replace").decode() for t in texts], pa.string())
