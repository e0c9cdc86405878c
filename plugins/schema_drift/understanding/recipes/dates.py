"""Moments written otherwise: date formats, epochs, time zones with summer time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np

from plugins.core.duck import literal
from plugins.schema_drift.change import Kind
from plugins.schema_drift.understanding.reading import Numbers
from plugins.schema_drift.understanding.types import TIMES, Family, read_type

from .recipe import Expression, Recipe

_DAYS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d %b %Y",
    "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y",
    "%m-%d-%Y", "%a, %d %b %Y", "%A, %d %B %Y", "%y%m%d",
)  # fmt: skip
# What may follow a day, finest first where one could be read as another.
_HOURS = (
    "", " %H:%M:%S", "T%H:%M:%S", "T%H:%M:%SZ", " %H:%M:%S.%f", "T%H:%M:%S.%f", "T%H:%M:%S.%fZ",
    "T%H:%M:%S+00:00", " %H:%M:%S+00:00", " %H:%M:%S+00", " %H:%M:%S UTC", " %H:%M", "T%H:%M", "T%H:%MZ",
    " %I:%M:%S %p", " %I:%M %p", " %I:%M%p", " %H.%M", " %H", " %I %p", "%H%M%S", "T%H%M%SZ", "%H%M",
)  # fmt: skip
_FORMATS = tuple(day + hour for day in _DAYS for hour in _HOURS)
_EPOCHS = (("s", 1.0), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9))
_STEPS = (("%f", 1e-6), ("%S", 1.0), ("%M", 60.0), ("%H", 3600.0), ("%I", 3600.0), ("%d", 86400.0))
_LOST = ((86400.0, "time of day"), (3600.0, "minutes"), (60.0, "seconds"), (0.0, "parts of a second"))
_NOON = datetime(2024, 11, 22, 13, 14, 15)
_YEAR = 31_556_952
# Years of two digits are read as those from here on.
_FIRST_YEAR = 1969
_NEARLY_ALL = 0.95
_SAMPLE = 200
_LEAST_SHARE = 0.8
_ZONES = (
    "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "Australia/Sydney", "America/Sao_Paulo", "Asia/Jerusalem", "Pacific/Auckland",
)  # fmt: skip
_SINCE, _UNTIL = 315_532_800.0, 4_102_444_800.0  # 1980 to 2100


@dataclass(frozen=True)
class _Way:
    """A way in which a column holds moments: its name, SQL that reads one as a timestamp, SQL that writes one.

    step: seconds between two moments that it tells apart. years: first and last of the values; has_century:
    whether it says which century a year is of.
    """

    name: str
    read: Expression
    write: Expression
    step: float = 1e-6
    years: tuple[int, int] | None = None
    has_century: bool = True


def of_dates(
    one: int, two: int, types: tuple[str, str], texts: tuple[Sequence[str | None], Sequence[str | None]],
    numbers: tuple[Numbers, Numbers],
) -> list[Recipe]:  # fmt: skip
    """Recipes for a pair of columns that both hold moments, each in some way; of matched rows."""
    old_ways = list(_ways(types[0], texts[0], numbers[0]))
    new_ways = list(_ways(types[1], texts[1], numbers[1])) if old_ways else []
    recipes = [
        _rewritten(one, two, was, now, read_type(types[0]).family)
        for was in old_ways
        for now in new_ways
        if was.name != now.name and not {was.name, now.name} <= set(TIMES)
    ]
    return recipes + list(_shifts(one, two, types, numbers))


def _rewritten(one: int, two: int, was: _Way, now: _Way, family: Family) -> Recipe:
    """The same moments, in another way; what the new way doesn't tell apart comes back cut off."""
    read = now.read if now.has_century or was.years is None else _in_century(now.read, was.years)
    question, slack, is_lost = None, 0.0, False
    if now.step > was.step:
        lost = next(word for step, word in _LOST if now.step >= step)
        question = f"values are {now.name} now, without their {lost}, which can't be had again. Who needs it?"
        slack = now.step * 0.999999
        if family not in TIMES:
            is_lost, slack = True, 0.0

    def back(c: Sequence[str]) -> str:
        return was.write([read(c)])

    return Recipe(
        Kind.FORMAT_CHANGED, (one,), (two,), (None if is_lost else back,), (lambda c: now.write([was.read(c)]),),
        {"format_before": was.name, "format_after": now.name}, f"the same moments, {was.name} → {now.name}",
        question, slack=slack, cost=0.15,
    )  # fmt: skip


