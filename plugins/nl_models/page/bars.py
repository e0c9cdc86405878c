"""Draws horizontal bars, one for each category."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.nl_models.page.formats import NULL, Format, compact, format_of
from plugins.nl_models.page.plots import Bar, Bars
from plugins.nl_models.page.scale import Scale, scale_of
from plugins.nl_models.page.svg import Element, drawing, element, markup, shortened, text_width

_FONT = 12.0
# Bold letters of 13 pixels are as wide as others of so many.
_TITLE = 14.5
_TOP, _BOTTOM = 34.0, 28.0
_WIDEST_LABEL = 240.0


@dataclass(frozen=True)
class _Plan:
    """Where everything is. label: the width of the labels beside the bars; 0: they stand above them."""

    width: float
    label: float
    row: float
    thickness: float
    x: Scale
    write: Format

    def height(self, plot: Bars) -> float:
        """Of the whole drawing."""
        return _TOP + self.row * len(plot.bars) + _BOTTOM


def draw_bars(plot: Bars, key: str, variant: str) -> str:
    """The plot as SVG. variant: `wide`, or `narrow` for telephones."""
    plan = _planned(plot, variant == "wide")
    height = plan.height(plot)
    title = f"{plot.heading} by {plot.categories}"
    root = drawing(plan.width, height, title, _described(plot, plan), key, variant)
    element(root, "text", shortened(title, plan.width - 8, _TITLE), class_="axis-title", x=0.0, y=14.0)
    most = max(int((plan.x.end - plan.x.start) / 70), 1)
    every = -(-len(plan.x.ticks) // most)
    zero = round(-plan.x.low / plan.x.step)
    for n, tick in enumerate(plan.x.ticks):
        x = plan.x(tick)
        is_zero = abs(tick) < plan.x.step / 1000
        element(root, "line", class_="zero" if is_zero else "grid", x1=x, x2=x, y1=_TOP - 4, y2=height - _BOTTOM)
        if (n - zero) % every == 0:
            text = compact(tick, plot.measure.unit, plan.x.step)
            element(root, "text", text, class_="tick", x=x, y=height - 10, text_anchor="middle")
    for n, bar in enumerate(plot.bars):
        _draw_bar(root, bar, plot, plan, _TOP + n * plan.row)
    return markup(root)


def _planned(plot: Bars, is_wide: bool) -> _Plan:
    values = [value for bar in plot.bars for value in (bar.value, bar.earlier) if value is not None]
    write = format_of(plot.measure, values)
    longest = max(text_width(bar.label, _FONT) for bar in plot.bars)
    label = min(longest, _WIDEST_LABEL) + 12 if is_wide else 0.0
    width = 880.0 if is_wide else 360.0
    # Values stand behind the bars' ends, on both sides if some are negative.
    beside = max(text_width(write(value), _FONT) for value in values) + 10
    before = beside if min(values) < 0 else 0.0
    x = scale_of(values, label + before + 4, width - beside, ticks=6 if is_wide else 3, from_zero=True)
    thickness = 9.0 if plot.earlier else 16.0
    row = 2 * thickness + 10 if plot.earlier else thickness + 8
    return _Plan(width, label, row if is_wide else row + 16, thickness, x, write)


def _draw_bar(root: Element, bar: Bar, plot: Bars, plan: _Plan, top: float) -> None:
    group = element(root, "g", class_="bar")
    earlier = f" ({plot.earlier}: {plan.write(bar.earlier)})" if plot.earlier else ""
    element(group, "title", f"{bar.label}: {plan.write(bar.value)}{earlier}")
    # The whole row answers the pointer.
    element(group, "rect", class_="over", x=0.0, y=top, width=plan.width, height=plan.row)
    if plan.label:
        middle = top + (plan.row - 8) / 2 + 4
        text = shortened(bar.label, plan.label - 8, _FONT)
        element(group, "text", text, class_="name", x=plan.label - 6, y=middle, text_anchor="end")
    else:
        element(group, "text", shortened(bar.label, plan.width - 8, _FONT), class_="name", x=0.0, y=top + 11)
        top += 16
    _draw_value(group, bar.value, "c0", plan, top, has_text=True)
    if plot.earlier:
        _draw_value(group, bar.earlier, "c0 earlier", plan, top + plan.thickness + 1, has_text=False)


def _draw_value(group: Element, value: float | None, how: str, plan: _Plan, top: float, *, has_text: bool) -> None:
    zero = plan.x(0.0)
    end = plan.x(value) if value is not None else zero
    if value is not None:
        # What is not nothing is seen.
        width = max(abs(end - zero), 1.0 if value else 0.0)
        element(group, "rect", class_=how, x=min(zero, end), y=top, width=width, height=plan.thickness, rx=1.5)
    if has_text:
        is_left = value is not None and value < 0
        place = {"x": end - 5 if is_left else end + 5, "text_anchor": "end" if is_left else "start"}
        text = plan.write(value) if value is not None else NULL
        element(group, "text", text, class_="value", y=top + plan.thickness / 2 + 4, **place)


def legend(plot: Bars) -> list[tuple[str, str]]:
    """(class, label) of the two bars of a category, if there are two."""
    return [("c0", plot.measure.label), ("c0 earlier", plot.earlier)] if plot.earlier else []


def _described(plot: Bars, plan: _Plan) -> str:
    said = "; ".join(f"{bar.label}: {plan.write(bar.value)}" for bar in plot.bars[:5])
    more = f"; and {len(plot.bars) - 5} more bars" if len(plot.bars) > 5 else ""
    return f"Horizontal bars. {said}{more}. All values are in the table below."
