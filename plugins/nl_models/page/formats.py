"""Values as people read them: thousands separated, dates short, what is not known as ∅."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from plugins.nl_models.analysis import Grain
from plugins.nl_models.page.content import SHARE, PageColumn

NULL = "∅"
_MOST_DECIMALS = 4
# Ticks that are so far apart are counted in these.
_SCALES = ((2e8, 1e9, "bn"), (2e5, 1e6, "M"), (2e3, 1e3, "k"))


@dataclass(frozen=True)
class Format:
    """How the values of one column are written. decimals: of its numbers, so that they stand below each other."""

    unit: str = ""
    grain: Grain | None = None
    decimals: int = 0
    is_number: bool = False

    def __call__(self, value: Any) -> str:
        """The value as text."""
        if value is None:
            return NULL
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, date):
            return short_date(value, self.grain)
        if self.is_number and isinstance(value, (int, float, Decimal)):
            return self._number(value)
        return str(value)

    def _number(self, value: float | Decimal) -> str:
        if not math.isfinite(value):
            return {"inf": "∞", "-inf": "−∞"}.get(str(float(value)), "not a number")
        places = self.decimals + 2 * (self.unit == SHARE)
        # What is not nothing does not read as nothing.
        decimals = self.decimals if not value or round(value, places) else 1 - math.floor(math.log10(abs(value)))
        text = f"{value:,.{decimals}%}" if self.unit == SHARE else f"{value:,.{decimals}f}"
        # A minus sign that is as wide as a digit.
        return text.replace("-", "−").replace("%", " %")


def format_of(column: PageColumn, values: Iterable[Any]) -> Format:
    """How a column with these values is written."""
    is_number = column.role not in ("dimension", "time")
    numbers = [float(v) for v in values if is_number_value(v)] if is_number else []
    return Format(column.unit, column.grain, _decimals(numbers, column.unit), is_number)


def is_number_value(value: Any) -> bool:
    """Whether it can be drawn."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and math.isfinite(value)


def _decimals(numbers: list[float], unit: str) -> int:
    """As many as the smallest of the large numbers needs: pence, and tenths of a per cent."""
    largest = max(map(abs, numbers), default=0.0)
    if unit == SHARE:
        return 1 if largest >= 0.01 or not largest else 2
    if all(number == int(number) for number in numbers):
        return 0
    return 2 if largest >= 1 else _MOST_DECIMALS


def short_date(value: date, grain: Grain | None = None) -> str:
    """A day, or the bucket that begins with it: `3 Jan 2011`, `Jan 2011`, `Q1 2011`, `2011`."""
    if grain == "year":
        return f"{value.year}"
    if grain == "quarter":
        return f"Q{(value.month + 2) // 3} {value.year}"
    if grain == "month":
        return f"{value:%b} {value.year}"
    day = f"{value.day} {value:%b} {value.year}"
    if isinstance(value, datetime) and value.time() != time():
        return f"{day} {value:%H:%M}"
    return day


def compact(value: float, unit: str, step: float) -> str:
    """A number at an axis whose ticks are `step` apart: `1.5M`, `20 %`."""
    if unit == SHARE:
        text = f"{value * 100:,.{_places(step * 100)}f} %"
    elif abs(value) < step / 1000:
        text = "0"
    else:
        scale, sign = next(((scale, sign) for least, scale, sign in _SCALES if step >= least), (1.0, ""))
        text = f"{value / scale:,.{_places(step / scale)}f}{sign}"
    return text.replace("-", "−")


def _places(step: float) -> int:
    """Decimals that tell ticks apart."""
    return next((n for n in range(7) if abs(round(step, n) - step) < step / 1000), 6)
