"""Axes: from values to places, with ticks at round numbers and at the calendar's own dates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from plugins.nl_models.analysis import Grain
from plugins.nl_models.page.formats import short_date

# Of a range so narrow, compared with its values, a scale from zero would show a flat line.
_FLAT = 0.15
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 3000, 6000, 12000)
_DAYS = (1, 2, 5, 7, 10, 14)


@dataclass(frozen=True)
class Scale:
    """Numbers from `low` to `high` laid on pixels from `start` to `end`. step: between two ticks."""

    low: float
    high: float
    start: float
    end: float
    step: float = 1.0

    def __call__(self, value: float) -> float:
        """The pixel of a number."""
        span = self.high - self.low
        return self.start + (value - self.low) / span * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """Round numbers of the range."""
        first = math.ceil(self.low / self.step - 1e-9)
        last = math.floor(self.high / self.step + 1e-9)
        return [number * self.step for number in range(first, last + 1)]


def scale_of(numbers: Sequence[float], start: float, end: float, *, ticks: int, from_zero: bool = False) -> Scale:
    """A scale that has all the numbers, and zero unless they would lie flat, in about so many round steps."""
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    if from_zero or high - low > _FLAT * max(abs(low), abs(high)) or high == low:
        low, high = min(low, 0.0), max(high, 0.0)
    if high == low:
        high = low + 1.0
    step = _round_step((high - low) / ticks)
    return Scale(math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step, start, end, step)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)


def time_ticks(first: date, last: date, most: int, grain: Grain | None) -> list[tuple[date, str]]:
    """Dates with what they are called: first days of months, quarters or years, or days of a short time."""
    for months in _MONTHS:
        ticks = _starts_of_months(first, last, months)
        if len(ticks) < 3 and months == 1 and grain in (None, "day", "week"):
            return _days(first, last, most)
        if len(ticks) <= most:
            shown: Grain = "year" if months >= 12 else "quarter" if grain == "quarter" else "month"
            return [(tick, short_date(tick, shown)) for tick in ticks]
    return []


def _starts_of_months(first: date, last: date, months: int) -> list[date]:
    number = first.year * 12 + first.month - 1 + (first.day > 1)
    number += -number % months
    end = last.year * 12 + last.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(number, end + 1, months)]


def _days(first: date, last: date, most: int) -> list[tuple[date, str]]:
    length = (last - first).days
    step = next((days for days in _DAYS if length // days < most), _DAYS[-1])
    days = [first + timedelta(days=n) for n in range(0, length + 1, step)]
    return [(day, f"{day.day} {day:%b}") for day in days]
