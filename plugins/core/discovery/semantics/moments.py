"""Dates and times in text and numbers: how they are written, and in which zone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from plugins.core.discovery.look import Look
from plugins.core.discovery.semantics.candidate import Candidate, count_fits, sureness, told
from plugins.core.discovery.semantics.mixed_moments import MixedMoments, read_mixed
from plugins.core.discovery.semantics.moment_formats import (
    ISO,
    PARSED,
    formats_like,
    parses,
    pattern_of,
    shape_of,
    swapped,
)

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
    found = read_moments(texts)
    if found is None or found.fits < len(texts):
        mixed = read_mixed(texts)
        if mixed is not None and (found is None or mixed.fits > found.fits):
            yield _of_mixed(look, mixed)
            return
    if found is None:
        return
    value, casts_to = _kind(found.has_day, found.has_clock, found.zone)
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


def _of_mixed(look: Look, found: MixedMoments) -> Candidate:
    """Text in several formats: timestamps, if any of them has a clock."""
    value, casts_to = _kind(True, found.has_clock, found.zone)
    total = len(look.texts)
    form = " or ".join(found.formats)
    strength, doubt = 0.95, ""
    if found.is_swapped:
        strength, doubt = 0.9, "; days and months change places, so that some may be read as either"
    elif found.is_doubtful:
        strength, doubt = 0.9, "; in one of them no value tells days from months"
    return Candidate(
        value, sureness(found.fits, total, strength, 0.3, 1.0),
        f"{told(found.fits, total, f'written as {form}')}{doubt}", form, found.zone, None,
        casts_to if found.fits == total and found.is_readable else None,
    ).named(look.name, bool(look.hints & {"date", "timestamp"}))  # fmt: skip


def _kind(has_day: bool, has_clock: bool, zone: str | None) -> tuple[str, str]:
    if not has_day:
        return "time", "TIME"
    if not has_clock:
        return "date", "DATE"
    return "timestamp", "TIMESTAMP WITH TIME ZONE" if zone else "TIMESTAMP"


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
    first = {shape_of(text): text for text in texts[:PARSED]}
    ((likely, _),) = Counter(map(shape_of, texts[:PARSED])).most_common(1)
    found = []
    for form in formats_like(first[likely]):
        pattern = pattern_of(form)
        if (fits := count_fits(texts, pattern.fullmatch)) and parses(texts, form, pattern):
            found.append((fits, form))
    iso = count_fits(texts, ISO.fullmatch)
    if iso and iso > max((fits for fits, _ in found), default=0):
        return _iso(texts, iso)
    if not found:
        return None
    most = max(fits for fits, _ in found)
    first, *others = [form for fits, form in found if fits == most]
    # Day and month that can't be told apart are two formats; else the first is as good as any.
    other = swapped(first) if swapped(first) in others else None
    clock = any(mark in first for mark in ("%H", "%I"))
    return Moments(first, other, most, _zone(first, texts), "%d" in first, clock)


def _iso(texts: Sequence[str], fits: int) -> Moments:
    zones = {hit[1] for text in texts if (hit := ISO.fullmatch(text)) and len(text) > 10}
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
