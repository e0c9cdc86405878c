"""References between streams: values of a column that are those of a key, with the names as evidence beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np
from numpy.typing import NDArray

from plugins.core.discovery.columns import renamed
from plugins.core.discovery.look import Look
from plugins.core.discovery.names import id_subject, is_id_name, is_of, snake
from plugins.core.discovery.profile import ColumnProfile, Finding, ForeignKey, StreamProfile
from plugins.core.discovery.verifying import included

_LEAST_CONFIDENCE = 0.5
_LEAST_INCLUDED = 0.9
# Values that are looked up in all rows of a stream that was sampled.
_LOOKED_UP = 500
_NEVER = frozenset({"boolean", "free_text", "amount", "percentage", "json", "array", "map", "polymorphic", "binary", "empty",
                    "date", "timestamp", "time", "latitude", "longitude"})  # fmt: skip


@dataclass(frozen=True)
class _Place:
    stream: StreamProfile
    column: ColumnProfile
    look: Look
    values: NDArray[np.object_]
    whole: duckdb.DuckDBPyRelation | None


def find_foreign_keys(
    streams: Sequence[StreamProfile],
    looks: Mapping[str, Sequence[Look]],
    whole: Mapping[str, duckdb.DuckDBPyRelation],
) -> tuple[ForeignKey, ...]:
    """References of single columns to single-column keys, surest first; of each column the best.

    whole: all rows of streams, by name: keys of those that were sampled are looked up there.
    """
    every = [one for stream in streams for one in stream.walk()]
    targets = [place for stream in every for place in _keys_of(stream, looks[stream.name], whole.get(stream.name))]
    found: dict[tuple[str, str], ForeignKey] = {}
    for stream in every:
        for column, look in zip(stream.columns, looks[stream.name], strict=True):
            if (
                look.cells.kind != "scalar"
                or column.semantic.value in _NEVER
                or not look.filled
                or look.family == "float"
            ):
                continue
            ours = _values(look)
            best = max(
                (one for target in targets if (one := _reference(stream, column, look, ours, target))),
                key=lambda one: one.confidence,
                default=None,
            )
            if best is not None and best.confidence >= _LEAST_CONFIDENCE:
                found[stream.name, column.name] = best
    return tuple(sorted(found.values(), key=lambda one: -one.confidence))


def _keys_of(
    stream: StreamProfile, looks: Sequence[Look], whole: duckdb.DuckDBPyRelation | None
) -> Iterator[_Place]:
    single = {key.columns[0] for key in stream.keys if len(key.columns) == 1}
    for column, look in zip(stream.columns, looks, strict=True):
        if column.name in single and look.family in ("integer", "text") and column.semantic.value not in _NEVER:
            yield _Place(stream, column, look, _values(look), whole if stream.sampled < stream.rows else None)


def _values(look: Look) -> NDArray[np.object_]:
    """Different values as text, so that numbers in text are found among numbers."""
    import pyarrow as pa

    return np.unique(np.asarray(look.different.cast(pa.string()).to_pylist(), dtype=object).astype(str))


def _reference(
    stream: StreamProfile, column: ColumnProfile, look: Look, ours: NDArray[np.object_], target: _Place
) -> ForeignKey | None:
    if target.stream.name == stream.name and target.column.name == column.name:
        return None
    named, why = _called_like(stream, column, target)
    if not named and look.is_unique:
        return None
    share = _included(ours, target, bool(named))
    if share < _LEAST_INCLUDED:
        return None
    number = len(ours)
    covered = number / max(1, len(target.values))
    surprise = _surprise(ours, target)
    sure = number / (number + (1.0 if named else 6.0))
    confidence = (
        (0.97 * named + (1 - named) * 0.75 * surprise * min(1.0, covered * 5)) * sure * (1 - 3 * (1 - share))
    )
    if confidence < _LEAST_CONFIDENCE:
        return None
    return ForeignKey(
        stream.name, (column.name,), target.stream.name, (target.column.name,), round(confidence, 3),
        f"{round(share * number):,} of {number:,} different values are in {target.stream.name}.{target.column.name}"
        f"{why}",
    )  # fmt: skip


def _included(ours: NDArray[np.object_], target: _Place, is_named: bool) -> float:
    """The share of some values that a key has: of a sampled stream, in all of its rows."""
    if target.whole is None or target.column.name not in target.whole.columns:
        return float(np.isin(ours, target.values, assume_unique=True).mean())
    if not is_named:
        return 0.0
    some = [str(one) for one in ours[:: max(1, len(ours) // _LOOKED_UP)]]
    return included(target.whole, target.column.name, some) / len(some)


def _called_like(stream: StreamProfile, column: ColumnProfile, target: _Place) -> tuple[float, str]:
    """How well a column's name speaks of the target, 0..1, and that in words."""
    ours, theirs = snake(column.path[-1] if column.path else column.name), snake(target.column.path[-1])
    if column.name.startswith("_parent_"):
        is_parent = stream.parent == target.stream.name and column.name == f"_parent_{target.column.name}"
        return (1.0, "; the element's parent") if is_parent else (0.0, "")
    subject = id_subject(ours)
    about = bool(subject) and subject != ours and is_of(subject, target.stream.name)
    same = ours == theirs and ours not in ("id", "key", "uuid", "code", "name", "number")
    if about or (same and is_id_name(ours)):
        return 1.0, f"; `{column.name}` is called like it"
    if same:
        return 0.7, "; they are called the same"
    words = [word for word in subject.split("_") if word]
    if subject != ours and any(
        is_of("_".join(words[start:]), target.stream.name) for start in range(1, len(words))
    ):
        return 0.9, f"; `{column.name}` ends like it"
    return 0.0, ""


def _surprise(ours: NDArray[np.object_], target: _Place) -> float:
    """How unlikely it is that the values are included by chance: small whole numbers are in every sequence."""
    theirs = target.values
    if target.look.family == "integer" and len(target.look.numbers):
        span = float(target.look.numbers.max() - target.look.numbers.min()) + 1
        return max(0.0, 1 - len(theirs) / span)
    return 1.0


def with_foreign_keys(stream: StreamProfile, found: Sequence[ForeignKey]) -> StreamProfile:
    """A stream whose referring columns are said to be foreign keys."""
    ours = {one.columns[0]: one for one in found if one.stream == stream.name and len(one.columns) == 1}
    primary = {name for key in stream.keys if key.is_primary and len(key.columns) == 1 for name in key.columns}

    def told(column: ColumnProfile) -> ColumnProfile:
        one = ours.get(column.name)
        if (
            one is None
            or column.name in primary
            or column.semantic.value not in ("id", "uuid", "number", "code", "text", "enum", "foreign_key")
        ):
            return column
        return renamed(
            column,
            Finding(
                "foreign_key",
                max(one.confidence, column.semantic.confidence if column.semantic.value == "foreign_key" else 0),
                one.evidence,
            ),
        )

    return replace(
        stream,
        columns=tuple(map(told, stream.columns)),
        children=tuple(with_foreign_keys(child, found) for child in stream.children),
    )
