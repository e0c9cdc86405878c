"""What each column of an answer is for."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from plugins.nl_models.analysis import TIME, Analysis, Dimension, PeriodComparison, TimeRange
from plugins.nl_models.page import columns_by_type, columns_of_analysis
from plugins.nl_models.plan import ColumnRef, Measure, Plan
from plugins.nl_models.semantic.layer import SemanticLayer

MODEL = {
    "name": "sales",
    "node_relation": {"schema_name": "gold", "alias": "sales"},
    "entities": [{"name": "sale", "type": "primary"}],
    "dimensions": [{"name": "country", "type": "categorical", "description": "Country it was sold in."}],
    "measures": [
        {"name": "amount", "agg": "sum"},
        {"name": "buyers", "agg": "count_distinct"},
        {"name": "largest", "agg": "max"},
    ],
}
METRICS = [
    ("revenue", "Revenue (EUR)", "EUR", "simple", ["amount"]),
    ("buyers", "Buyers", "buyers", "simple", ["buyers"]),
]
METRICS += [
    ("largest", "Largest", "EUR", "simple", ["largest"]),
    ("rate", "Rate", "share", "ratio", ["buyers", "amount"]),
]
LAYER = SemanticLayer.of(
    {
        "semantic_models": [MODEL],
        "metrics": [
            {
                "name": name,
                "label": label,
                "type": kind,
                "type_params": {"input_measures": [{"name": measure} for measure in measures]},
                "config": {"meta": {"unit": unit}},
            }
            for name, label, unit, kind, measures in METRICS
        ],
    }
)
MONTH = Dimension(name=TIME, grain="month")
COUNTRY = Dimension(name="sale__country")
IN_2011 = TimeRange(start=date(2011, 1, 1), end=date(2012, 1, 1), label="2011")


def columns(names: str, **more: Any) -> list[tuple[Any, ...]]:
    """Heading, role, unit and what it belongs to, of an analysis's columns with these names."""
    split = names.split()
    found = columns_of_analysis(Analysis(**more), LAYER, split, ["DOUBLE"] * len(split))
    return [(column.heading, column.role, column.unit, column.of) for column in found]


def test_dimensions_then_measures() -> None:
    assert columns("month country revenue buyers", metrics=("revenue", "buyers"), dimensions=(MONTH, COUNTRY)) == [
        ("Month", "time", "", None),
        ("Country it was sold in", "dimension", "", None),
        ("Revenue (EUR)", "measure", "EUR", None),
        ("Buyers", "measure", "buyers", None),
    ]


def test_a_comparison_belongs_to_its_measure() -> None:
    compared = PeriodComparison(grain="year")
    names = "revenue revenue_previous_year revenue_change"
    assert columns(names, metrics=("revenue",), comparison=compared, time_range=IN_2011) == [
        ("Revenue (EUR)", "measure", "EUR", None),
        ("Revenue, the year before (EUR)", "comparison", "EUR", "revenue"),
        ("Change against the year before", "detail", "share", "revenue"),
    ]


def test_where_growth_was_asked_for_it_is_what_is_shown() -> None:
    compared = PeriodComparison(grain="month", count=3, only_growth=True)
    names = "month revenue_change"
    assert columns(names, metrics=("revenue",), comparison=compared, dimensions=(MONTH,)) == [
        ("Month", "time", "", None),
        ("Growth of revenue against 3 months before", "measure", "share", None),
    ]


@pytest.mark.parametrize(
    ("calculation", "name", "heading", "unit"),
    [
        ("share", "revenue_share", "Share of revenue", "share"),
        ("running total", "revenue_running_total", "Running total of revenue (EUR)", "EUR"),
        ("average", "revenue_average", "Average revenue (EUR)", "EUR"),
    ],
)
def test_a_calculation_is_named(calculation: str, name: str, heading: str, unit: str) -> None:
    found = columns(f"country {name}", metrics=("revenue",), dimensions=(COUNTRY, MONTH), calculation=calculation)
    assert found[1] == (heading, "measure", unit, None)


@pytest.mark.parametrize(
    ("metric", "is_additive"), [("revenue", True), ("buyers", False), ("largest", False), ("rate", False)]
)
def test_sums_are_additive_and_nothing_else(metric: str, is_additive: bool) -> None:
    (column,) = columns_of_analysis(Analysis(metrics=(metric,)), LAYER, [metric], ["DOUBLE"])
    assert column.is_additive == is_additive


def test_an_average_over_time_is_not_additive() -> None:
    analysis = Analysis(metrics=("revenue",), dimensions=(MONTH,), calculation="average")
    (column,) = columns_of_analysis(analysis, LAYER, ["revenue_average"], ["DOUBLE"])
    assert not column.is_additive


def test_without_an_analysis_types_tell() -> None:
    names = ["first_sold", "name", "price", "customer_id", "birth_year", "is_old", "sold_at"]
    types = ["DATE", "VARCHAR", "DECIMAL(18,2)", "BIGINT", "INTEGER", "BOOLEAN", "TIMESTAMP WITH TIME ZONE"]
    found = columns_by_type(names, types)
    assert [column.role for column in found] == [
        "time",
        "dimension",
        "measure",
        "dimension",
        "dimension",
        "dimension",
        "time",
    ]
    assert found[0].label == "First sold"


def test_beside_an_aggregate_a_plain_number_says_of_what() -> None:
    pages = ColumnRef(table="books", name="pages")
    plan = Plan(select=(pages, Measure(function="count", table="gold.dim_books")), group_by=(pages,))
    found = columns_by_type(["pages", "count_star()"], ["BIGINT", "BIGINT"], plan)
    assert [(column.role, column.label) for column in found] == [
        ("dimension", "Pages"),
        ("measure", "Number of books"),
    ]


@pytest.mark.parametrize(
    ("measure", "label"),
    [
        (Measure(function="sum", column=ColumnRef(table="books", name="list_price")), "Total list price"),
        (Measure(function="avg", column=ColumnRef(table="books", name="pages")), "Average pages"),
        (
            Measure(function="count", column=ColumnRef(table="books", name="author"), distinct=True),
            "Number of different author",
        ),
    ],
)
def test_an_aggregate_of_a_table_is_called_what_it_is(measure: Measure, label: str) -> None:
    (column,) = columns_by_type(["x"], ["DOUBLE"], Plan(select=(measure,)))
    assert (column.role, column.label) == ("measure", label)
