"""Draws lines along time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from plugins.nl_models.page.formats import Format, compact, format_of, short_date
from plugins.nl_models.page.plots import Lines, Series
from plugins.nl_models.page.scale import Scale, scale_of, time_ticks
from plugins.nl_models.page.svg import Element, drawing, element, markup, shortened, text_width
from plugins.nl_models.render.metric_words import uncapitalised

_FONT = 12.0
# Bold letters of 13 pixels are as wide as others of so many.
_TITLE = 14.5
_LABEL = 13.0
_TOP, _BOTTOM = 34.0, 44.0
_LABELS = 190.0
# Points of a line that are so many are no longer told apart.
_MOST_DOTS = 40
_LINE_HEIGHT = 16.0


@dataclass(frozen=True)
class _Plan:
    """Where everything is."""

    width: float
    height: float
    x: Scale
    y: Scale
    has_labels: bool


def draw_lines(plot: Lines, key: str, variant: str) -> str:
    """The plot as SVG. variant: `wide`, or `narrow` for telephones."""
    wide = variant == "wide"
    width, height = (880.0, 360.0) if wide else (360.0, 300.0)
    plan = _planned(plot, width, height, has_labels=wide and len(plot.named) > 1)
    root = drawing(
        width, height, f"{plot.heading} by {uncapitalised(plot.time.label)}", _described(plot), key, variant
    )
    root.set("tabindex", "0")
    root.set("data-points", json.dumps(_points(plot, plan), ensure_ascii=False, separators=(",", ":")))
    _draw_axes(root, plot, plan)
    for series in sorted(plot.series, key=lambda one: (not one.is_earlier, one.colour is not None)):
        _draw_series(root, series, plot, plan)
    if plan.has_labels:
        _draw_labels(root, plot, plan)
    element(root, "line", class_="cursor", y1=_TOP, y2=height - _BOTTOM, x1=0.0, x2=0.0)
    # Without a title of its own, it would show that of the whole plot under the pointer.
    element(element(root, "rect", class_="over", x=0.0, y=0.0, width=width, height=height), "title", "")
    return markup(root)


def legend(plot: Lines) -> list[tuple[str, str]]:
    """(class, label) of each line, if there are several."""
    if len(plot.named) < 2:
        return []
    return [(_class(series), series.label) for series in plot.named]


def _planned(plot: Lines, width: float, height: float, *, has_labels: bool) -> _Plan:
    numbers = [value for series in plot.series for value in series.values if value is not None]
    y = scale_of(numbers, height - _BOTTOM, _TOP, ticks=5)
    widest = max(text_width(compact(tick, plot.measure.unit, y.step), _FONT) for tick in y.ticks)
    right = _LABELS if has_labels else 16.0
    x = Scale(_seconds(plot.times[0]), _seconds(plot.times[-1]), widest + 16, width - right)
    return _Plan(width, height, x, y, has_labels)


def _seconds(moment: date) -> float:
    """A place on the axis of time; zones are the same for all values of a column."""
    if isinstance(moment, datetime):
        return (moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()
    return (moment - date(1970, 1, 1)).total_seconds()


def _class(series: Series) -> str:
    colour = "rest" if series.colour is None else f"c{series.colour}"
    return f"{colour} earlier" if series.is_earlier else colour


def _draw_axes(root: Element, plot: Lines, plan: _Plan) -> None:
    left, right, bottom = plan.x.start, plan.x.end, plan.height - _BOTTOM
    element(root, "text", shortened(plot.heading, plan.width - 8, _TITLE), class_="axis-title", x=0.0, y=14.0)
    for tick in plan.y.ticks:
        y = plan.y(tick)
        # Rounding makes a zero of 1e-17.
        is_zero = abs(tick) < plan.y.step / 1000
        element(root, "line", class_="zero" if is_zero else "grid", x1=left, x2=right, y1=y, y2=y)
        text = compact(tick, plot.measure.unit, plan.y.step)
        element(root, "text", text, class_="tick", x=left - 8, y=y + 4, text_anchor="end")
    most = max(int((right - left) / 68), 2)
    for moment, text in time_ticks(_day(plot.times[0]), _day(plot.times[-1]), most, plot.time.grain):
        x = plan.x(max(_seconds(moment), plan.x.low))
        half = text_width(text, _FONT) / 2
        element(root, "line", class_="mark", x1=x, x2=x, y1=bottom, y2=bottom + 5)
        inside = min(max(x, half), plan.width - half)
        element(root, "text", text, class_="tick", x=inside, y=bottom + 19, text_anchor="middle")
    title = shortened(plot.time.label, right - left, _TITLE)
    element(root, "text", title, class_="axis-title", x=right, y=plan.height - 6, text_anchor="end")


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _draw_series(root: Element, series: Series, plot: Lines, plan: _Plan) -> None:
    group = element(root, "g", class_=f"series {_class(series)}")
    runs = list(_runs(series, plot, plan))
    path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) for run in runs if len(run) > 1)
    if path:
        element(group, "path", d=path)
    has_dots = len(plot.times) <= _MOST_DOTS and not series.is_earlier
    for run in runs:
        # A value between two gaps has no line.
        if has_dots or len(run) == 1:
            for x, y in run:
                element(group, "circle", cx=x, cy=y, r=2.5 if len(plot.series) > 3 else 3.0)


def _runs(series: Series, plot: Lines, plan: _Plan) -> Iterator[list[tuple[float, float]]]:
    """The stretches of a line that have no gap; a bucket that is missing is one."""
    run: list[tuple[float, float]] = []
    last: date | None = None
    for moment, value in zip(plot.times, series.values, strict=True):
        is_gap = value is None or (last is not None and _skips(last, moment, plot))
        if is_gap and run:
            yield run
            run = []
        if value is not None:
            run.append((plan.x(_seconds(moment)), plan.y(value)))
        last = moment
    if run:
        yield run


_LONGEST = {"week": 7, "month": 31, "quarter": 92, "year": 366}


def _skips(last: date, moment: date, plot: Lines) -> bool:
    """Whether a bucket between two is missing; days may be, where nobody works on Sundays."""
    longest = _LONGEST.get(plot.time.grain or "")
    return longest is not None and moment - last > timedelta(days=longest)


def _draw_labels(root: Element, plot: Lines, plan: _Plan) -> None:
    """Each line's name beside its end, moved down where it would lie on another."""
    ends = []
    for series in plot.named:
        known = [value for value in series.values if value is not None]
        if known:
            ends.append((plan.y(known[-1]), series))
    ends.sort(key=lambda end: end[0])
    places = [y for y, _ in ends]
    lowest = plan.height - _BOTTOM
    for n in range(1, len(places)):
        places[n] = max(places[n], places[n - 1] + _LINE_HEIGHT)
    for n in range(len(places) - 1, -1, -1):
        below = places[n + 1] - _LINE_HEIGHT if n + 1 < len(places) else lowest
        places[n] = min(places[n], below)
    for y, (_, series) in zip(places, ends, strict=True):
        text = element(root, "text", class_=f"label {_class(series)}", x=plan.x.end + 10, y=y + 4)
        element(text, "title", series.label)
        text[-1].tail = shortened(series.label, _LABELS - 12, _LABEL)


