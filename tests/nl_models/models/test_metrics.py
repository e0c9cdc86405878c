"""A number that no metric is comes with its metric; where people have to decide, with a question."""

from __future__ import annotations

import subprocess

import pytest
from asked_shop import Shop
from ruamel.yaml import YAML

from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.nl_models.analysis import Analysis, Dimension
from plugins.nl_models.models.metric_yaml import add_measure, add_metric
from plugins.nl_models.models.missing import NewMetric
from plugins.nl_models.opening import open_proposal
from plugins.nl_models.plan import ColumnRef, Measure, Plan
from plugins.nl_models.render.metricflow import MetricFlow
from plugins.nl_models.semantic.layer import SemanticLayer, SemanticModel
from plugins.review import Outcome
from plugins.review.proposals.lifecycle import Proposals

ORDERS, RETURNS, CUSTOMERS = "main.fct_orders", "main.fct_returns", "main.dim_customers"
CHANNEL = ColumnRef(table=ORDERS, name="channel")
AMOUNT = ColumnRef(table=ORDERS, name="amount_eur")
SALES = "models/marts/sales"


def by_channel(*measures: Measure) -> Plan:
    return Plan(select=(CHANNEL, *measures), group_by=(CHANNEL,))


AVERAGE = Measure(function="avg", column=AMOUNT)


@pytest.mark.full
def test_the_metric_comes_with_the_model_and_all_of_it_is_in_the_body(shop: Shop) -> None:
    before = (shop.folder / SALES / "fct_orders.yml").read_text()
    proposal = shop.propose(by_channel(AVERAGE), "agg_orders_by_channel")
    yaml = next(change for change in proposal.changes if change.path.endswith("fct_orders.yml"))
    assert yaml.before == before
    added = [line for line in (yaml.after or "").splitlines() if line not in before.splitlines()]
    assert added == [
        "      - {name: average_amount_eur, agg: average, expr: amount_eur}",
        "  - name: average_amount_eur",
        "    label: Average amount (EUR)",
        "    description: Average of amount eur (value in euros).",
        "      measure: average_amount_eur",
    ]
    assert not proposal.questions
    assert [(one.kind, one.outcome) for one in proposal.evidence] == [
        ("semantic", Outcome.PASSED),
        ("metric", Outcome.PASSED),
    ]
    settings = load_settings(shop.folder)
    shop.asked.con.close()
    opened = open_proposal(Project(shop.folder), settings, proposal)
    assert opened.url is not None, opened.body
    for said in ("same 2 rows as the query behind the answer returns", "the semantic layer gives 181.5"):
        assert opened.body.count(said) == 1
    assert "Adds the metric `average_amount_eur`" in opened.body
    assert "| compiles and builds |" in opened.body
    assert Proposals(settings).find(proposal.id).body == opened.body

    subprocess.run(["git", "checkout", "-q", opened.proposal.branch], cwd=shop.folder, check=True)
    project = Project(shop.folder)
    project.compile()
    project.release()
    layer = SemanticLayer.read(shop.folder / "target" / "semantic_manifest.json")
    asked = Analysis(metrics=("average_amount_eur",), dimensions=(Dimension(name="metric_time", grain="month"),))
    assert "AVG(" in MetricFlow(layer).to_sql(asked)


def test_a_measure_that_is_there_is_used(shop: Shop) -> None:
    returned = ColumnRef(table=RETURNS, name="customer_id")
    plan = Plan(
        select=(returned, Measure(function="count", column=ColumnRef(table=RETURNS, name="return_id"))),
        group_by=(returned,),
    )
    yaml = shop.propose(plan).changes[-1]
    assert yaml.path == f"{SALES}/fct_returns.yml"
    assert "      - {name: return_count, agg: count, expr: return_id}\n" in (yaml.after or "")
    assert "measure: {name: return_count, fill_nulls_with: 0}" in (yaml.after or "")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (by_channel(Measure(function="sum", column=AMOUNT)), "is the metric `revenue_eur`"),
        (by_channel(Measure(function="max", column=ColumnRef(table=ORDERS, name="ordered_date"))), "is no number"),
        (
            Plan(select=(Measure(function="count", table=CUSTOMERS),), tables=(CUSTOMERS,)),
            "has no date that it would be counted by",
        ),
    ],
    ids=["there is one", "a date", "no time"],
)
def test_in_doubt_it_is_asked(shop: Shop, plan: Plan, said: str) -> None:
    proposal = shop.propose(plan)
    assert any(said in question for question in proposal.questions), proposal.questions
    assert all(change.before is None for change in proposal.changes)


MODEL = SemanticModel("orders", "main.fct_orders", "", "order", {}, (), "ordered_at")
METRIC = NewMetric("paid", "Paid", "What was paid.", "EUR", "paid", False, "sum", "amount", MODEL, "ordered_at")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "semantic_models:\n  - name: orders # ours\n    measures:\n      - name: n\n        description: x\n"
            "        agg: sum\n\n  - name: other\n",
            "semantic_models:\n  - name: orders # ours\n    measures:\n      - name: n\n        description: x\n"
            "        agg: sum\n      - name: paid\n        description: What was paid.\n        agg: sum\n"
            "        expr: amount\n\n  - name: other\n",
        ),
        (
            "semantic_models:\n- name: orders\n  entities: [{name: order, type: primary}]\n",
            "semantic_models:\n- name: orders\n  entities: [{name: order, type: primary}]\n  measures:\n"
            "    - {name: paid, agg: sum, expr: amount}\n",
        ),
    ],
    ids=["in a list", "the first"],
)
def test_a_measure_leaves_everything_else_as_it_is(before: str, after: str) -> None:
    assert add_measure(before, METRIC) == after


def test_a_metric_is_written_like_the_others() -> None:
    before = "metrics:\n  - name: a\n    description: b\n    type: simple\n    label: A\n    type_params:\n"
    before += "      measure: {name: a, fill_nulls_with: 0} # never null\n\nmodels:\n  - name: m\n"
    after = add_metric(before, METRIC)
    entry = YAML(typ="safe").load(after)["metrics"][1]
    assert list(entry) == ["name", "description", "type", "label", "type_params", "config"]
    assert entry["type_params"] == {"measure": {"name": "paid", "fill_nulls_with": 0}}
    assert "# never null\n  - name: paid\n" in after
    assert after.endswith("    config:\n      meta: {unit: EUR}\n\nmodels:\n  - name: m\n")
    assert add_metric("models: []\n", METRIC).endswith(
        "    type_params:\n      measure: paid\n    config:\n      meta: {unit: EUR}\n"
    )
