"""Targets that are made of several source columns, or of a part of one: names, and dates with times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plugins.core.discovery import ColumnProfile
from plugins.source_mapping.matching.words import words_of
from plugins.source_mapping.planning.expressions import source_column

_FIRST, _LAST, _FULL = ("first", "name"), ("last", "name"), ("full", "name")
_CONFIDENCE = 0.8
_SPLIT_CONFIDENCE = 0.6


@dataclass(frozen=True)
class Composition:
    """columns: of the source. told: how it is known."""

    columns: tuple[str, ...]
    sql: str
    confidence: float
    told: str


def compose(target: str, columns: Iterable[ColumnProfile]) -> Composition | None:
    """What a target may be made of; None if nothing of the kind is plain."""
    by_words = {words_of(column.name).full: column for column in columns}
    wanted = words_of(target).full
    if _ends(wanted, _FULL) or wanted == ("name",):
        return _joined(by_words, wanted)
    if _ends(wanted, _FIRST) or _ends(wanted, _LAST):
        return _part(by_words, wanted)
    if wanted and wanted[-1] in ("datetime", "timestamp", "at"):
        return _dated(by_words, wanted)
    return None


def _ends(words: tuple[str, ...], end: tuple[str, ...]) -> bool:
    return words[-len(end) :] == end


def _joined(by_words: Mapping[tuple[str, ...], ColumnProfile], wanted: tuple[str, ...]) -> Composition | None:
    before = wanted[: -len(_FULL)] if _ends(wanted, _FULL) else ()
    first = by_words.get((*before, *_FIRST)) or by_words.get((*before, "first"))
    last = by_words.get((*before, *_LAST)) or by_words.get((*before, "last"))
    if first is None or last is None:
        return None
    parts = f"{source_column(first.name)}, {source_column(last.name)}"
    return Composition(
        (first.name, last.name),
        f"nullif(trim(concat_ws(' ', {parts})), '')",
        _CONFIDENCE,
        "first and last name, put together",
    )


def _part(by_words: Mapping[tuple[str, ...], ColumnProfile], wanted: tuple[str, ...]) -> Composition | None:
    before = wanted[:-2]
    full = by_words.get((*before, *_FULL)) or by_words.get((*before, "name"))
    if full is None or (*before, *_FIRST) in by_words or (*before, *_LAST) in by_words:
        return None
    column = f"trim({source_column(full.name)})"
    is_first = _ends(wanted, _FIRST)
    sql = (
        f"split_part({column}, ' ', 1)" if is_first else f"nullif(substr({column}, strpos({column}, ' ') + 1), '')"
    )
    told = "the first word of the full name" if is_first else "what follows the first word of the full name"
    return Composition((full.name,), sql, _SPLIT_CONFIDENCE, told)


def _dated(by_words: Mapping[tuple[str, ...], ColumnProfile], wanted: tuple[str, ...]) -> Composition | None:
    before = wanted[:-1]
    date, time = by_words.get((*before, "date")), by_words.get((*before, "time"))
    if date is None or time is None or time.semantic.value != "time":
        return None
    parts = f"{source_column(date.name)}, {source_column(time.name)}"
    return Composition(
        (date.name, time.name), f"try_cast(concat_ws(' ', {parts}) as timestamp)", _CONFIDENCE, "a date and a time"
    )
