"""Questions that were corrected before are answered as corrected; examples are text like any other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from nl_models.editing.conftest import bakery, built

from plugins.core.project import Manifest
from plugins.nl_models import ProjectAnswers
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.plan import Plan

__all__ = ["bakery", "built"]

Asking = Callable[..., ProjectAnswers]
MODEL = "agg_sales_monthly"
HOW_WELL = {"question": "how well did we do, each month?", "figures": ["order_count", "revenue_gbp"]}
BY_MONTH = {**HOW_WELL, "by": ["order_month"], "proposal": "01K9"}
SINCE = ["ordered_date < cast('2025-01-01' as date)", "ordered_date >= cast('2024-01-01' as date)"]
PIECES = {"question": "revenue by country in 2024", "figures": ["pieces"], "by": ["country"], "where": SINCE}


@pytest.fixture
def asking(bakery: AskedProject) -> Asking:
    """The bakery with examples in the YAML of a model."""

    def asked(*examples: Any, today: date = date(2026, 11, 20)) -> ProjectAnswers:
        document = copy.deepcopy(dict(bakery.manifest.document))
        entry = next(one for one in document["nodes"].values() if one["name"] == MODEL)
        entry["config"]["meta"] = {**(entry["config"].get("meta") or {}), "examples": list(examples)}
        return ProjectAnswers(replace(bakery, manifest=Manifest(document)), today)

    return asked


@pytest.mark.parametrize(
    "example",
    [BY_MONTH, {**BY_MONTH, "figures": ["orders", "revenue"]}],
    ids=["columns", "metrics"],
)
def test_the_same_question_has_the_rows_of_the_corrected_model(asking: Asking, example: dict[str, Any]) -> None:
    answers = asking(example)
    given = answers.answer("How well did we do each MONTH")
    assert given.result is not None
    assert given.result.columns == ("order_month", "order_count", "revenue_gbp")
    assert given.confidence == 0.95
    assert isinstance(given.plan, Plan)
    assert answers.sentence(given.plan).endswith(
        "; as corrected in an earlier pull request (01K9, agg_sales_monthly)"
    )


def test_the_latest_correction_counts(asking: Asking) -> None:
    later = {**BY_MONTH, "figures": ["order_count"], "proposal": "01KA"}
    given = asking(BY_MONTH, later, {**BY_MONTH, "proposal": "01K1"}).answer("how well did we do each month")
    assert given.result is not None
    assert given.result.columns == ("order_month", "order_count")


@pytest.mark.parametrize(
    ("example", "why"),
    [
        ({**BY_MONTH, "figures": ["profit_gbp"]}, "agg_sales_monthly has no column profit_gbp any more"),
        ({**BY_MONTH, "by": ["order_week"]}, "agg_sales_monthly has no column order_week any more"),
        ({**BY_MONTH, "by": []}, "agg_sales_monthly has other columns by now"),
    ],
)
def test_what_no_longer_fits_is_left_out_and_said(asking: Asking, example: dict[str, Any], why: str) -> None:
    example = {**example, "question": "orders by month"}
    given = asking(example).answer("orders by month")
    assert given.result is not None
    assert isinstance(given.plan, Analysis)
    assert given.assumptions == (f"an example of agg_sales_monthly is left out: {why}",)


def test_another_period_is_read_as_it_was_corrected(asking: Asking) -> None:
    answers = asking(PIECES)
    given = answers.answer("revenue by country in 2025")
    assert isinstance(given.plan, Analysis)
    assert given.plan.metrics == ("pieces",)
    assert given.plan.time_range is not None
    assert given.plan.time_range.label == "2025"
    assert "read as corrected in an earlier pull request" in answers.sentence(given.plan)
    assert given.choices


def test_another_value_is_read_as_it_was_corrected(asking: Asking) -> None:
    where = ["channel = 'web'"]
    by_city = {"question": "revenue by country for web", "figures": ["revenue"], "by": ["city"], "where": where}
    given = asking(by_city).answer("revenue by country for shop")
    assert isinstance(given.plan, Analysis)
    assert [d.name for d in given.plan.dimensions] == ["customer__city"]
    assert [part.values for part in given.plan.filters] == [("shop",)]


def test_the_same_words_are_read_as_corrected_where_the_model_has_no_answer(asking: Asking) -> None:
    answers = asking(PIECES)
    given = answers.answer("Revenue by country in 2024?")
    assert isinstance(given.plan, Analysis)
    assert given.plan.metrics == ("pieces",)
    assert not given.assumptions


@pytest.mark.parametrize(
    "question", ["revenue by channel in 2025", "orders by country in 2025", "revenue by country in 2025 by month"]
)
def test_other_words_are_another_question(asking: Asking, question: str) -> None:
    given, plain = asking(PIECES).answer(question), asking().answer(question)
    assert (given.plan, given.assumptions) == (plain.plan, plain.assumptions)


def test_a_condition_that_was_corrected_is_not_guessed_for_another_period(asking: Asking) -> None:
    given = asking({**PIECES, "where": [*SINCE, "quantity > 1"]}).answer("revenue by country in 2025")
    assert isinstance(given.plan, Analysis)
    assert given.plan.metrics == ("revenue",)
    assert any("its conditions were corrected" in note for note in given.assumptions)


def test_last_month_is_another_month_each_time(asking: Asking) -> None:
    given = asking({**BY_MONTH, "question": "orders last month"}).answer("orders last month")
    assert isinstance(given.plan, Analysis)


def test_sql_that_somebody_wrote_is_run_through_the_guard(asking: Asking) -> None:
    sql = "select channel, count(*) as orders from {{ ref('fct_orders') }} group by channel"
    given = asking({"question": "where do they come from?", "sql": sql}).answer("where do they come from")
    assert given.result is not None
    assert given.result.columns == ("channel", "orders")
    assert given.assumptions == ("as corrected in an earlier pull request (the example of agg_sales_monthly)",)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('/etc/passwd')",
        "drop table main.fct_orders",
        "select 1; drop table main.fct_orders",
        "{{ run_query('drop table main.fct_orders') }} select 1",
        "{% for x in range(1000000000) %}{% endfor %}select 1",
        "select {{ ().__class__.__base__.__subclasses__() }}",
        "select * from {{ ref('nowhere') }}",
        "select {{ ref( }}",
        "select profit from {{ ref('fct_orders') }}",
        "copy (select 1) to '/tmp/x'",
        "attach '/tmp/x.duckdb'",
    ],
)
def test_hostile_sql_is_left_out_and_said(asking: Asking, sql: str) -> None:
    given = asking({"question": "orders by month", "sql": sql}).answer("orders by month")
    assert isinstance(given.plan, Analysis)
    assert [note.partition(":")[0] for note in given.assumptions] == [
        "an example of agg_sales_monthly is left out"
    ]


@pytest.mark.parametrize(
    "written",
    [
        "text",
        3,
        None,
        [],
        {"question": 3},
        {"question": "orders by month"},
        {"question": "?", "figures": ["orders"]},
    ],
)
def test_what_is_no_example_is_passed_over(asking: Asking, written: Any) -> None:
    given = asking(written).answer("orders by month")
    assert isinstance(given.plan, Analysis)
    assert not given.assumptions
