"""The formats in which dates and times are written, and which texts are of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache

_DAYS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",
    "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%m/%y", "%m/%d/%y",
    "%d.%m.%y", "%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y", "%a %b %d %Y", "%d/%b/%Y", "%Y-%b-%d",
)  # fmt: skip
_HOURS = (
    "", " %H:%M:%S", "T%H:%M:%S", "T%H:%M:%SZ", " %H:%M:%S.%f", "T%H:%M:%S.%f", "T%H:%M:%S.%fZ", "T%H:%M:%S%z",
    "T%H:%M:%S.%f%z", " %H:%M:%S%z", " %H:%M:%S %z", " %H:%M:%S.%f%z", " %H:%M:%S UTC", " %H:%M:%S GMT", " %H:%M",
    "T%H:%M", "T%H:%MZ", " %I:%M:%S %p", " %I:%M %p", " %I:%M%p", " %H.%M", ", %I:%M %p", ", %H:%M",
    ":%H:%M:%S %z",
    "T%H%M%SZ", "%H%M%S", "T%H%M%S", " %H:%M:%S.%f UTC",
)  # fmt: skip
_CLOCKS = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
_PARTS = {
    "%Y": r"(?:1[5-9]|20|21)\d\d", "%m": r"(?:0?[1-9]|1[0-2])", "%d": r"(?:0?[1-9]|[12]\d|3[01])", "%y": r"\d\d",
    "%b": r"[A-Za-z]{3}\.?", "%B": r"[A-Za-z]{3,9}", "%a": r"[A-Za-z]{3}", "%A": r"[A-Za-z]{6,9}",
    "%H": r"(?:[01]?\d|2[0-3])", "%I": r"(?:0?[1-9]|1[0-2])", "%M": r"[0-5]\d", "%S": r"[0-5]\d",
    "%f": r"\d{1,9}", "%p": r"[AaPp][Mm]", "%z": r"[+-](?:0\d|1[0-4])(?::?[0-5]\d)?",
}  # fmt: skip
# Without separators every part has all its digits.
_FIXED = {"%m": r"(?:0[1-9]|1[0-2])", "%d": r"(?:0[1-9]|[12]\d|3[01])", "%H": r"(?:[01]\d|2[0-3])"}
_NOON = datetime(2024, 11, 22, 13, 14, 15, 123456)
ISO = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?"
    r"\s?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?"
)
# Texts of a column that are parsed, and whose shapes say which formats to try.
PARSED = 12


def is_moment(text: str) -> bool:
    """Whether a text is written like a date, or a date and a time, in any of the formats."""
    forms = formats_like(text)
    return ISO.fullmatch(text) is not None or any(
        "%d" in form and pattern_of(form).fullmatch(text) for form in forms
    )


def swapped(form: str) -> str:
    """The format in which day and month have changed places."""
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def shape_of(text: str) -> str:
    """The shape of a text: runs of digits as 9, of letters as a."""
    return re.sub(r"[^\W\d_]+\.?(?=\W|$|\d)|[^\W\d_]+", "a", re.sub(r"\d+", "9", text[:60]))


def formats_like(text: str) -> Sequence[str]:
    """The formats that write texts of the same shape; often none."""
    return _by_shape().get(shape_of(text), ())


@cache
def _by_shape() -> dict[str, list[str]]:
    """Formats by the shape of what they write."""
    days = (day + hour for day in _DAYS for hour in _HOURS if hour != "%H%M%S" or day == "%Y%m%d")
    found: dict[str, list[str]] = {}
    for form in (*days, *_CLOCKS):
        written = _NOON.strftime(form.replace("%z", "+01:00"))
        for shape in {shape_of(written.replace("+01:00", zone)) for zone in ("+01:00", "+0100", "+01")}:
            found.setdefault(shape, []).append(form)
    return found


@cache
def pattern_of(form: str) -> re.Pattern[str]:
    """What texts of a format look like."""
    parts = _PARTS | (_FIXED if re.search(r"%Y%m|%H%M", form) else {})
    return re.compile(re.sub(r"%\w", lambda hit: parts[hit[0]], _escaped(form)))


def _escaped(form: str) -> str:
    return re.sub(r"[.+()]", lambda hit: "\\" + hit[0], form)


def parses(texts: Sequence[str], form: str, pattern: re.Pattern[str]) -> bool:
    """Whether the first texts that look like a format are moments: names of months are words that there are."""
    # Python reads six places of a second.
    tried = [re.sub(r"(\.\d{6})\d+", r"\1", text) for text in texts if pattern.fullmatch(text)][:PARSED]
    parsed = 0
    for text in tried:
        try:
            datetime.strptime(text.replace("Sept ", "Sep "), form)
        except ValueError:
            continue
        parsed += 1
    return parsed >= 0.9 * len(tried)
