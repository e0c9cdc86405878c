"""What of an answer is drawn, and how: lines along time, bars of categories, or a number by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any

from plugins.nl_models.page.content import AnswerPage, PageColumn
from plugins.nl_models.page.formats import NULL, format_of, is_number_value
from plugins.nl_models.render.metric_words import uncapitalised

MOST_LINES = 8
MOST_BARS = 25
_MOST_PLOTS = 3
_MOST_COMPARED = 4


@dataclass(frozen=True)
class Series:
    """One line: a value for each time, None where there is none. colour: its number; None: what is left over."""

    label: str
    values: tuple[float | None, ...]
    colour: int | None = 0
    is_earlier: bool = False


@dataclass(frozen=True)
class Lines:
    """Lines along the same times. heading: what they measure. note: what is not drawn, and why."""

    heading: str
    measure: PageColumn
    time: PageColumn
    times: tuple[date, ...]
    series: tuple[Series, ...]
    note: str = ""

    @property
    def named(self) -> tuple[Series, ...]:
        """The lines that need a name; of several categories, the dashed ones have the colours of the others."""
        now = tuple(series for series in self.series if not series.is_earlier)
        return now if len(now) > 1 else self.series


@dataclass(frozen=True)
class Bar:
    """One category. earlier: its value in the period that is compared with."""

    label: str
    value: float | None
    earlier: float | None = None


@dataclass(frozen=True)
class Bars:
    """Bars in the order of the answer.

    categories: what they stand for, as in a sentence. earlier: what the lighter bars show.
    """

    heading: str
    measure: PageColumn
    categories: str
    bars: tuple[Bar, ...]
    earlier: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Single:
    """A value that needs no plot. asides: what it is compared with."""

    label: str
    text: str
    asides: tuple[str, ...] = ()


Plot = Lines | Bars


def singles(page: AnswerPage) -> list[Single]:
    """The values of an answer of one row."""
    if len(page.rows) != 1:
        return []
    (row,) = page.rows
    measures = page.of_role("measure")
    if not measures and len(page.columns) == 1:
        measures = [0]
    written = [format_of(c, [v])(v) for c, v in zip(page.columns, row, strict=True)]
    of_what = " · ".join(written[n] for n in page.of_role("time", "dimension") if n not in measures)
    found = []
    for n in measures:
        asides = [k for k, column in enumerate(page.columns) if column.of == page.columns[n].name]
        label = " · ".join(filter(None, (page.columns[n].heading, of_what)))
        found.append(Single(label, written[n], tuple(f"{page.columns[k].label}: {written[k]}" for k in asides)))
    return found


def plots(page: AnswerPage) -> list[Plot]:
    """What is drawn of an answer; nothing, if it is read faster than a plot of it."""
    measures = page.of_role("measure")
    if len(page.rows) < 2 or not measures:
        return []
    drawn = [plot for n in measures[:_MOST_PLOTS] if (plot := _plot(page, n)) is not None]
    more = len(measures) - _MOST_PLOTS
    if more > 0 and drawn:
        note = f"{drawn[-1].note} {more} more measures are in the table.".strip()
        drawn[-1] = replace(drawn[-1], note=note)
    return _together(drawn)


def _plot(page: AnswerPage, measure: int) -> Plot | None:
    times = page.of_role("time")
    if not any(is_number_value(row[measure]) for row in page.rows):
        return None
    if times and (lines := _lines(page, measure, times[0])) is not None:
        return lines
    return _bars(page, measure) if page.of_role("time", "dimension") else None


def _lines(page: AnswerPage, measure: int, time: int) -> Lines | None:
    """None, if the answer is no series: its times are out of order, or occur twice."""
    categories = [n for n in page.of_role("time", "dimension") if n != time]
    earlier = _comparison(page, measure)
    found: dict[str, dict[date, tuple[Any, Any]]] = {}
    for label, row in zip(_labels(page, categories), page.rows, strict=True):
        if row[time] is None:
            continue
        values = found.setdefault(label, {})
        if row[time] in values:
            return None
        values[row[time]] = (row[measure], row[earlier] if earlier is not None else None)
    if not found or not all(map(_is_in_order, found.values())):
        return None
    times = tuple(sorted({moment for values in found.values() for moment in values}))
    # Ranked rows of many categories have a time each, and no course.
    if len(times) < 2 or sum(map(len, found.values())) < 2 * len(found):
        return None
    column = page.columns[measure]
    series = [Series(name, _along(times, values, 0)) for name, values in found.items()]
    series, note = _largest(series, column)
    if earlier is not None and len(found) <= _MOST_COMPARED:
        said = page.columns[earlier].label
        series += [
            Series(_joined(one.label, said), _along(times, found[one.label], 1), one.colour, is_earlier=True)
            for one in series
        ]
        note = f"Dashed: {uncapitalised(said)}. {note}".strip() if len(found) > 1 else note
    elif earlier is not None:
        note = f"{note} What it is compared with is in the table.".strip()
    if any(row[time] is None for row in page.rows):
        note = f"{note} Rows without a date are in the table only.".strip()
    if not categories:
        series = [replace(one, label=one.label if one.is_earlier else column.label) for one in series]
    return Lines(column.heading, column, page.columns[time], times, tuple(series), note)


def _joined(label: str, said: str) -> str:
    return f"{label}: {said}" if label else said


def _is_in_order(moments: dict[date, Any]) -> bool:
    pairs = list(pairwise(moments))
    return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)


def _along(times: Sequence[date], values: dict[date, tuple[Any, Any]], which: int) -> tuple[float | None, ...]:
    return tuple(_number(values[moment][which]) if moment in values else None for moment in times)


def _largest(series: list[Series], column: PageColumn) -> tuple[list[Series], str]:
    """The most lines that can be told apart, the rest added up if that means anything; and a note of it."""
    if len(series) <= MOST_LINES:
        return [replace(one, colour=n) for n, one in enumerate(series)], ""
    ranked = sorted(series, key=_weight, reverse=True)
    kept = [replace(one, colour=n) for n, one in enumerate(ranked[:MOST_LINES])]
    rest = ranked[MOST_LINES:]
    if not column.is_additive:
        return (
            kept,
            f"The {MOST_LINES} with the most and highest values are drawn; {len(rest):,} are in the table only.",
        )
    summed = tuple(_summed(values) for values in zip(*(one.values for one in rest), strict=True))
    kept.append(Series(f"{len(rest):,} others", summed, None))
    return kept, f"The {MOST_LINES} largest are drawn one by one, the other {len(rest):,} added up."


def _weight(series: Series) -> float:
    """A line of few points weighs little, however high they are."""
    return sum(abs(value) for value in series.values if value is not None)


def _summed(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _bars(page: AnswerPage, measure: int) -> Bars:
    categories = page.of_role("time", "dimension")
    earlier = _comparison(page, measure)
    labels = list(_labels(page, categories))[:MOST_BARS]
    bars = tuple(
        Bar(label, _number(row[measure]), _number(row[earlier]) if earlier is not None else None)
        for label, row in zip(labels, page.rows, strict=False)
    )
    note = ""
    if more := len(page.rows) - len(bars):
        at_least = "at least " if page.is_truncated else ""
        note = f"The first {MOST_BARS} of the answer are drawn; {at_least}{more:,} more are in the table."
    column = page.columns[measure]
    named = " and ".join(uncapitalised(page.columns[n].label) for n in categories)
    said = page.columns[earlier].label if earlier is not None else None
    return Bars(column.heading, column, named, bars, said, note)


def _labels(page: AnswerPage, positions: Sequence[int]) -> Iterator[str]:
    """What each row stands for."""
    formats = [format_of(page.columns[n], ()) for n in positions]
    for row in page.rows:
        values = ((form, row[n]) for form, n in zip(formats, positions, strict=True))
        yield " · ".join(NULL if value is None else form(value) for form, value in values)


def _comparison(page: AnswerPage, measure: int) -> int | None:
    name = page.columns[measure].name
    return next((n for n in page.of_role("comparison") if page.columns[n].of == name), None)


def _number(value: Any) -> float | None:
    return float(value) if is_number_value(value) else None


def _together(drawn: list[Plot]) -> list[Plot]:
    """Several measures of one unit, as lines of one plot."""
    lines = [plot for plot in drawn if isinstance(plot, Lines) and len(plot.series) == 1]
    units = {plot.measure.unit for plot in lines}
    if len(lines) < 2 or len(lines) < len(drawn) or len(units) > 1 or "" in units:
        return drawn
    series = tuple(replace(plot.series[0], colour=n) for n, plot in enumerate(lines))
    heading = " and ".join(dict.fromkeys(plot.heading for plot in lines))
    return [replace(lines[0], heading=heading, series=series, note=lines[-1].note)]
