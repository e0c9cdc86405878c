"""Dates and times in text of which some are written in one format and some in another."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass

from plugins.core.discovery.semantics.candidate import LEAST_SHARE
from plugins.core.discovery.semantics.moment_formats import formats_like, parses, pattern_of, shape_of, swapped

# Formats of one column; and the share of its values, and how many, that one must write to be none by chance.
_MOST_FORMATS = 6
_LEAST_OF_FORMAT = 0.03
_LEAST_VALUES = 2


@dataclass(frozen=True)
class MixedMoments:
    """formats: in the order in which they are to be tried. fits: how many texts are of one of them. is_swapped:
    whether two differ in the places of day and month, so that some values may be read as either. is_doubtful:
    whether no value of some format tells days from months.
    """

    formats: tuple[str, ...]
    fits: int
    has_clock: bool
    zone: str | None
    is_swapped: bool
    is_doubtful: bool

    @property
    def is_readable(self) -> bool:
        """Whether a list of formats reads each value as what it is."""
        has_offsets = any("%z" in form for form in self.formats)
        return not (self.is_swapped or has_offsets or (self.zone or "").startswith("mixed"))


def read_mixed(texts: Sequence[str]) -> MixedMoments | None:
    """The formats of days in which most of some texts are written, if it takes several; None if they are none.

    The commonest must say the whole year between separators: chapters and versions look like short dates.
    """
    formats: list[str] = []
    rest, is_doubtful = list(texts), False
    least = max(_LEAST_VALUES, _LEAST_OF_FORMAT * len(texts))
    while rest and len(formats) < _MOST_FORMATS:
        form, fits = _commonest(rest)
        if len(fits) < least:
            break
        if not formats and not ("%Y" in form and re.search(r"[^%\w]", form)):
            return None
        formats.append(form)
        is_doubtful |= _may_be_swapped(form, fits)
        rest = [text for text in rest if text not in fits]
    count = len(texts) - len(rest)
    if len(formats) < 2 or count < LEAST_SHARE * len(texts):
        return None
    zones = {
        "UTC" if form.endswith(("Z", "UTC", "GMT")) else "an offset" if "%z" in form else None for form in formats
    }
    zone = next(iter(zones)) if len(zones) == 1 else "mixed: some without"
    # `%Y` takes two digits for a year of the first century.
    ordered = sorted(formats, key=lambda form: "%y" not in form)
    clock = any(mark in form for form in formats for mark in ("%H", "%I"))
    is_swapped = any(swapped(form) in formats and swapped(form) != form for form in formats)
    return MixedMoments(tuple(ordered), count, clock, zone, is_swapped, is_doubtful)


def _may_be_swapped(form: str, texts: Set[str]) -> bool:
    other = swapped(form)
    is_known = all(other in formats_like(text) for text in texts)
    return other != form and is_known and all(map(pattern_of(other).fullmatch, texts))


def _commonest(texts: Sequence[str]) -> tuple[str, set[str]]:
    """The format of a day that writes most of some texts, and which these are."""
    examples = {shape_of(text): text for text in texts}
    tried = dict.fromkeys(form for text in examples.values() for form in formats_like(text) if "%d" in form)
    best: tuple[str, set[str]] = ("", set())
    for form in tried:
        pattern = pattern_of(form)
        fits = {text for text in texts if pattern.fullmatch(text)}
        if len(fits) > len(best[1]) and parses(sorted(fits), form, pattern):
            best = (form, fits)
    return best