def _points(plot: Lines, plan: _Plan) -> dict[str, object]:
    """What the page's script shows at each time: places in the drawing, and texts."""
    write = _format(plot)
    return {
        "x": [round(plan.x(_seconds(moment)), 1) for moment in plot.times],
        "at": [short_date(moment, plot.time.grain) for moment in plot.times],
        "lines": [
            {
                "label": series.label,
                "class": _class(series),
                "texts": [None if value is None else write(value) for value in series.values],
                "y": [None if value is None else round(plan.y(value), 1) for value in series.values],
            }
            for series in plot.series
        ],
    }


def _format(plot: Lines) -> Format:
    return format_of(plot.measure, (value for series in plot.series for value in series.values))


def _described(plot: Lines) -> str:
    """The plot for who can't see it: each line's ends and its extremes."""
    write = _format(plot)
    said = []
    for series in plot.series:
        known = [(v, t) for v, t in zip(series.values, plot.times, strict=True) if v is not None]
        if known:
            named = {"from": known[0], "to": known[-1], "lowest": min(known), "highest": max(known)}
            values = (f"{how} {write(v)} ({short_date(t, plot.time.grain)})" for how, (v, t) in named.items())
            said.append(f"{series.label}: {', '.join(values)}")
    return f"Lines along time. {'; '.join(said)}. All values are in the table below."
