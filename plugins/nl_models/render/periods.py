"""Periods of the calendar, moved."""

from __future__ import annotations

from datetime import date

from dateutil.relativedelta import relativedelta

from plugins.nl_models.analysis import Grain, PeriodComparison

_STEPS = {
    "day": relativedelta(days=1),
    "week": relativedelta(weeks=1),
    "month": relativedelta(months=1),
    "quarter": relativedelta(months=3),
    "year": relativedelta(years=1),
}


def earlier(day: date, comparison: PeriodComparison) -> date:
    """The same day, that many periods before."""
    return moved(day, comparison.grain, -comparison.count)


def moved(day: date, grain: Grain, count: int) -> date:
    """`count` grains later; the last day of a shorter month where there is no such day."""
    return day + _STEPS[grain] * count


def start_of(day: date, grain: Grain) -> date:
    """The first day of the day's week (Monday), month, quarter or year."""
    if grain == "week":
        return day - relativedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1)
    return day.replace(month=1, day=1) if grain == "year" else day
