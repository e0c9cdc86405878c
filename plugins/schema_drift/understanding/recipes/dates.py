"""Moments written otherwise: date formats, epochs, time zones with summer time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from plugins.core.duck import literal
from plugins.schema_drift.change import Kind
from plugins.schema_drift.understanding.reading import Numbers
from plugins.schema_drift.understanding.types import TIMES, Family, read_type

from .recipe import Expression, Recipe

_FORMATS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%d %B %Y",
    "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d/%m/%y", "%m/%d/%y", "%m-%d-%Y",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%d %H:%M:%S+00", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%SZ",
    "%m/%d/%Y %I:%M:%S %p", "%a, %d %b %Y %H:%M:%S",
)  # fmt: skip
_EPOCHS = (("s", 1.0), ("ms", 1e3), ("µs", 1e6))
_ZONES = (
    "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "Australia/Sydney", "America/Sao_Paulo", "Asia/Jerusalem", "Pacific/Auckland",
)  # fmt: skip
_SINCE, _UNTIL = 315_532_800.0, 4_102_444_800.0  # 1980 to 2100
Way = tuple[str, Expression, Expression]


def of_dates(
    one: int, two: int, types: tuple[str, str], texts: tuple[Sequence[str | None], Sequence[str | None]],
    numbers: tuple[Numbers, Numbers],
) -> list[Recipe]:  # fmt: skip
    """Recipes for a pair of columns that both hold moments, each in some way; of matched rows."""
    old_ways = list(_ways(types[0], texts[0], numbers[0]))
    new_ways = list(_ways(types[1], texts[1], numbers[1]))
    recipes = []
    for was, read_old, write_old in old_ways:
        for now, read_new, write_new in new_ways:
            if was == now:
                continue
            back: Expression = lambda c, w=write_old, r=read_new: w([r(c)])  # noqa: E731
            there: Expression = lambda c, w=write_new, r=read_old: w([r(c)])  # noqa: E731
            detail = {"format_before": was, "format_after": now}
            kind = Kind.FORMAT_CHANGED
            cost = 0.15
            if {was, now} <= set(TIMES):
                continue
            recipes.append(
                Recipe(
                    kind, (one,), (two,), (back,), (there,), detail, f"the same moments, {was} → {now}", cost=cost
                )
            )
    return recipes + list(_shifts(one, two, types, numbers))


def _ways(type_: str, texts: Sequence[str | None], numbers: Numbers) -> Iterator[Way]:
    """In what ways a column holds moments: its name, SQL that reads one as a timestamp, SQL that writes one."""
    family = read_type(type_).family
    if family in TIMES:
        plain: Expression = (
            (lambda c: f"({c[0]} at time zone 'UTC')")
            if family is Family.TIMESTAMP_TZ
            else (lambda c: f"cast({c[0]} as timestamp)")
        )
        zoned: Expression = (
            (lambda c: f"({c[0]} at time zone 'UTC')")
            if family is Family.TIMESTAMP_TZ
            else (lambda c: f"cast({c[0]} as {type_})")
        )
        yield str(family), plain, zoned
    elif family is Family.TEXT:
        some = [text for text in texts if text][:200]
        for form in _FORMATS if some else ():
            if _parses(some, form):
                yield (
                    form,
                    lambda c, f=form: f"try_strptime({c[0]}, {literal(f)})",
                    lambda c, f=form: f"strftime({c[0]}, {literal(f)})",
                )
    elif family in (Family.INTEGER, Family.FLOAT, Family.DECIMAL):
        fine = numbers[np.isfinite(numbers)]
        for unit, factor in _EPOCHS:
            if len(fine) and ((fine >= _SINCE * factor) & (fine <= _UNTIL * factor)).mean() > 0.95:
                micros = int(1e6 / factor)
                yield (
                    f"epoch in {unit}",
                    lambda c, m=micros: f"make_timestamp(cast({c[0]} * {m} as bigint))",
                    lambda c, m=micros, t=type_: f"cast(epoch_us({c[0]}) / {m} as {t})",
                )


def formats_of(texts: Sequence[str]) -> list[str]:
    """The formats of dates that all of some texts follow; several where days and months can't be told apart."""
    return [form for form in _FORMATS if texts and _parses(texts, form)]


def _parses(texts: Sequence[str], form: str) -> bool:
    failed = 0
    for text in texts:
        try:
            datetime.strptime(text, form)
        except ValueError:
            failed += 1
            if failed > 0.02 * len(texts):
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
    top = values[np.argsort(-counts)][:2]
    if all(value % 900 == 0 and abs(value) <= 14 * 3600 for value in top):
        if counts.max() >= 0.8 * len(moved) and top[0] != 0:
            seconds = int(top[0])
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
