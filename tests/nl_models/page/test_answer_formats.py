"""Numbers, dates and axes as people read them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.nl_models.page.bars import draw_bars
from plugins.nl_models.page.content import PageColumn
from plugins.nl_models.page.formats import compact, format_of, short_date
from plugins.nl_models.page.highlight import highlighted
from plugins.nl_models.page.plots import Bar, Bars
from plugins.nl_models.page.scale import scale_of, time_ticks
from plugins.nl_models.page.svg import drawing, element, markup, shortened, text_width

NUMBERS = [
    ("", [1, 1234567], ["1", "1,234,567"]),
    ("GBP", [Decimal("1234.5"), None, -3], ["1,234.50", "∅", "−3.00"]),
    ("GBP", [1234.5, 0.0002], ["1,234.50", "0.00020"]),
    ("", [0.25, 0.5], ["0.2500", "0.5000"]),
    ("share", [0.125, -0.5, 10.0], ["12.5 %", "−50.0 %", "1,000.0 %"]),
    ("share", [0.001234, 0], ["0.12 %", "0.00 %"]),
    ("", [float("inf"), float("-inf"), float("nan")], ["∞", "−∞", "not a number"]),
    ("", [True, "text", [1]], ["yes", "text", "[1]"]),
]


@pytest.mark.parametrize(("unit", "values", "texts"), NUMBERS, ids=[" ".join(texts) for *_, texts in NUMBERS])
def test_a_columns_numbers_have_the_decimals_that_they_need(
    unit: str, values: list[Any], texts: list[str]
) -> None:
    write = format_of(PageColumn("n", "DOUBLE", "measure", "N", unit), values)
    assert [write(value) for value in values] == texts


def test_a_number_that_names_something_is_not_separated() -> None:
    assert format_of(PageColumn("year", "BIGINT", "dimension", "Year"), [2011])(2011) == "2011"


DATES: list[tuple[date, Any, str]] = [
    (date(2011, 1, 3), "day", "3 Jan 2011"),
    (date(2011, 1, 3), None, "3 Jan 2011"),
    (date(2011, 1, 1), "month", "Jan 2011"),
    (date(2011, 10, 1), "quarter", "Q4 2011"),
    (date(2011, 1, 1), "year", "2011"),
    (datetime(2011, 1, 3, 14, 5), None, "3 Jan 2011 14:05"),
    (datetime(2011, 1, 3), None, "3 Jan 2011"),
]


@pytest.mark.parametrize(("value", "grain", "text"), DATES)
def test_dates_are_as_long_as_their_buckets(value: date, grain: Any, text: str) -> None:
    assert short_date(value, grain) == text


@pytest.mark.parametrize(
    ("value", "unit", "step", "text"),
    [
        (1_500_000, "", 500_000, "1.5M"),
        (2e9, "", 1e9, "2bn"),
        (20_000, "", 5_000, "20k"),
        (-1_500, "", 500, "−1,500"),
        (0.30000000000000004, "", 0.1, "0.3"),
        (1e-17, "", 0.1, "0"),
        (0.25, "share", 0.05, "25 %"),
        (0.025, "share", 0.005, "2.5 %"),
    ],
)
def test_ticks_are_short(value: float, unit: str, step: float, text: str) -> None:
    assert compact(value, unit, step) == text


@given(st.lists(st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-9), max_size=20))
def test_a_scale_has_all_values_between_its_first_and_last_tick(values: list[float]) -> None:
    scale = scale_of(values, 300.0, 20.0, ticks=5)
    assert 2 <= len(scale.ticks) <= 12
    for value in values:
        assert 20.0 - 1e-6 <= scale(value) <= 300.0 + 1e-6


def test_a_scale_starts_at_zero_unless_the_line_would_be_flat() -> None:
    assert scale_of([40.0, 100.0], 0, 1, ticks=5).low == 0
    assert scale_of([95.0, 100.0], 0, 1, ticks=5).low == 95
    assert scale_of([95.0, 100.0], 0, 1, ticks=5, from_zero=True).low == 0
    assert scale_of([7.0, 7.0], 0, 1, ticks=5).low == 0


SPANS: list[tuple[date, date, Any, str]] = [
    (date(2010, 12, 1), date(2011, 12, 1), "month", "Jan 2011, Apr 2011, Jul 2011, Oct 2011"),
    (date(2010, 10, 1), date(2011, 10, 1), "quarter", "Q4 2010, Q1 2011, Q2 2011, Q3 2011, Q4 2011"),
    (date(2001, 1, 1), date(2011, 1, 1), "year", "2002, 2004, 2006, 2008, 2010"),
    (date(2011, 1, 30), date(2011, 2, 8), "day", "30 Jan, 1 Feb, 3 Feb, 5 Feb, 7 Feb"),
    (date(2008, 1, 1), date(2010, 9, 26), "day", "Jan 2008, Jul 2008, Jan 2009, Jul 2009, Jan 2010, Jul 2010"),
    (date(1, 1, 1), date(9999, 12, 31), "day", "1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000"),
]


@pytest.mark.parametrize(("first", "last", "grain", "ticks"), SPANS)
def test_times_are_marked_where_the_calendar_turns(first: date, last: date, grain: Any, ticks: str) -> None:
    most = ticks.count(",") + 1
    assert ", ".join(text for _, text in time_ticks(first, last, most, grain)) == ticks


@given(st.text(), st.floats(30, 400))
def test_a_label_fits_where_it_stands(text: str, width: float) -> None:
    label = shortened(text, width, 12.0)
    assert text_width(label, 12.0) <= width + 12.0
    assert label == " ".join(text.split()) or label.endswith("…")


@given(st.text())
def test_no_text_of_a_drawing_is_markup(text: str) -> None:
    root = drawing(10, 10, text, text, "key", "wide")
    element(root, "text", text, class_=text, x=1.0)
    written = markup(root)
    assert written.count("<") == 8
    assert "\x00" not in written


@given(st.text(max_size=60))
def test_highlighted_sql_is_still_the_same_sql(text: str) -> None:
    assert "".join(piece for _, piece in highlighted(text)) == text


def test_sql_is_highlighted_by_what_its_words_are() -> None:
    pieces = [piece for piece in highlighted("select 'a', 1 -- why\nfrom t /* end */") if piece[0]]
    assert pieces == [
        ("keyword", "select"),
        ("string", "'a'"),
        ("number", "1"),
        ("comment", " -- why\n"),
        ("keyword", "from"),
        ("comment", " /* end */"),
    ]


def test_zero_is_among_the_ticks_of_bars() -> None:
    measure = PageColumn("n", "DOUBLE", "measure", "N")
    plot = Bars("N", measure, "what", (Bar("a", -1000.0), Bar("b", 1500.0)))
    for variant in ("wide", "narrow"):
        assert ">0</text>" in draw_bars(plot, "plot", variant)
