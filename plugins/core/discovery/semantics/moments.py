"""Dates and times in text and numbers: how they are written, and in which zone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np
from numpy.typing import NDArray

from plugins.core.discovery.look import Look
from plugins.core.discovery.semantics.candidate import Candidate, count_fits, sureness, told

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
_ISO = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?"
    r"\s?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?"
)
_PARSED = 12
_NAMED = {"s": "seconds", "ms": "milliseconds", "µs": "microseconds", "ns": "nanoseconds"}
_UNITS = (("s", 1.0), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9))
# Epochs of data are of these years; of others only where the column is called like a time.
_SINCE, _UNTIL = datetime(2001, 9, 9).timestamp(), datetime(2036, 1, 1).timestamp()
_MONTH = 30 * 86_400
_FIRST, _LAST = datetime(1975, 1, 1).timestamp(), datetime(2100, 1, 1).timestamp()


@dataclass(frozen=True)
class Moments:
    """How texts are written that are moments; fits: how many of them."""

    format: str
    or_format: str | None
    fits: int
    zone: str | None
    has_day: bool
    has_clock: bool


def of_moments(look: Look) -> Iterator[Candidate]:
    """What is known of a column of text or numbers that may be moments."""
    if look.family in ("integer", "float", "decimal"):
        yield from of_numbers(look, look.numbers)
        return
    texts = look.texts
    if (found := read_moments(texts)) is None:
        return
    value, casts_to = _kind(found)
    if found.fits < len(texts):
        casts_to = None
    form = f"{found.format} or {found.or_format}" if found.or_format else found.format
    doubt = ""
    strength = 0.98
    if found.or_format:
        strength, doubt = 0.93, "; no value tells days from months"
    if re.fullmatch(r"[%\w]+", found.format):
        # Eight digits may be a number as well.
        strength = 0.85
    zone = f", zone {found.zone}" if found.zone else ""
    yield Candidate(
        value, sureness(found.fits, len(texts), strength, 0.3),
        f"{told(found.fits, len(texts), f'written as {form}')}{zone}{doubt}", form, found.zone, None, casts_to,
    ).named(look.name, bool(look.hints & {"date", "timestamp"}))  # fmt: skip


def _kind(found: Moments) -> tuple[str, str]:
    if not found.has_day:
        return "time", "TIME"
    if not found.has_clock:
        return "date", "DATE"
    return "timestamp", "TIMESTAMP WITH TIME ZONE" if found.zone else "TIMESTAMP"


def of_numbers(look: Look, numbers: NDArray[np.float64]) -> Iterator[Candidate]:
    """Numbers that are moments: epochs in seconds or finer, and days written as eight digits."""
    if not len(numbers) or (hinted := bool(look.hints & {"date", "timestamp"})) is None:
        return
    low, high = float(numbers.min()), float(numbers.max())
    if low < 1e7:
        return
    first, last = (_FIRST, _LAST) if hinted else (_SINCE, _UNTIL)
    for unit, factor in _UNITS:
        if first * factor <= low and high <= last * factor:
            years = f"{datetime.fromtimestamp(low / factor).year} to {datetime.fromtimestamp(high / factor).year}"
            # Ten digits that lie close together may be numbers of anything; thirteen and more seldom are.
            is_likely = unit != "s" or high - low > _MONTH
            strength = 0.9 if hinted else 0.85 if is_likely else 0.55
            yield Candidate(
                "timestamp", sureness(len(numbers), len(numbers), strength, 1.0 if hinted else 4.0),
                f"all {len(numbers):,} different values are {_NAMED[unit]} since 1970, of the years {years}",
                f"epoch {unit}", "UTC", None, "TIMESTAMP WITH TIME ZONE",
            ).named(look.name, hinted)  # fmt: skip
            return
    if low >= 19_000_101 and high <= 21_001_231 and not (numbers % 1).any():
        day, month = numbers % 100, numbers // 100 % 100
        if ((day >= 1) & (day <= 31) & (month >= 1) & (month <= 12)).all():
            yield Candidate(
                "date", sureness(len(numbers), len(numbers), 0.9, 1.5),
                f"all {len(numbers):,} different values are days written as year, month and day", "%Y%m%d",
                casts_to="DATE",
            ).named(look.name, hinted)  # fmt: skip


def read_moments(texts: Sequence[str]) -> Moments | None:
    """How most of some texts are written, if they are moments; None if they are none."""
    if not texts or not any(any(map(str.isdigit, text)) for text in texts[:3]):
        return None
    shapes = Counter(map(_shape, texts[:_PARSED]))
    ((shape, _),) = shapes.most_common(1)
    found = []
    for form in _by_shape().get(shape, ()):
        pattern = _pattern(form)
        if (fits := count_fits(texts, pattern.fullmatch)) and _parses(texts, form, pattern):
            found.append((fits, form))
    iso = count_fits(texts, _ISO.fullmatch)
    if iso and iso > max((fits for fits, _ in found), default=0):
        return _iso(texts, iso)
    if not found:
        return None
    most = max(fits for fits, _ in found)
    first, *others = [form for fits, form in found if fits == most]
    # Day and month that can't be told apart are two formats; else the first is as good as any.
    other = _swapped(first) if _swapped(first) in others else None
    clock = any(mark in first for mark in ("%H", "%I"))
    return Moments(first, other, most, _zone(first, texts), "%d" in first, clock)


def _swapped(form: str) -> str:
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def _iso(texts: Sequence[str], fits: int) -> Moments:
    zones = {hit[1] for text in texts if (hit := _ISO.fullmatch(text)) and len(text) > 10}
    clock = bool(zones)
    return Moments("ISO 8601", None, fits, _named_zone(zones), True, clock)


def _zone(form: str, texts: Sequence[str]) -> str | None:
    if form.endswith(("Z", "UTC", "GMT")):
        return "UTC"
    if not form.endswith("%z"):
        return None
    return _named_zone({hit[0] for text in texts if (hit := re.search(r"[+-]\d\d(?::?\d\d)?$", text))})


def _named_zone(zones: set[str | None]) -> str | None:
    named = {"UTC" if zone in ("Z", "UTC", "GMT", "+00:00", "+0000", "+00") else zone for zone in zones if zone}
    if not named:
        return None
    if None in zones or "" in zones:
        return "mixed: some without"
    return named.pop() if len(named) == 1 else f"mixed offsets ({', '.join(sorted(named)[:3])})"


def _shape(text: str) -> str:
    """Runs of digits as 9, of letters as a."""
    return re.sub(r"[^\W\d_]+\.?(?=\W|$|\d)|[^\W\d_]+", "a", re.sub(r"\d+", "9", text[:60]))


@cache
def _by_shape() -> dict[str, list[str]]:
    """Formats by the shape of what they write."""
    days = (day + hour for day in _DAYS for hour in _HOURS if hour != "%H%M%S" or day == "%Y%m%d")
    found: dict[str, list[str]] = {}
    for form in (*days, *_CLOCKS):
        written = _NOON.strftime(form.replace("%z", "+01:00"))
        for shape in {_shape(written.replace("+01:00", zone)) for zone in ("+01:00", "+0100", "+01")}:
            found.setdefault(shape, []).append(form)
    return found


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """What texts of a format look like."""
    parts = _PARTS | (_FIXED if re.search(r"%Y%m|%H%M", form) else {})
    return re.compile(re.sub(r"%\w", lambda hit: parts[hit[0]], _escaped(form)))


def _escaped(form: str) -> str:
    return re.sub(r"[.+()]", lambda hit: "\\" + hit[0], form)


def _parses(texts: Sequence[str], form: str, pattern: re.Pattern[str]) -> bool:
    """Whether the first that look like it are moments: names of months are words that there are."""
    # Python reads six places of a second.
    tried = [re.sub(r"(\.\d{6})\d+", r"\1", text) for text in texts if pattern.fullmatch(text)][:_PARSED]
    parsed = 0
    for text in tried:
        try:
            datetime.strptime(text.replace("Sept ", "Sep "), form)
        except ValueError:
            continue
        parsed += 1
    return parsed >= 0.9 * len(tried)
