"""Dates in questions: `January 2024`, `5 March 2023`, `March 5, 2023`, `2023-03-05`."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import date

from plugins.nl_models.words.lexicon import lexicon
from plugins.nl_models.words.tokens import Token

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DECADE = re.compile(r"(1\d{2}|20\d)0s")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")


def date_bounds(span: Sequence[Token]) -> tuple[str, str] | None:
    """The first and the last day that a phrase means, as ISO dates; None if it means no month, day or decade."""
    words = [token.lower for token in span if token.kind != "comma" and token.lower not in ("of", "the")]
    if span[0].kind == "comma" or span[-1].kind == "comma":
        return None
    if len(words) == 1 and (iso := _ISO.fullmatch(words[0])):
        return _bounds(*map(int, iso.groups()))
    if len(words) == 1 and (decade := _DECADE.fullmatch(words[0])):
        return f"{decade.group(1)}0-01-01", f"{decade.group(1)}9-12-31"
    months = [lexicon().months[word] for word in words if word in lexicon().months]
    years = [int(word) for word in words if re.fullmatch(r"[12]\d{3}", word)]
    days = [int(found.group(1)) for word in words if (found := _DAY.fullmatch(word))]
    if len(months) != 1 or len(years) != 1 or len(days) > 1 or len(words) != 2 + len(days):
        return None
    return _bounds(years[0], months[0], days[0] if days else None)


def year_bounds(year: int) -> tuple[str, str]:
    """The first and the last day of a year."""
    return f"{year:04}-01-01", f"{year:04}-12-31"


def _bounds(year: int, month: int, day: int | None) -> tuple[str, str] | None:
    try:
        first = date(year, month, day or 1)
    except ValueError:
        return None
    last = first if day else date(year, month, calendar.monthrange(year, month)[1])
    return first.isoformat(), last.isoformat()
