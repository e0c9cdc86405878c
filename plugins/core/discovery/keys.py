"""Which columns tell rows apart: single ones, and minimal combinations of several.

Uniqueness in a sample is evidence as far as it would have failed otherwise. A combination is judged by how often
its values would meet by chance, were its columns independent; a single column by the number of rows, its type,
its name and its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from plugins.core.discovery.look import Look
from plugins.core.discovery.names import id_subject, is_code_name, is_id_name, is_of, is_place_name
from plugins.core.discovery.profile import ColumnProfile, Key

# Columns that combinations are made of, and how many of them at most.
_COMBINED, _MOST_COLUMNS = 14, 4
_LEAST_CONFIDENCE = 0.15
_LEAST_PRIMARY = 0.5
_MOST_KEYS = 8
_NO_PART = frozenset({"free_text", "amount", "percentage"})
_NEVER = frozenset({"json", "array", "map", "polymorphic", "binary", "empty"})
# How well a meaning goes with being a key.
_SUITED = {
    "id": 1.0, "uuid": 0.98, "foreign_key": 0.85, "code": 0.8, "email": 0.6, "iban": 0.6, "url": 0.45,
    "number": 0.5,
    "card": 0.45, "text": 0.4, "phone": 0.35, "person_name": 0.3, "timestamp": 0.35, "date": 0.5, "country": 0.6,
    "currency": 0.6, "language": 0.6, "enum": 0.4, "postal_code": 0.4, "national_id": 0.75,
}  # fmt: skip
_COMBINABLE = {
    "date": 0.9, "timestamp": 0.8, "code": 0.85, "country": 0.8, "currency": 0.8, "language": 0.8, "enum": 0.75,
    "number": 0.65, "postal_code": 0.6,
}  # fmt: skip


def find_keys(stream: str, looks: Sequence[Look], columns: Sequence[ColumnProfile]) -> tuple[Key, ...]:
    """Keys of a stream, best first; the first is primary if it is likely enough."""
    rows = looks[0].rows if looks else 0
    if not rows:
        return ()
    singles = [
        _single(stream, place, look, column)
        for place, (look, column) in enumerate(zip(looks, columns, strict=True))
        if look.is_unique and look.cells.kind == "scalar" and column.semantic.value not in _NEVER
    ]
    found = [key for key in (*singles, *_composites(looks, columns)) if key.confidence >= _LEAST_CONFIDENCE]
    return with_primary(found)[:_MOST_KEYS]


def with_primary(keys: Sequence[Key]) -> tuple[Key, ...]:
    """Keys, best first; the first is primary if it is likely enough."""
    ordered = sorted(keys, key=lambda key: -key.confidence)
    return tuple(
        replace(key, is_primary=place == 0 and key.confidence >= _LEAST_PRIMARY)
        for place, key in enumerate(ordered)
    )


def _single(stream: str, place: int, look: Look, column: ColumnProfile) -> Key:
    rows, name = look.rows, look.name
    suited = _SUITED.get(column.semantic.value, 0.25)
    if look.family == "float" and column.semantic.value != "id":
        suited = 0.15
    caution, why = 12.0, ""
    if is_id_name(name):
        subject = id_subject(name)
        own = not subject or is_of(subject, stream)
        suited, caution, why = (
            (1.0, 2.0, f"; `{name}` is called like the rows' own identifier") if own else (0.75, 6.0, "")
        )
    elif is_code_name(name):
        subject = id_subject(name)
        own = not subject or is_of(subject, stream)
        suited, caution = (max(suited, 0.9), 3.0) if own else (max(suited, 0.8), 6.0)
    if place == 0 and suited < 1.0:
        suited, why = suited + (1 - suited) * 0.3, why + "; the first column"
    if _is_sequence(look):
        suited, why = suited + (1 - suited) * 0.5, why + "; whole numbers without gaps"
    return Key(
        (column.name,), round(0.99 * suited * rows / (rows + caution), 3),
        f"{look.distinct:,} different values in {rows:,} rows, none missing{why}",
    )  # fmt: skip


def _is_sequence(look: Look) -> bool:
    if look.family != "integer" or not len(look.numbers):
        return False
    return look.numbers.max() - look.numbers.min() == len(look.numbers) - 1


def _composites(looks: Sequence[Look], columns: Sequence[ColumnProfile]) -> Iterator[Key]:
    """Minimal combinations that are unique although their columns alone are far from it."""
    rows = looks[0].rows
    usable = [
        (look, column)
        for look, column in zip(looks, columns, strict=True)
        if not look.nulls and 1 < look.distinct < rows and look.cells.kind == "scalar" and look.family != "float"
        and column.semantic.value not in _NEVER | _NO_PART
    ]  # fmt: skip
    usable.sort(key=lambda pair: (-_combinable(pair[1]), -pair[0].distinct))
    usable = usable[:_COMBINED]
    pairs = rows * (rows - 1) / 2
    meets = {id(look): float((look.counts * (look.counts - 1)).sum()) / 2 / pairs for look, _ in usable}
    found: list[frozenset[int]] = []
    for size in range(2, min(_MOST_COLUMNS, len(usable)) + 1):
        for chosen in combinations(range(len(usable)), size):
            if any(known <= set(chosen) for known in found):
                continue
            members = [usable[number] for number in chosen]
            if math.prod(look.distinct for look, _ in members) < rows or not _is_unique(
                [look.codes for look, _ in members]
            ):
                continue
            found.append(frozenset(chosen))
            expected = pairs * math.prod(meets[id(look)] for look, _ in members)
            suited = min(_combinable(column) for _, column in members) * 0.97 ** (size - 2)
            names = tuple(column.name for _, column in members)
            why = f"no combination twice in {rows:,} rows; by chance {expected:,.0f} pairs of rows would agree"
            yield Key(names, round(0.95 * suited * (1 - math.exp(-expected / 3)), 3), why)


def _combinable(column: ColumnProfile) -> float:
    """How well a column goes with being a part of a key."""
    name = column.path[-1] if column.path else column.name
    if column.semantic.value in ("id", "foreign_key", "uuid") or is_id_name(name):
        return 1.0
    return 0.95 if is_place_name(name) else _COMBINABLE.get(column.semantic.value, 0.5)


def _is_unique(codes: Sequence[NDArray[np.int32]]) -> bool:
    combined = codes[0].astype(np.int64)
    for more in codes[1:]:
        combined = combined * (int(more.max()) + 1) + more
        if combined.max() > 2**40:
            combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
    return len(np.unique(combined)) == len(combined)
