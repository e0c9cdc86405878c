"""Dates in text columns: new rows that don't fit the format which the rows before follow, and would be null.

Only formats with something between their parts: numbers that happen to look like days are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plugins.core.duck import literal, quote
from plugins.schema_drift.change import Change, Fact, Kind, Restored
from plugins.schema_drift.table import Table

from . import telling
from .columns import Understood
from .reading import Numbers, shape_of
from .recipes.dates import formats_of
from .types import NUMBERS, read_type

LEAST_MISFITS = 3
_LEAST_ROWS, _SAMPLE = 20, 300
# Of the rows before, so many at most may follow no format; of new ones, how many more don't.
_MOST_BEFORE, _LEAST_SINCE, _MORE = 0.005, 0.01, 5
_SHOWN = 3


@dataclass(frozen=True)
class _Misfits:
    """Values of rows that came or changed since (places) that no old format reads, of how many that have one.

    before: how many values there were, of which `fitting` follow the old formats.
    """

    olds: list[str]
    before: int
    fitting: int
    places: NDArray[np.intp]
    texts: list[str]
    filled: int


def date_formats(texts: Sequence[str]) -> list[str]:
    """The formats that nearly all of some texts follow, if they are dates beyond doubt."""
    return [form for form in formats_of(texts) if re.search(r"[^\w%]", form)]


def fits(value: str, formats: Sequence[str]) -> str:
    """SQL: whether a text follows one of some formats; null has nothing to follow."""
    listed = ", ".join(map(literal, formats))
    return f"(coalesce(trim({value}), '') = '' or try_strptime({value}, [{listed}]) is not null)"


def misdated(known: Understood, table: Table, one: int, two: int, written: NDArray[np.intp]) -> Change | None:
    """A format that stopped in some rows. one, two: the column's number; written: places of rows since."""
    found = _misfits(known, one, two, written)
    if found is None:
        return None
    name, value = known.new.names[two], quote(known.new.names[two])
    was = " or ".join(found.olds)
    news = [form for form in formats_of(found.texts[:_SAMPLE]) if form not in found.olds]
    became = " or ".join(news) if news else "no format of dates"
    examples = ", ".join(f"`{text[:40]}`" for text in list(dict.fromkeys(found.texts))[:_SHOWN])
    where = _rows(known, found.places)
    text = (
        f"{len(found.places):,} of {found.filled:,} new or changed rows{where} don't fit {was}, which "
        f"{found.fitting:,} of {found.before:,} values before follow: {examples}"
    )
    sql = None
    # A day that both formats read may be either; then only a person knows.
    if len(found.olds) == len(news) == 1 and not _is_same_shape(found.olds[0], news[0]):
        read = f"try_strptime({value}, {literal(news[0])})"
        sql = f"coalesce(strftime({read}, {literal(found.olds[0])}), {value})"
    share = len(found.places) / found.filled
    return telling.change(
        Kind.FORMAT_CHANGED, table, (known.old.names[one],), (name,), 0.85 if news else 0.75,
        (Fact("format", text, share, found.filled),),
        restores=(Restored(known.old.names[one], sql, (name,)),) if sql else (),
        detail={"format_before": was, "format_after": became},
        question=f"`{name}` of {table.name}: {text}. Read as before they are null, or an error; "
        f"{f'they fit {became}: is that what they mean' if news else 'what do they mean'}?",
    )  # fmt: skip


def _misfits(known: Understood, one: int, two: int, written: NDArray[np.intp]) -> _Misfits | None:
    old, new = known.old, known.new
    before = [text for text in old.texts([one])[0] if text and text.strip()]
    texts = new.texts([two])[0]
    filled = np.array([place for place in written if str(texts[place] or "").strip()], dtype=np.intp)
    if len(before) < _LEAST_ROWS or len(filled) < LEAST_MISFITS:
        return None
    olds = date_formats(before[:_SAMPLE])
    # Most columns of text hold no dates: nothing is asked of them.
    if not olds:
        return None
    was = old.fitting(fits(old.column(one), olds))
    now = new.fitting(fits(new.column(two), olds))
    strange = filled[~now[filled]]
    fitting = len(before) - int((~was).sum())
    share, usual = len(strange) / len(filled), 1 - fitting / len(before)
    if usual > _MOST_BEFORE or len(strange) < LEAST_MISFITS or share < max(_LEAST_SINCE, _MORE * usual):
        return None
    return _Misfits(olds, len(before), fitting, strange, [str(texts[place]) for place in strange], len(filled))


def _rows(known: Understood, places: NDArray[np.intp]) -> str:
    """Which rows they are, by a key of one column."""
    key = known.match.key
    if key is None or len(key.after) != 1:
        return ""
    (number,) = key.after
    name = known.new.names[number]
    if read_type(known.new.types[number]).family in NUMBERS:
        values: Numbers = known.new.numbers([number])[places, 0]
        return f" (`{name}` {_plain(values.min())} to {_plain(values.max())})"
    some = ", ".join(str(text) for text in known.new.texts([number])[0][places][:_SHOWN])
    return f" (`{name}` {some}{', …' if len(places) > _SHOWN else ''})"


def _plain(number: float) -> str:
    return f"{number:.0f}" if number == round(number) else str(number)


def _is_same_shape(one: str, two: str) -> bool:
    """Whether two formats write alike, such as days before months and the other way."""
    return shape_of(re.sub(r"%[a-zA-Z]", "9", one)) == shape_of(re.sub(r"%[a-zA-Z]", "9", two))