def _in_century(read: Expression, years: tuple[int, int]) -> Expression:
    """Years of two digits read as the years that there were before, where these are of less than a century."""
    first, last = years
    if last - first >= 100 or (first >= _FIRST_YEAR and last < _FIRST_YEAR + 100):
        return read
    until = last + (100 - (last - first)) // 2
    return lambda c: (
        f"case when year({read(c)}) > {until} then {read(c)} - interval 100 year "
        f"when year({read(c)}) <= {until - 100} then {read(c)} + interval 100 year else {read(c)} end"
    )


def _ways(type_: str, texts: Sequence[str | None], numbers: Numbers) -> Iterator[_Way]:
    """In what ways a column holds moments, by its values."""
    family = read_type(type_).family
    fine = numbers[np.isfinite(numbers)]
    if family in TIMES:
        # Moments with a zone are told by UTC.
        plain: Expression = lambda c: f"cast({c[0]} as timestamp)"  # noqa: E731
        typed: Expression = lambda c: f"cast({c[0]} as {type_})"  # noqa: E731
        if family is Family.TIMESTAMP_TZ:
            plain = typed = lambda c: f"({c[0]} at time zone 'UTC')"
        years = (int(fine.min() // _YEAR) + 1970, int(fine.max() // _YEAR) + 1970) if len(fine) else None
        yield _Way(str(family), plain, typed, _step(fine), years)
    elif family is Family.TEXT:
        yield from _written([text for text in texts if text][:_SAMPLE])
    elif family in (Family.INTEGER, Family.FLOAT, Family.DECIMAL) and len(fine):
        yield from _numbered(type_, fine)


def _step(seconds: Numbers) -> float:
    """What moments are multiples of: days, minutes, seconds or less."""
    return next((step for step in (86400.0, 60.0, 1.0) if not len(seconds) or not (seconds % step).any()), 1e-6)


def _numbered(type_: str, fine: Numbers) -> Iterator[_Way]:
    for unit, factor in _EPOCHS:
        if ((fine >= _SINCE * factor) & (fine <= _UNTIL * factor)).mean() > _NEARLY_ALL:
            yield _Way(
                f"epoch in {unit}",
                lambda c, f=factor: f"make_timestamp(cast({c[0]} {_by(1e6 / f)} as bigint))",
                lambda c, f=factor: f"cast(epoch_us({c[0]}) {_by(f / 1e6)} as {type_})",
                1 / factor if read_type(type_).family is Family.INTEGER else 1e-6,
            )
    if (fine % 1).any():
        return
    is_day = (fine >= 19000101) & (fine <= 21991231) & (fine % 100 <= 31) & (fine // 100 % 100 <= 12)
    if is_day.mean() > _NEARLY_ALL:
        yield _Way(
            "number %Y%m%d",
            lambda c: f"try_strptime(cast(cast({c[0]} as bigint) as varchar), '%Y%m%d')",
            lambda c: f"cast(strftime({c[0]}, '%Y%m%d') as {type_})",
            86400.0,
        )
    if ((fine >= 3650) & (fine <= 60_000)).mean() > _NEARLY_ALL:
        for name, zero in (("days since 1970", "1970-01-01"), ("spreadsheet's days", "1899-12-30")):
            yield _Way(
                name,
                lambda c, z=zero: f"cast(date '{z}' + cast({c[0]} as integer) as timestamp)",
                lambda c, z=zero: f"cast(datediff('day', date '{z}', cast({c[0]} as date)) as {type_})",
                86400.0,
            )


def _by(factor: float) -> str:
    return f"* {int(factor)}" if factor >= 1 else f"/ {round(1 / factor)}"


def _written(texts: Sequence[str]) -> Iterator[_Way]:
    for form in formats_of(texts):
        moments = [found for text in texts if (found := _parsed(text, form))]
        step = next(step for mark, step in _STEPS if mark in form)
        years = min(moments).year, max(moments).year
        read: Expression = lambda c, f=form: f"try_strptime({c[0]}, {literal(f)})"  # noqa: E731
        yield _Way(form, read, _writing(form, texts, moments), step, years, "%Y" in form)


def _writing(form: str, texts: Sequence[str], moments: Sequence[datetime]) -> Expression:
    """SQL that writes as the texts are written: with or without leading zeros, in their case."""
    plain = form.replace("%d", "%-d").replace("%m", "%-m").replace("%I", "%-I")
    for tried in (form, plain, plain.replace("%-d", "%d"), form.replace("%I", "%-I")):
        made = [moment.strftime(tried) for moment in moments]
        for change, word in ((str, ""), (str.upper, "upper"), (str.lower, "lower")):
            same = sum(change(one) == text for one, text in zip(made, texts, strict=False))
            if same >= _NEARLY_ALL * len(texts):
                return lambda c, f=tried, w=word: f"{w}(strftime({c[0]}, {literal(f)}))"
    # Python writes six places of a second; milliseconds are what is left.
    form = form.replace("%f", "%g")
    return lambda c: f"strftime({c[0]}, {literal(form)})"


def formats_of(texts: Sequence[str]) -> list[str]:
    """The formats of dates that nearly all of some texts follow; several where days can't be told from months."""
    if not texts:
        return []
    ((shape, count),) = Counter(map(_shape, texts)).most_common(1)
    if count < 0.98 * len(texts):
        return []
    lengths = {len(text) for text in texts}
    found = [form for form in _by_shape().get(shape, ()) if shape != "9" or lengths == {len(_NOON.strftime(form))}]
    fitting = [form for form in found if _parses(texts, form)]
    # Years of four digits could be two of a year and two of an hour, and never are.
    return [form for form in fitting if "%y%H" not in form or not any("%Y" in other for other in fitting)]


def _shape(text: str) -> str:
    """Runs of digits as 9, of letters as a."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text))


@cache
def _by_shape() -> Mapping[str, Sequence[str]]:
    """Formats by the shape of what they write."""
    found: dict[str, list[str]] = {}
    for form in _FORMATS:
        found.setdefault(_shape(_NOON.strftime(form)), []).append(form)
    return found


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _parses(texts: Sequence[str], form: str) -> bool:
    most, failed = 0.02 * len(texts), 0
    for text in texts:
        failed += _parsed(text, form) is None
        if failed > most:
            return False
    return True


def _shifts(one: int, two: int, types: tuple[str, str], numbers: tuple[Numbers, Numbers]) -> Iterator[Recipe]:
    """Times moved by a constant, or between UTC and a zone with summer time."""
    families = read_type(types[0]).family, read_type(types[1]).family
    if not all(family in (Family.TIMESTAMP, Family.TIMESTAMP_TZ) for family in families):
        return
    both = np.isfinite(numbers[0]) & np.isfinite(numbers[1])
    moved = np.round(numbers[1][both] - numbers[0][both])
    if len(moved) < 3:
        return
    values, counts = np.unique(moved, return_counts=True)
    is_zone = (moved % 900 == 0) & (np.abs(moved) <= 14 * 3600)
    if is_zone.mean() >= _LEAST_SHARE:
        seconds = int(values[counts.argmax()])
        if counts.max() >= _LEAST_SHARE * len(moved) and seconds != 0:
            hours = f"{seconds / 3600:+g} h"
            yield Recipe(
                Kind.FORMAT_CHANGED, (one,), (two,),
                (lambda c: f"{c[0]} - interval '{seconds} seconds'",),
                (lambda c: f"{c[0]} + interval '{seconds} seconds'",),
                {"format_before": "time zone", "format_after": f"moved by {hours}", "shift_seconds": seconds},
                f"every time is moved by {hours}: another time zone", cost=0.2,
            )  # fmt: skip
        if families == (Family.TIMESTAMP, Family.TIMESTAMP):
            for zone in _ZONES:
                for was, now in (("UTC", zone), (zone, "UTC")):
                    yield Recipe(
                        Kind.FORMAT_CHANGED, (one,), (two,),
                        (lambda c, w=was, n=now: f"{c[0]} at time zone {literal(n)} at time zone {literal(w)}",),
                        (lambda c, w=was, n=now: f"{c[0]} at time zone {literal(w)} at time zone {literal(n)}",),
                        {"format_before": was, "format_after": now},
                        f"times of {was} are given in {now}", cost=0.3,
                    )  # fmt: skip
