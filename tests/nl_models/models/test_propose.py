"""A plan becomes files that a project's people could have written, and that dbt builds."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from asked_shop import Shop
from ruamel.yaml import YAML

from plugins.core.errors import SmeltError
from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.nl_models.analysis import (
    Analysis,
    AnalysisOrdering,
    Dimension,
    DimensionFilter,
    MetricFilter,
    PeriodComparison,
    TimeRange,
)
from plugins.nl_models.catalog.project import open_project
from plugins.nl_models.models import Reuse
from plugins.nl_models.plan import ColumnRef, Comparison, Literals, Measure, Plan
from plugins.review import Outcome
from plugins.review.sandbox.machine_written import check_machine_written

EXPECTED = Path(__file__).parent / "expected"
MONTH = Dimension(name="metric_time", grain="month")
CHANNEL = Dimension(name="order__channel")
COUNTRY = Dimension(name="customer__country")
CUSTOMER = Dimension(name="customer", shown_by="customer__name")
RETURNING = DimensionFilter(dimension="order__customer_type", operator="in", values=("returning",))
NOT_FRANCE = DimensionFilter(dimension="customer__country", operator="not in", values=("France",))
NOBODY = DimensionFilter(dimension="customer", operator="is null")
SOMEBODY = DimensionFilter(dimension="customer", operator="is not null")
IN_2024 = TimeRange(start=date(2024, 1, 1), end=date(2025, 1, 1), label="2024")
WITHIN = (MONTH.query_name,)
MOST_REVENUE = (AnalysisOrdering(by="revenue_eur", descending=True),)

ANALYSES = {
    "agg_returning": Analysis(metrics=("revenue_eur",), dimensions=(MONTH, COUNTRY), filters=(RETURNING,)),
    "agg_two_facts": Analysis(
        metrics=("net_revenue_eur", "orders"), dimensions=(MONTH, COUNTRY), time_range=IN_2024
    ),
    "agg_own_filters": Analysis(metrics=("web_share", "known_revenue_per_buyer"), dimensions=(MONTH,)),
    "agg_other_countries": Analysis(
        metrics=("buyers", "largest_order"), filters=(NOT_FRANCE,), dimensions=(CHANNEL,)
    ),
    "agg_compared": Analysis(
        metrics=("revenue_eur",),
        dimensions=(MONTH, CHANNEL),
        comparison=PeriodComparison(grain="month"),
        time_range=TimeRange(start=date(2024, 2, 1), label="since February 2024"),
    ),
    "agg_share": Analysis(metrics=("revenue_eur",), dimensions=(MONTH, CHANNEL), calculation="share"),
    "agg_running": Analysis(metrics=("orders",), dimensions=(MONTH, CHANNEL), calculation="running total"),
    "agg_average": Analysis(metrics=("revenue_eur",), dimensions=(MONTH, CHANNEL), calculation="average"),
    "agg_best": Analysis(
        metrics=("revenue_eur",), dimensions=(MONTH, CHANNEL), order_by=MOST_REVENUE, limit=1, limit_within=WITHIN
    ),
    "agg_large": Analysis(
        metrics=("revenue_eur",),
        dimensions=(Dimension(name="customer"),),
        having=(MetricFilter(metric="revenue_eur", operator=">", value=100),),
    ),
    "agg_best_customers": Analysis(
        metrics=("revenue_eur",),
        dimensions=(COUNTRY, CUSTOMER),
        filters=(SOMEBODY,),
        order_by=MOST_REVENUE,
        limit=1,
        limit_within=(COUNTRY.name,),
    ),
    "agg_best_channels": Analysis(
        metrics=("revenue_eur",),
        dimensions=(CUSTOMER, CHANNEL),
        filters=(SOMEBODY,),
        order_by=MOST_REVENUE,
        limit=1,
        limit_within=(CUSTOMER.name,),
    ),
    "agg_named": Analysis(metrics=("revenue_eur", "returned_eur"), dimensions=(CUSTOMER,)),
    "agg_best_countries": Analysis(
        metrics=("revenue_eur",),
        dimensions=(MONTH, COUNTRY),
        order_by=MOST_REVENUE,
        limit=1,
        limit_over=(COUNTRY.name,),
    ),
    "agg_daily": Analysis(metrics=("orders",), dimensions=(Dimension(name="metric_time", grain="day"),)),
    "agg_total": Analysis(metrics=("revenue_eur", "returned_eur")),
    "agg_none": Analysis(metrics=("revenue_eur",), filters=(NOBODY, RETURNING)),
}
AMOUNT = ColumnRef(table="main.fct_orders", name="amount_eur")
BY_COUNTRY = Plan(
    select=(
        ColumnRef(table="main.dim_customers", name="country"),
        Measure(function="count", table="main.fct_orders"),
        Measure(function="avg", column=AMOUNT),
    ),
    group_by=(ColumnRef(table="main.dim_customers", name="country"),),
    where=Comparison(left=AMOUNT, operator=">", right=Literals(values=(15,))),
)
ORDERS = Plan(
    select=(ColumnRef(table="main.fct_orders", name="order_id"), AMOUNT),
    where=Comparison(left=AMOUNT, operator=">", right=Plan(select=(Measure(function="avg", column=AMOUNT),))),
)


def test_the_files_are_what_a_colleague_would_write(shop: Shop) -> None:
    proposal = shop.propose(ANALYSES["agg_returning"], "agg_returning_revenue_monthly")
    assert [change.path for change in proposal.changes] == [
        "models/marts/sales/agg_returning_revenue_monthly.sql",
        "models/marts/sales/agg_returning_revenue_monthly.yml",
    ]
    for change in proposal.changes:
        assert change.after == (EXPECTED / Path(change.path).name).read_text()


@pytest.mark.full
def test_every_analysis_has_the_rows_of_the_semantic_layer_and_dbt_builds_it(shop: Shop) -> None:
    proposals = [shop.propose(analysis, name) for name, analysis in ANALYSES.items()]
    for proposal in proposals:
        assert [finding.outcome for finding in proposal.evidence] == [Outcome.PASSED], proposal.title
        assert check_machine_written(proposal.changes) == []
    shop.write(*proposals)
    built = shop.build(*ANALYSES)
    assert not built.broken, built.broken
    kinds = Counter(node.resource_type for node in built.nodes)
    assert kinds["model"] == kinds["unit_test"] == len(ANALYSES)


def test_the_name_of_a_thing_stands_beside_its_key(shop: Shop) -> None:
    proposal = shop.propose(ANALYSES["agg_best_customers"])
    sql, yaml = ((change.after or "") for change in proposal.changes)
    assert "customers.customer_name" in sql
    assert "partition by country" in sql
    entry = YAML(typ="safe").load(yaml)["models"][0]
    columns = {column["name"]: column["description"] for column in entry["columns"]}
    assert list(columns) == ["country", "customer_id", "customer_name", "revenue_eur"]
    assert columns["customer_name"] == "What the customer is called."
    assert entry["data_tests"] == [{"unique_combination": {"arguments": {"columns": ["country", "customer_id"]}}}]
    assert "only the one with the greatest revenue (EUR) of each country" in entry["description"]
    assert not any("would pass without" in question for question in proposal.questions)


def test_the_first_of_all_months_are_kept_with_all_their_months(shop: Shop) -> None:
    proposal = shop.propose(ANALYSES["agg_best_countries"])
    sql, yaml = ((change.after or "") for change in proposal.changes)
    assert "where country in (select country from highest_by_revenue_eur)" in sql
    assert "only the one country with the greatest revenue (EUR) in all." in yaml
    assert not any("would pass without" in question for question in proposal.questions)


@pytest.mark.parametrize("plan", [BY_COUNTRY, ORDERS], ids=["by country", "orders"])
def test_a_plan_over_tables_is_built_too(shop: Shop, plan: Plan) -> None:
    proposal = shop.propose(plan)
    assert {finding.outcome for finding in proposal.evidence} == {Outcome.PASSED}
    shop.write(proposal)
    built = shop.build("agg_asked")
    assert not built.broken, built.broken
    assert any(node.resource_type == "unit_test" for node in built.nodes)


@pytest.mark.parametrize("condition", ["    where orders.customer_order_number <> 1\n", " <> 1"])
def test_the_unit_test_fails_without_the_filter(shop: Shop, condition: str) -> None:
    proposal = shop.propose(ANALYSES["agg_returning"])
    shop.write(proposal)
    path = shop.folder / proposal.changes[0].path
    changed = "" if condition.endswith("\n") else " >= 1"
    assert condition in path.read_text()
    path.write_text(path.read_text().replace(condition, changed))
    built = shop.build("agg_asked")
    assert [node.resource_type for node in built.broken if node.status != "skipped"] == ["unit_test"]


def test_what_was_assumed_is_asked(shop: Shop) -> None:
    asked = shop.propose(ANALYSES["agg_two_facts"], "sales_by_country").questions
    assert any("counted by its own date" in question for question in asked)
    assert any("no country" in question for question in asked)
    assert any("called agg_" in question for question in asked)


def test_different_customers_are_told_apart_in_the_unit_test(shop: Shop) -> None:
    questions = shop.propose(Analysis(metrics=("buyers",), dimensions=(MONTH,), time_range=IN_2024)).questions
    assert not any("would pass without" in question for question in questions)


def test_a_model_that_holds_the_same_is_used_instead(shop: Shop) -> None:
    found = shop.ask(Analysis(metrics=("web_revenue_eur",), dimensions=(MONTH,)))
    assert isinstance(found, Reuse)
    assert found.model == "agg_web_orders_monthly"
    assert "first_of_month as order_month" in found.why


def test_a_metric_alone_needs_no_model(shop: Shop) -> None:
    found = shop.ask(Analysis(metrics=("revenue_eur",)))
    assert isinstance(found, Reuse)
    assert found.model == "revenue_eur"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fct_orders", "there is a model fct_orders"),
        ("Agg Orders", "is no name of a model"),
        ("x" * 80, "is no name of a model"),
    ],
)
def test_a_name_that_cannot_be_used(shop: Shop, name: str, said: str) -> None:
    with pytest.raises(SmeltError, match=said):
        shop.ask(ANALYSES["agg_daily"], name)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Analysis(metrics=("revenue_so_far",), dimensions=(MONTH,)), "is a cumulative metric"),
        (Analysis(metrics=("revenue_growth",), dimensions=(MONTH,)), "compares with an earlier period by itself"),
        (Analysis(metrics=("profit",), dimensions=(MONTH,)), "no metric profit"),
        (Analysis(metrics=("orders",), dimensions=(CUSTOMER,), calculation="count"), "how many groups"),
        (Analysis(metrics=("orders",), comparison=PeriodComparison(grain="month")), "needs time buckets"),
        (ORDERS.model_copy(update={"operator": "union", "other": ORDERS}), "with union have no model here"),
    ],
)
def test_what_no_model_can_say_is_refused_with_what_to_do(shop: Shop, plan: Analysis | Plan, said: str) -> None:
    with pytest.raises(SmeltError, match=said) as raised:
        shop.ask(plan)
    assert raised.value.hint


def test_a_large_fact_makes_an_incremental_model(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.nl_models.models.drafting.INCREMENTAL_ROWS", 1)
    proposal = shop.propose(ANALYSES["agg_returning"])
    shop.write(proposal)
    assert "materialized: incremental" in (proposal.changes[1].after or "")
    assert "{% if is_incremental() %}" in (proposal.changes[0].after or "")
    assert any("arrives late" in question for question in proposal.questions)
    for _ in range(2):
        built = shop.build("agg_asked")
        assert not built.broken, built.broken


def test_where_models_share_a_file_the_new_one_joins_them(built_shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(built_shop, folder)
    (folder / "macros" / "unique_combination.sql").unlink()
    before = _share_yaml(folder / "models" / "marts" / "sales")
    project = Project(folder)
    project.compile()
    project.release()
    shop = Shop(folder, open_project(load_settings(folder)))
    proposal = shop.propose(ANALYSES["agg_share"])
    sql, yaml, test = proposal.changes
    assert yaml.path == "models/marts/sales/_sales.yml"
    assert yaml.before == before
    assert (yaml.after or "").startswith(before[: before.index("\nsemantic_models:")].rstrip())
    assert test.path == "tests/assert_agg_asked_has_one_row_per_order_month_and_channel.sql"
    shop.write(proposal)
    built = shop.build("agg_asked")
    assert not built.broken, built.broken
    assert {node.resource_type for node in built.nodes} == {"model", "test", "unit_test"}
    assert sql.before is None


def _share_yaml(folder: Path) -> str:
    """Put what is in several YAML files into one; returns its text."""
    yaml = YAML()
    whole: dict[str, list[object]] = {}
    for path in sorted(folder.glob("*.yml")):
        for section, entries in yaml.load(path.read_text()).items():
            whole.setdefault(section, []).extend(entries)
        path.unlink()
    with (folder / "_sales.yml").open("w") as file:
        yaml.dump(whole, file)
    return (folder / "_sales.yml").read_text()
