"""References of several columns together to a key of several, such as the lines of orders that returns name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plugins.core.discovery.look import Look
from plugins.core.discovery.names import snake
from plugins.core.discovery.profile import ForeignKey, Key, StreamProfile

_LEAST_INCLUDED = 0.9
_LEAST_CONFIDENCE = 0.5


def find_composite(streams: Sequence[StreamProfile], looks: Mapping[str, Sequence[Look]]) -> list[ForeignKey]:
    """References by columns that are called as those of the key are; only to streams that were seen whole."""
    found = []
    for to in streams:
        key = to.primary_key
        if key is None or len(key.columns) < 2 or to.parent is not None or to.sampled < to.rows:
            continue
        theirs = _combinations(looks[to.name], key.columns)
        for stream in streams:
            if stream.name != to.name and (columns := _called_alike(looks[stream.name], key)):
                ours = _combinations(looks[stream.name], columns)
                found += _reference(stream, columns, ours, to, key, theirs)
    return found


def _called_alike(looks: Sequence[Look], key: Key) -> tuple[str, ...]:
    """The columns that are called like the key's, in its order; none, if one is missing."""
    names = {
        snake(look.cells.name): look.cells.name for look in looks if look.cells.kind == "scalar" and look.filled
    }
    wanted = [names.get(snake(one)) for one in key.columns]
    return tuple(one for one in wanted if one) if all(wanted) else ()


def _combinations(looks: Sequence[Look], columns: Sequence[str]) -> set[tuple[str, ...]]:
    """The different combinations of values, as text, of rows that have all of them."""
    by_name = {look.cells.name: look for look in looks}
    texts = []
    for name in columns:
        look = by_name[name]
        values = [str(one) for one in look.different.to_pylist()]
        texts.append([values[code] if code >= 0 else None for code in look.codes])
    return {row for row in zip(*texts, strict=True) if None not in row}  # type: ignore[misc]


def _reference(
    stream: StreamProfile, columns: tuple[str, ...], ours: set[tuple[str, ...]], to: StreamProfile, key: Key,
    theirs: set[tuple[str, ...]],
) -> Iterator[ForeignKey]:  # fmt: skip
    number = len(ours)
    share = len(ours & theirs) / number if number else 0.0
    # Of two streams with the same key the one with fewer of its values refers to the other.
    if share < _LEAST_INCLUDED or number > len(theirs) or (ours == theirs and stream.name < to.name):
        return
    confidence = round(0.95 * number / (number + 2) * (1 - 3 * (1 - share)), 3)
    if confidence >= _LEAST_CONFIDENCE:
        told = f"{round(share * number):,} of {number:,} different combinations are in the key of {to.name}"
        yield ForeignKey(
            stream.name, columns, to.name, key.columns, confidence, f"{told}; they are called the same"
        )
