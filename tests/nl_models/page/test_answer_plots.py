"""What of an answer is drawn: lines along time, bars of categories, a number by itself, or nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

from plugins.nl_models.page.content import AnswerPage, PageColumn
from plugins.nl_models.page.plots import Bars, Lines, plots, singles

MONTH = PageColumn("month", "DATE", "time", "Month", grain="month")
COUNTRY = PageColumn("country", "VARCHAR", "dimension", "Country")
SALES = PageColumn("sales", "BIGINT", "measure", "Sales", "EUR", is_additive=True)
RATE = PageColumn("rate", "DOUBLE", "measure", "Rate", "share")
BEFORE = PageColumn("before", "BIGINT", "comparison", "Sales, the year before", "EUR", of="sales")
CHANGE = PageColumn("change", "DOUBLE", "detail", "Change", "share", of="sales")


def page(columns: list[PageColumn], rows: list[tuple[Any, ...]], **more: Any) -> AnswerPage:
    """An answer to some question."""
    return AnswerPage("?", columns, rows, **more)


def month(number: int) -> date:
    return date(2011, number, 1)


def only_lines(answer: AnswerPage) -> Lines:
    (plot,) = plots(answer)
    assert isinstance(plot, Lines)
    return plot


def only_bars(answer: AnswerPage) -> Bars:
    (plot,) = plots(answer)
    assert isinstance(plot, Bars)
    return plot


def test_a_measure_along_time_is_a_line() -> None:
    plot = only_lines(page([MONTH, SALES], [(month(2), 5), (month(1), 3), (None, 9)]))
    assert plot.heading == "Sales (EUR)"
    assert plot.times == (month(1), month(2))
    assert [(one.label, one.values) for one in plot.series] == [("Sales", (3.0, 5.0))]
    assert plot.note == "Rows without a date are in the table only."


def test_what_is_missing_of_a_category_is_a_gap() -> None:
    rows = [
        (month(1), "Chad", 1),
        (month(1), None, 2),
        (month(2), "Chad", None),
        (month(3), "Chad", 4),
        (month(3), None, 5),
    ]
    plot = only_lines(page([MONTH, COUNTRY, SALES], rows))
    assert [(one.label, one.values) for one in plot.series] == [
        ("Chad", (1.0, None, 4.0)),
        ("∅", (2.0, None, 5.0)),
    ]


def many(measure: PageColumn) -> Lines:
    rows = [(month(m), f"c{n:02}", n * m) for m in (1, 2) for n in range(12)]
    return only_lines(page([MONTH, COUNTRY, measure], rows))


def test_the_smaller_of_many_categories_are_added_up() -> None:
    plot = many(SALES)
    assert [one.label for one in plot.series] == [f"c{n:02}" for n in range(11, 3, -1)] + ["4 others"]
    assert plot.series[-1].values == (0.0 + 1 + 2 + 3, 2.0 * (1 + 2 + 3))
    assert "the other 4 added up" in plot.note


def test_what_cannot_be_added_up_is_not() -> None:
    plot = many(RATE)
    assert [one.label for one in plot.series] == [f"c{n:02}" for n in range(11, 3, -1)]
    assert "4 are in the table only" in plot.note


def test_the_period_before_is_a_second_line() -> None:
    plot = only_lines(page([MONTH, SALES, BEFORE, CHANGE], [(month(1), 3, 2, 0.5), (month(2), 5, None, None)]))
    assert [(one.label, one.values, one.is_earlier) for one in plot.series] == [
        ("Sales", (3.0, 5.0), False),
        ("Sales, the year before", (2.0, None), True),
    ]
    assert plot.named == plot.series


def test_of_few_categories_each_has_its_dashed_line_and_of_more_none() -> None:
    def compared(count: int) -> Lines:
        rows = [(month(m), f"c{n}", n, n) for m in (1, 2) for n in range(count)]
        return only_lines(page([MONTH, COUNTRY, SALES, BEFORE], rows))

    assert [(one.label, one.colour) for one in compared(2).series if one.is_earlier] == [
        ("c0: Sales, the year before", 0),
        ("c1: Sales, the year before", 1),
    ]
    assert [one.label for one in compared(2).named] == ["c0", "c1"]
    assert not any(one.is_earlier for one in compared(5).series)
    assert compared(5).note == "What it is compared with is in the table."


def test_ranked_months_are_bars_in_their_order() -> None:
    plot = only_bars(page([MONTH, SALES], [(month(3), 9), (month(1), 7), (month(2), 7)]))
    assert [bar.label for bar in plot.bars] == ["Mar 2011", "Jan 2011", "Feb 2011"]


def test_ranked_rows_of_many_categories_are_bars() -> None:
    plot = only_bars(
        page([MONTH, COUNTRY, SALES], [(month(3), "Chad", 9), (month(1), "Mali", 7), (month(2), "Togo", 5)])
    )
    assert plot.bars[0].label == "Mar 2011 · Chad"
    assert plot.categories == "month and country"


def test_times_that_occur_twice_are_no_line() -> None:
    assert isinstance(plots(page([MONTH, SALES], [(month(1), 9), (month(1), 7)]))[0], Bars)


def test_the_first_bars_are_drawn_and_the_rest_counted() -> None:
    rows = [(f"c{n}", 100 - n) for n in range(40)]
    plot = only_bars(page([COUNTRY, SALES], rows))
    assert [bar.label for bar in plot.bars] == [f"c{n}" for n in range(25)]
    assert plot.note == "The first 25 of the answer are drawn; 15 more are in the table."
    assert "at least 15 more" in only_bars(page([COUNTRY, SALES], rows, is_truncated=True)).note


def test_bars_are_compared_with_lighter_ones() -> None:
    plot = only_bars(page([COUNTRY, SALES, BEFORE, CHANGE], [("Chad", 3, 2, 0.5), (None, -1, None, None)]))
    assert plot.earlier == "Sales, the year before"
    assert [(bar.label, bar.value, bar.earlier) for bar in plot.bars] == [("Chad", 3.0, 2.0), ("∅", -1.0, None)]


def test_measures_of_one_unit_are_lines_of_one_plot() -> None:
    cost = PageColumn("cost", "BIGINT", "measure", "Cost", "EUR")
    rows = [(month(1), 3, 2, 0.1), (month(2), 5, 4, 0.2)]
    plot = only_lines(page([MONTH, SALES, cost], [row[:3] for row in rows]))
    assert [(one.label, one.colour) for one in plot.series] == [("Sales", 0), ("Cost", 1)]
    assert plot.heading == "Sales (EUR) and Cost (EUR)"
    assert len(plots(page([MONTH, SALES, cost, RATE], rows))) == 3


def test_no_more_than_three_plots() -> None:
    measures = [PageColumn(f"m{n}", "BIGINT", "measure", f"M{n}") for n in range(5)]
    drawn = plots(page([COUNTRY, *measures], [("Chad", 1, 2, 3, 4, 5), ("Mali", 1, 2, 3, 4, 5)]))
    assert len(drawn) == 3
    assert drawn[-1].note == "2 more measures are in the table."


def test_nothing_is_drawn_of_what_is_read_faster() -> None:
    assert plots(page([COUNTRY, SALES], [])) == []
    assert plots(page([COUNTRY, SALES], [("Chad", 1)])) == []
    assert plots(page([COUNTRY], [("Chad",), ("Mali",)])) == []
    assert plots(page([SALES], [(1,), (2,)])) == []
    assert plots(page([COUNTRY, SALES], [("Chad", None), ("Mali", float("nan"))])) == []


def test_a_single_number_is_shown_with_what_it_is_compared_with() -> None:
    (single,) = singles(page([COUNTRY, SALES, BEFORE, CHANGE], [("Chad", 3000, 2000, 0.5)]))
    assert (single.label, single.text) == ("Sales (EUR) · Chad", "3,000")
    assert single.asides == ("Sales, the year before: 2,000", "Change: 50.0 %")


def test_a_single_name_is_shown_too() -> None:
    (single,) = singles(page([COUNTRY], [("Chad",)]))
    assert (single.label, single.text) == ("Country", "Chad")
    assert singles(page([COUNTRY, MONTH], [("Chad", month(1))])) == []
