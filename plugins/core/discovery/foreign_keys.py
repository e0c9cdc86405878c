"""References between streams: values of a column that are those of a key, with the names as evidence beside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np
from numpy.typing import NDArray

from plugins.core.discovery.columns import renamed
from plugins.core.discovery.composite_keys import find_composite
from plugins.core.discovery.look import Look
from plugins.core.discovery.profile import ColumnProfile, Finding, ForeignKey, StreamProfile
from plugins.core.discovery.referring import called_like, is_about_another, refers_by_name
from plugins.core.discovery.verifying import included

_LEAST_CONFIDENCE = 0.5
_LEAST_INCLUDED = 0.9
# Values that are looked up in all rows of a stream that was sampled.
_LOOKED_UP = 500
_LEAST_COVERED = 3
# Small numbers close together are in every sequence: they refer to rows of another stream only if they are called
# so, and most of these rows are referred to.
_MOST_COUNTED, _LEAST_COUNTED = 100, 0.8
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_NEVER = frozenset(
    {"boolean", "free_text", "amount", "percentage", "json", "array", "map", "polymorphic", "binary", "empty",
     "date", "timestamp", "time", "latitude", "longitude", "address"}
)  # fmt: skip
# Keys whose values are found in another column by more than chance, whatever that is called.
_TELLING = frozenset({"id", "uuid", "code", "email"})
_MAY_BECOME = frozenset({"id", "uuid", "number", "code", "text", "enum", "foreign_key"})


@dataclass(frozen=True)
class _Key:
    """A key that may be referred to. values: sorted, as text. whole: all rows, if the stream was sampled."""

    stream: StreamProfile
    column: ColumnProfile
    look: Look
    values: NDArray[np.str_]
    whole: duckdb.DuckDBPyRelation | None
    is_primary: bool


def find_foreign_keys(
    streams: Sequence[StreamProfile],
    looks: Mapping[str, Sequence[Look]],
    whole: Mapping[str, duckdb.DuckDBPyRelation],
) -> tuple[ForeignKey, ...]:
    """References to keys, surest first; of each single column the best.

    whole: all rows of streams, by name: keys of those that were sampled are looked up there.
    """
    every = [one for stream in streams for one in stream.walk()]
    names = frozenset(stream.name for stream in every)
    # What refers to a row of a view refers to the row of the table that the view shows.
    tables = [one for one in every if one.view_of is None]
    keys = [key for one in tables for key in _keys_of(one, looks[one.name], whole.get(one.name), names)]
    found: list[ForeignKey] = []
    for stream in every if keys else ():
        for column, look in zip(stream.columns, looks[stream.name], strict=True):
            if look.cells.kind != "scalar" or column.semantic.value in _NEVER or not look.filled:
                continue
            values = _values(look)
            references = (
                _reference(stream, column, look, values, key)
                for key in keys
                if (stream.view_of, column.name) != (key.stream.name, key.column.name)
            )
            best = max((one for one in references if one), key=lambda one: one.confidence, default=None)
            found += [best] if best is not None else []
    found += find_composite(tables, looks)
    return tuple(sorted(found, key=lambda one: -one.confidence))


def _keys_of(
    stream: StreamProfile, looks: Sequence[Look], whole: duckdb.DuckDBPyRelation | None, names: frozenset[str]
) -> Iterator[_Key]:
    single = {key.columns[0]: key for key in stream.keys if len(key.columns) == 1}
    for column, look in zip(stream.columns, looks, strict=True):
        key = single.get(column.name)
        if (
            key is not None
            and look.family in ("integer", "text")
            and column.semantic.value not in _NEVER
            and not is_about_another(column.path[-1], stream.name, names)
        ):
            everything = whole if stream.sampled < stream.rows else None
            yield _Key(stream, column, look, _values(look), everything, key.is_primary)


def _values(look: Look) -> NDArray[np.str_]:
    """Different values as text, so that numbers in text are found among numbers."""
    import pyarrow as pa

    different = look.different
    if look.family == "float":
        numbers = look.numbers
        # Whole numbers become floats where some are missing.
        if not len(numbers) or (numbers % 1).any() or np.abs(numbers).max() > 2**53:
            return np.empty(0, dtype=str)
        different = pa.array(numbers.astype(np.int64))
    try:
        texts = different.cast(pa.string())
    except pa.ArrowNotImplementedError:
        # Of a type that nothing refers by, such as an interval.
        return np.empty(0, dtype=str)
    return np.unique(np.asarray(texts.to_pylist(), dtype=object).astype(str))


def _reference(
    stream: StreamProfile, column: ColumnProfile, look: Look, values: NDArray[np.str_], key: _Key
) -> ForeignKey | None:
    if not len(values) or (key.stream.name == stream.name and key.column.name == column.name):
        return None
    named, why = _named(stream, column, key)
    if not named and (look.is_unique or not key.is_primary or key.column.semantic.value not in _TELLING):
        return None
    share = _included(values, key, bool(named))
    if share < _LEAST_INCLUDED:
        return None
    number = len(values)
    covered = number / max(1, len(key.values))
    if not refers_by_name(column.name) and _counts(look, values) and (not named or covered < _LEAST_COUNTED):
        return None
    sure = number / (number + (1.0 if named else 6.0))
    by_values = 0.75 * _surprise(key) * min(1.0, covered * 5)
    confidence = (0.97 * named + (1 - named) * by_values) * sure * (1 - 3 * (1 - share))
    if named and share == 1:
        # That every row of the other is referred to would be a rare chance.
        confidence += (1 - confidence) * 0.3 * min(1.0, covered) * (number >= _LEAST_COVERED)
    if confidence < _LEAST_CONFIDENCE:
        return None
    place = f"{key.stream.name}.{key.column.name}"
    return ForeignKey(
        stream.name, (column.name,), key.stream.name, (key.column.name,), round(confidence, 3),
        f"{round(share * number):,} of {number:,} different values are in {place}{why}",
    )  # fmt: skip


def _named(stream: StreamProfile, column: ColumnProfile, key: _Key) -> tuple[float, str]:
    if column.name.startswith("_parent_"):
        is_parent = stream.parent == key.stream.name and column.name == f"_parent_{key.column.name}"
        return (1.0, "; the row that the element is of") if is_parent else (0.0, "")
    # `customer.id` within an order speaks as `customer_id` does.
    name = "_".join(column.path[-2:])
    return called_like(name, stream.name, key.column.path[-1], key.stream.name)


def _included(values: NDArray[np.str_], key: _Key, is_named: bool) -> float:
    """The share of some values that a key has: of a sampled stream, in all of its rows."""
    if key.whole is None or key.column.name not in key.whole.columns:
        return float(np.isin(values, key.values, assume_unique=True).mean())
    if not is_named:
        return 0.0
    some = [str(one) for one in values[:: max(1, len(values) // _LOOKED_UP)]]
    return included(key.whole, key.column.name, some) / len(some)


def _counts(look: Look, values: NDArray[np.str_]) -> bool:
    """Whether values may be a quantity, a rating or a rank: whole numbers from 0 or 1 on, close together."""
    if look.family not in ("integer", "float") and not look.is_written_number:
        return False
    # A column of numbers may have `n/a` and empty texts among them.
    numbers = np.array([float(text) for text in values if _NUMBER.fullmatch(text)])
    return bool(len(numbers) and numbers.min() >= 0 and numbers.max() <= min(_MOST_COUNTED, 2 * len(numbers) + 1))


def _surprise(key: _Key) -> float:
    """How unlikely it is that values are included by chance: small whole numbers are in every sequence."""
    numbers = key.look.numbers
    if key.look.is_written_number:
        numbers = np.array([float(text) for text in key.look.texts])
    elif key.look.family != "integer":
        return 1.0
    if not len(numbers):
        return 1.0
    return max(0.0, 1 - len(key.values) / (float(numbers.max() - numbers.min()) + 1))


def with_foreign_keys(stream: StreamProfile, found: Sequence[ForeignKey]) -> StreamProfile:
    """A stream whose referring columns are said to be foreign keys."""
    ours = {one.columns[0]: one for one in found if one.stream == stream.name and len(one.columns) == 1}
    primary = {key.columns[0] for key in stream.keys if key.is_primary and len(key.columns) == 1}

    def told(column: ColumnProfile) -> ColumnProfile:
        one, semantic = ours.get(column.name), column.semantic
        if one is None or column.name in primary or semantic.value not in _MAY_BECOME:
            return column
        known = semantic.confidence if semantic.value == "foreign_key" else 0.0
        return renamed(column, Finding("foreign_key", max(one.confidence, known), one.evidence))

    return replace(
        stream,
        columns=tuple(map(told, stream.columns)),
        children=tuple(with_foreign_keys(child, found) for child in stream.children),
    )
