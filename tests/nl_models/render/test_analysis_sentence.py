"""An analysis in words: each part of a plan has its phrase."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from plugins.nl_models.analysis import (
    TIME,
    Analysis,
    AnalysisOrdering,
    Dimension,
    DimensionFilter,
    MetricFilter,
    PeriodComparison,
    TimeRange,
)
from plugins.nl_models.render.analysis_sentence import describe
from plugins.nl_models.semantic.layer import SemanticLayer


def _metric(name: str, label: str, kind: str, unit: str, measures: list[str], **more: Any) -> dict[str, Any]:
    parameters = {"input_measures": [{"name": measure} for measure in measures]}
    filters = more.pop("filter", None)
    return {
        "name": name,
        "label": label,
        "description": "",
        "type": kind,
        "type_params": {**parameters, **more},
        "filter": filters and {"where_filters": [{"where_sql_template": filters}]},
        "config": {"meta": {"unit": unit}},
    }


def _model(
    name: str, entities: dict[str, str], dimensions: list[tuple[str, str, str]], **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "node_relation": {"schema_name": "gold", "alias": name},
        "entities": [{"name": entity, "type": kind} for entity, kind in entities.items()],
        "dimensions": [{"name": n, "type": kind, "description": words} for n, kind, words in dimensions],
        "defaults": {"agg_time_dimension": "sold_on"},
        **more,
    }


SALES = _model(
    "sales",
    {"sale": "primary", "buyer": "foreign", "item": "foreign"},
    [
        ("sold_on", "time", ""),
        ("channel", "categorical", ""),
        ("country", "categorical", "Country it was sold in."),
    ],
    measures=[
        {"name": "amount", "agg": "sum", "expr": "amount_eur"},
        {"name": "amount_usd", "agg": "sum"},
        {"name": "sales", "agg": "sum", "expr": "1"},
        {"name": "buyers", "agg": "count_distinct", "expr": "buyer_id"},
        {
            "name": "big",
            "agg": "sum",
            "expr": "case when amount_eur >= 1000 and not is_a_gift and is_paid then 1 else 0 end",
            "description": "Number of big sales.",
        },
    ],
)
BUYERS = _model(
    "buyers",
    {"buyer": "primary"},
    [
        (
            "country",
            "categorical",
            "Where the buyer lives, by the address of the last invoice that was paid in full.",
        ),
        ("is_known", "categorical", ""),
        ("joined_on", "time", ""),
        ("is_old", "categorical", "Whether old."),
    ],
)
ITEMS = _model(
    "items", {"item": "primary"}, [("title", "categorical", ""), ("is_old", "categorical", "Whether old.")]
)
METRICS = [
    _metric("revenue", "Revenue (EUR)", "simple", "EUR", ["amount"], measure={"name": "amount"}),
    _metric("revenue_usd", "Revenue (USD)", "simple", "USD", ["amount_usd"], measure={"name": "amount_usd"}),
    _metric("sales", "Sales", "simple", "", ["sales"], measure={"name": "sales"}),
    _metric("buyers", "Buyers", "simple", "", ["buyers"], measure={"name": "buyers"}),
    _metric("big", "Big sales", "simple", "", ["big"], measure={"name": "big"}),
    _metric(
        "old_sales",
        "Old",
        "simple",
        "",
        ["sales"],
        measure={"name": "sales"},
        filter="{{ Dimension('item__is_old') }} and {{ Entity('buyer') }} is not null",
    ),
    _metric(
        "basket",
        "AOV (EUR)",
        "ratio",
        "EUR",
        ["amount", "sales"],
        numerator={"name": "revenue"},
        denominator={"name": "sales"},
    ),
    _metric(
        "growth",
        "Growth",
        "derived",
        "share",
        ["amount"],
        expr="revenue / before - 1",
        metrics=[
            {"name": "revenue"},
            {"name": "revenue", "alias": "before", "offset_window": {"count": 2, "granularity": "month"}},
        ],
    ),
    _metric("so_far", "So far", "cumulative", "EUR", ["amount"], measure={"name": "amount"}),
    _metric(
        "last_week",
        "Last week's",
        "cumulative",
        "EUR",
        ["amount"],
        measure={"name": "amount"},
        cumulative_type_params={"window": {"count": 7, "granularity": "day"}},
    ),
]
LAYER = SemanticLayer.of({"semantic_models": [SALES, BUYERS, ITEMS], "metrics": METRICS})

MONTH = Dimension(name=TIME, grain="month")
COUNTRY = Dimension(name="sale__country")
HOME = Dimension(name="buyer__country")
OLD = Dimension(name="item__is_old")
IN_2011 = TimeRange(start=date(2011, 1, 1), end=date(2012, 1, 1), label="2011")
LAST_MONTH = TimeRange(start=date(2011, 4, 1), end=date(2011, 5, 1), label="last month")
LARGEST = AnalysisOrdering(by="revenue", descending=True)
REVENUE = "Revenue in EUR (sum of amount_eur)"


def asked(metrics: str, **more: Any) -> Analysis:
    """An analysis of metrics, named in one string."""
    return Analysis(metrics=tuple(metrics.split()), **more)


def only(dimension: str, operator: Any, *values: Any) -> tuple[DimensionFilter, ...]:
    """One filter."""
    return (DimensionFilter(dimension=dimension, operator=operator, values=values),)


def value(metric: str, operator: Any, number: float) -> tuple[MetricFilter, ...]:
    """One filter of groups."""
    return (MetricFilter(metric=metric, operator=operator, value=number),)


WHAT = [
    (asked("revenue"), REVENUE),
    (asked("sales"), "Sales (number of sales)"),
    (asked("buyers"), "Buyers (number of different buyer_id)"),
    (asked("big"), "Big sales (number of big sales)"),
    (asked("old_sales"), "Old (number of sales, where is_old of item and buyer is not null)"),
    (asked("basket"), "AOV in EUR (ratio of revenue in EUR to sales)"),
    (asked("growth"), "Growth (revenue / before - 1, where before is revenue in EUR 2 months earlier)"),
    (asked("so_far"), "So far (sum of amount_eur from the first day on)"),
    (asked("last_week"), "Last week's (sum of amount_eur over the last 7 days)"),
    (asked("sales buyers"), "Sales (number of sales) and buyers (number of different buyer_id)"),
    (asked("revenue", dimensions=(MONTH,)), f"{REVENUE} by month"),
    (asked("revenue", dimensions=(COUNTRY,)), f"{REVENUE} by country it was sold in"),
    (asked("revenue", dimensions=(HOME,)), f"{REVENUE} by country of buyer"),
    (
        asked("revenue", dimensions=(MONTH, COUNTRY, Dimension(name="sale__channel"))),
        f"{REVENUE} by month, country it was sold in and channel",
    ),
    (
        asked("revenue", dimensions=(Dimension(name="buyer__joined_on", grain="year"),)),
        f"{REVENUE} by year of joined on",
    ),
    (asked("revenue", dimensions=(Dimension(name="buyer"),)), f"{REVENUE} by buyer"),
]
WHICH = [
    (only("sale__country", "in", "Chad"), "country it was sold in is Chad"),
    (only("sale__country", "in", "Chad", "Mali"), "country it was sold in is Chad or Mali"),
    (only("sale__channel", "not in", "web"), "channel is not web"),
    (only("sale__channel", "not in", "web", "shop"), "channel is neither web nor shop"),
    (only("sale__channel", "not in", "a", "b", "c"), "channel is none of a, b, c"),
    (only("sale__channel", "in", *"abcdefghij"), "channel is a, b, c, d, e, f, g, h or 2 more"),
    (only("item__title", "in", "Salt, or not", ""), "title is “Salt, or not” or “”"),
    (only("item__title", "contains", "salt"), "title contains “salt”"),
    (only("buyer", "is not null"), "buyer is known"),
    (only("buyer__country", "is null"), "country of buyer is unknown"),
    (only("buyer__is_known", "in", True), "buyer is known"),
    (only("buyer__is_known", "in", "false"), "buyer is not known"),
    (only("buyer__is_known", "not in", True), "buyer is not known or unknown"),
    (only("item__is_old", "in", True, False), "whether old is true or false"),
    (only("buyer__joined_on", ">=", "2011-01-01"), "joined on is at or after 2011-01-01"),
    (only("sale__channel", ">", 1000), "channel is over 1,000"),
]
HOW = [
    (asked("revenue", time_range=IN_2011), "2011"),
    (asked("revenue", time_range=LAST_MONTH), "last month (2011-04-01 to 2011-04-30)"),
    (
        asked("revenue", time_range=TimeRange(end=date(2011, 5, 1), label="until then")),
        "until then (up to 2011-04-30)",
    ),
    (
        asked("revenue", dimensions=(COUNTRY,), calculation="share"),
        "share of the total over every country it was sold in",
    ),
    (
        asked("revenue", dimensions=(OLD,), calculation="share"),
        "share of the total over every value of whether old",
    ),
    (
        asked("revenue", dimensions=(MONTH, COUNTRY), calculation="share"),
        "share of the total over every country it was sold in, month by month",
    ),
    (asked("revenue", dimensions=(MONTH,), calculation="running total"), "running total from month to month"),
    (
        asked("revenue", dimensions=(MONTH, COUNTRY), calculation="running total"),
        "running total from month to month for each country it was sold in",
    ),
    (asked("revenue", comparison=PeriodComparison(grain="year")), "against the year before"),
    (
        asked("revenue", comparison=PeriodComparison(grain="month", count=3, only_growth=True)),
        "growth against 3 months before",
    ),
    (asked("revenue", having=value("revenue", ">", 1234567)), "only where revenue is over 1,234,567"),
    (asked("growth", having=value("growth", ">=", 0.1)), "only where growth is at least 10 %"),
    (
        asked("revenue", having=value("revenue_change", "<", -0.055)),
        "only where change of revenue is under -5.5 %",
    ),
    (
        asked("revenue", calculation="share", having=value("revenue", ">", 0.5)),
        "share of the total; only where share of revenue is over 50 %",
    ),
    (
        asked(
            "revenue",
            dimensions=(COUNTRY,),
            having=(MetricFilter(metric="sales", operator=">=", value=20, of=("sale__country",)),),
        ),
        "only where sales of each country it was sold in is at least 20",
    ),
    (
        asked(
            "sales",
            dimensions=(COUNTRY,),
            having=(MetricFilter(metric="sales", operator=">", value=0, of=("sale__country",), each="month"),),
        ),
        "only where sales of each country it was sold in is over 0 in every month",
    ),
    (
        asked("revenue", dimensions=(COUNTRY,), order_by=(LARGEST,), limit=5, together="sum"),
        "top 5 by revenue, ties by country it was sold in; the sum of these rows",
    ),
    (asked("revenue sales", calculation="ratio"), "revenue divided by sales"),
    (
        asked("revenue", dimensions=(MONTH,), calculation="moving average", window=3),
        "moving average over 3 months up to each",
    ),
    (
        asked("revenue", comparison=PeriodComparison(grain="month", as_amount=True)),
        "change as an amount against the month before",
    ),
    (asked("revenue", order_by=(LARGEST,)), "ordered by revenue, highest first"),
    (asked("revenue revenue_usd", order_by=(LARGEST,)), "ordered by revenue in EUR, highest first"),
    (
        asked("revenue", dimensions=(COUNTRY,), order_by=(LARGEST,), limit=5),
        "top 5 by revenue, ties by country it was sold in",
    ),
    (asked("revenue", order_by=(AnalysisOrdering(by="revenue"),), limit=1000), "bottom 1,000 by revenue"),
    (
        asked(
            "revenue", dimensions=(COUNTRY, HOME), order_by=(LARGEST,), limit=3, limit_within=("sale__country",)
        ),
        "top 3 by revenue within each country it was sold in, ties by country of buyer",
    ),
    (
        asked(
            "revenue", dimensions=(MONTH,), order_by=(AnalysisOrdering(by="metric_time__month", descending=True),)
        ),
        "ordered by month, latest first",
    ),
    (
        asked(
            "revenue",
            dimensions=(MONTH,),
            order_by=(AnalysisOrdering(by="metric_time__month", descending=True), LARGEST),
            limit=2,
        ),
        "last 2 by month, then revenue, highest first",
    ),
]


@pytest.mark.parametrize(("analysis", "sentence"), WHAT, ids=[sentence for _, sentence in WHAT])
def test_metrics_say_what_they_are_made_of_and_by_what(analysis: Analysis, sentence: str) -> None:
    assert describe(analysis, LAYER) == sentence


@pytest.mark.parametrize(("filters", "phrase"), WHICH, ids=[phrase for _, phrase in WHICH])
def test_filters_in_words(filters: tuple[DimensionFilter, ...], phrase: str) -> None:
    assert describe(asked("revenue", filters=filters), LAYER) == f"{REVENUE}; {phrase}"


@pytest.mark.parametrize(("analysis", "phrase"), HOW, ids=[phrase for _, phrase in HOW])
def test_the_rest_of_a_plan_in_words(analysis: Analysis, phrase: str) -> None:
    assert describe(analysis, LAYER).endswith(f"; {phrase}")


def test_what_is_averaged_over_is_not_what_there_is_a_row_for() -> None:
    analysis = asked(
        "sales", dimensions=(MONTH, COUNTRY), calculation="average", order_by=(AnalysisOrdering(by="sales"),)
    )
    assert describe(analysis, LAYER) == (
        "Sales (number of sales) by country it was sold in; average over months; "
        "ordered by average sales, lowest first"
    )


def test_a_share_may_be_of_what_is_meant_only() -> None:
    chad = only("sale__country", "in", "Chad")
    said = describe(asked("sales", calculation="share", only=chad), LAYER)
    assert said == "Sales (number of sales); share of the total where country it was sold in is Chad"
    by_month = asked("sales", dimensions=(MONTH,), calculation="share", only=chad)
    assert describe(by_month, LAYER).endswith(
        "share of the total where country it was sold in is Chad, of each month"
    )


def test_an_average_over_groups_has_no_row_for_each() -> None:
    said = describe(asked("sales", dimensions=(COUNTRY,), calculation="average"), LAYER)
    assert said == "Sales (number of sales); average over every country it was sold in"


def test_groups_may_be_counted() -> None:
    analysis = asked(
        "revenue", dimensions=(Dimension(name="buyer"),), calculation="count", having=value("revenue", ">", 100)
    )
    said = "Number of rows of: revenue in EUR (sum of amount_eur) by buyer; only where revenue is over 100"
    assert describe(analysis, LAYER) == said


def test_an_entity_says_by_what_it_is_shown() -> None:
    analysis = asked("sales", dimensions=(Dimension(name="item", shown_by="item__title"),))
    assert describe(analysis, LAYER) == "Sales (number of sales) by item (title)"


def test_the_order_of_time_needs_no_words() -> None:
    orders = (AnalysisOrdering(by="metric_time__month"),)
    assert (
        describe(asked("sales", dimensions=(MONTH,), order_by=orders), LAYER) == "Sales (number of sales) by month"
    )


def test_a_limit_may_be_over_some_of_the_dimensions() -> None:
    analysis = asked(
        "revenue", dimensions=(MONTH, COUNTRY), order_by=(LARGEST,), limit=3, limit_over=("sale__country",)
    )
    assert describe(analysis, LAYER).endswith(
        "; top 3 of country it was sold in by total revenue, with all rows of each"
    )


def test_two_dimensions_that_are_described_alike_are_told_apart() -> None:
    said = describe(asked("sales", dimensions=(OLD, Dimension(name="buyer__is_old"))), LAYER)
    assert said == "Sales (number of sales) by whether old (item) and whether old (buyer)"


def test_the_whole_sentence() -> None:
    analysis = asked(
        "revenue",
        dimensions=(MONTH, COUNTRY),
        time_range=IN_2011,
        filters=only("buyer__is_known", "in", True),
        comparison=PeriodComparison(grain="year"),
        order_by=(LARGEST,),
        limit=5,
    )
    assert describe(analysis, LAYER) == (
        f"{REVENUE} by month and country it was sold in; 2011; buyer is known; against the year before; "
        "top 5 by revenue, ties by month and country it was sold in"
    )
