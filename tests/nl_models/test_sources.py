"""Where an answer comes from, column by column: of a small project, and of the demo's gold through MetricFlow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from plugins.core.errors import SmeltError
from plugins.core.project import Manifest
from plugins.nl_models.analysis import (
    TIME,
    Analysis,
    AnalysisOrdering,
    Dimension,
    DimensionFilter,
    PeriodComparison,
)
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.render.metricflow import MetricFlow
from plugins.nl_models.semantic.layer import SemanticLayer
from plugins.nl_models.sources import Source, sources

REPOSITORY = Path(__file__).parents[2]
PUBLISHED = datetime(2011, 12, 9, 12, 50, tzinfo=UTC)


def _node(name: str, sql: str, parents: list[str], **more: Any) -> dict[str, Any]:
    return {
        "unique_id": f"model.shop.{name}",
        "resource_type": "model",
        "name": name,
        "package_name": "shop",
        "database": "shop",
        "schema": "gold",
        "alias": name,
        "original_file_path": f"models/{name}.sql",
        "compiled_code": sql,
        "language": "sql",
        "depends_on": {"nodes": parents},
        **more,
    }


RAW = {
    "unique_id": "source.shop.raw.sales",
    "resource_type": "source",
    "name": "sales",
    "source_name": "raw",
    "package_name": "shop",
    "database": "shop",
    "schema": "bronze",
    "identifier": "sales",
    "original_file_path": "models/sources.yml",
    "columns": {},
}
SALES = _node(
    "sales",
    "select id, cents / 100 as amount, country, buyer from shop.bronze.sales where not is_test",
    [RAW["unique_id"]],
    description="What was sold.",
    columns={"amount": {"name": "amount", "description": "In euros."}},
)
BUYERS = _node("buyers", "select distinct buyer, lower(mail) as mail from shop.bronze.sales", [RAW["unique_id"]])
UNUSED = _node("unused", "select this is no sql", [RAW["unique_id"]])
METRIC = {"resource_type": "metric", "name": "revenue", "original_file_path": "models/sales.yml"}
MANIFEST = Manifest(
    {
        "metadata": {"project_name": "shop", "adapter_type": "duckdb"},
        "nodes": {node["unique_id"]: node for node in (SALES, BUYERS, UNUSED)},
        "sources": {RAW["unique_id"]: RAW},
        "metrics": {"metric.shop.revenue": METRIC},
    }
)
LAYER = SemanticLayer.of(
    {
        "semantic_models": [
            {
                "name": "sales",
                "node_relation": {"schema_name": "gold", "alias": "sales"},
                "entities": [],
                "dimensions": [],
                "measures": [{"name": "amount", "agg": "sum"}, {"name": "count", "agg": "sum", "expr": "1"}],
            }
        ],
        "metrics": [
            {"name": name, "type": "simple", "type_params": {"input_measures": [{"name": measure}]}}
            for name, measure in (("revenue", "amount"), ("sales", "count"))
        ],
    }
)
# As MetricFlow writes it: subqueries in CTEs, every name passed on and renamed.
REVENUE = """
with asked as (
    select sale__country, coalesce(__revenue, 0) as revenue
    from (
        select sale__country, sum(revenue) as __revenue
        from (select country as sale__country, amount as revenue from "gold"."sales" as sales_src_10000) as subq_2
        where sale__country <> 'Chad'
        group by sale__country
    ) as subq_5
)
select sale__country as country, revenue as {column} from asked order by revenue desc
"""
ROWS = [("sales", "amount", "sort"), ("sales", "country", "filter"), ("sales", "country", "group_by")]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[AskedProject]:
    """A small published project."""
    with duckdb.connect() as con:
        con.execute("create schema smelt; create table smelt.run (run_id varchar, published_at timestamptz)")
        con.execute("insert into smelt.run values ('1', ?)", [PUBLISHED])
        con.execute("create schema gold; create table gold.buyers (buyer int, mail text)")
        con.execute("create table gold.sales (id int, amount double, country text, buyer int)")
        nodes = {f"gold.{node['name']}": node["unique_id"] for node in (SALES, BUYERS)}
        yield AskedProject(tmp_path, MANIFEST, LAYER, Catalog({}), nodes, {}, con)


def places(found: tuple[Source, ...], answer: str | None) -> list[tuple[str, str, str]]:
    """Model, column and how, of one column of the answer."""
    return sorted((source.model, source.column, source.how) for source in found if source.answer == answer)


COLUMNS = [
    ("select amount from gold.sales", {"amount": [("sales", "amount", "identity")]}),
    ('select s."amount" * 2 as twice from shop.gold.sales s', {"twice": [("sales", "amount", "transformation")]}),
    ("select count(*) from gold.sales", {"count_star()": [("sales", "*", "aggregation")]}),
    (
        "select mail, sum(amount) from gold.sales join gold.buyers using (buyer) group by 1",
        {"mail": [("buyers", "mail", "identity")], "sum(amount)": [("sales", "amount", "aggregation")]},
    ),
    (REVENUE.format(column="revenue"), {"revenue": [("sales", "amount", "aggregation")], None: ROWS}),
    ("select x from gold.elsewhere", {"x": [("gold.elsewhere", "x", "identity")]}),
]


@pytest.mark.parametrize(("sql", "expected"), COLUMNS, ids=[sql[:40] for sql, _ in COLUMNS])
def test_each_column_is_traced_to_columns_of_models(shop: AskedProject, sql: str, expected: dict) -> None:
    found = sources(sql, shop)
    assert {answer: places(found, answer) for answer in expected} == expected


def test_a_source_says_what_it_is(shop: AskedProject) -> None:
    assert sources("select amount from gold.sales", shop) == (
        Source(
            answer="amount",
            model="sales",
            column="amount",
            how="identity",
            description="In euros.",
            model_description="What was sold.",
            model_path="models/sales.sql",
            origins=("raw.sales.cents",),
            published_at=PUBLISHED,
        ),
    )


@pytest.mark.parametrize("column", ["revenue", "revenue_share", "revenue_change", "revenue_3_months_earlier"])
def test_a_column_of_a_metric_names_its_yaml(shop: AskedProject, column: str) -> None:
    found = sources(REVENUE.format(column=column), shop)
    assert {source.metric for source in found if source.answer == column} == {"models/sales.yml"}
    assert {source.metric for source in found if source.answer != column} == {None}


def test_a_column_that_only_has_a_metrics_name_is_none(shop: AskedProject) -> None:
    for sql in ("select amount as revenue from gold.sales", "select max(mail) as revenue from gold.buyers"):
        assert [source.metric for source in sources(sql, shop)] == [None]


def test_what_counts_rows_is_made_from_them(shop: AskedProject) -> None:
    found = sources("select country, sum(1) as sales from gold.sales, gold.buyers group by 1", shop)
    assert places(found, "sales") == [("sales", "*", "aggregation")]


def test_without_a_publication_nothing_was_published(shop: AskedProject) -> None:
    shop.con.execute("drop table smelt.run")
    assert sources("select amount from gold.sales", shop)[0].published_at is None


def test_what_is_no_sql_is_refused(shop: AskedProject) -> None:
    with pytest.raises(SmeltError):
        sources("select from where", shop)


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> AskedProject:
    """The demo's gold models and metrics, compiled over stand-in silver ones; nothing is built."""
    project = tmp_path_factory.mktemp("sources") / "project"
    shutil.copytree(REPOSITORY / "tests" / "semantic" / "project", project)
    # Event-time models read every version of an order; here silver is only what stands in for it.
    without_events = shutil.ignore_patterns("events")
    shutil.copytree(REPOSITORY / "models" / "gold", project / "models" / "gold", ignore=without_events)
    for name in ("exposures.yml", "_groups.yml"):
        shutil.copy(REPOSITORY / "models" / name, project / "models")
    shutil.copytree(REPOSITORY / "macros", project / "macros")
    compiled = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "compile", "--no-use-colors", "--profiles-dir", "."],
        cwd=project,
        env={**os.environ, "SEMANTIC_TEST_WAREHOUSE": str(project / "warehouse.duckdb")},
        capture_output=True,
        text=True,
    )
    assert compiled.returncode == 0, compiled.stdout
    manifest = Manifest.read(project / "target" / "manifest.json")
    layer = SemanticLayer.read(project / "target" / "semantic_manifest.json")
    nodes = {".".join(r.relation[1:]): r.id for r in manifest.resources.values() if r.relation is not None}
    return AskedProject(project, manifest, layer, Catalog({}), nodes, {}, duckdb.connect())


MONTH = Dimension(name=TIME, grain="month")


def analyses(layer: SemanticLayer) -> Iterator[Analysis]:
    """Each metric in each way that something can be calculated of it, and by each dimension."""
    for metric in layer.metrics:
        compared = PeriodComparison(grain="month")
        yield Analysis(metrics=(metric,), dimensions=(MONTH,))
        yield Analysis(metrics=(metric,), dimensions=(MONTH,), comparison=compared)
        yield Analysis(metrics=(metric,), dimensions=(MONTH,), calculation="running total")
    for metric in ("revenue", "average_order_value", "return_rate"):
        for name, dimension in layer.dimensions(metric).items():
            by = Dimension(name=name, grain="year" if dimension.kind == "time" else None)
            largest = AnalysisOrdering(by=metric, descending=True)
            known = DimensionFilter(dimension=name, operator="is not null")
            yield Analysis(metrics=(metric,), dimensions=(by,), calculation="share", order_by=(largest,), limit=3)
            yield Analysis(metrics=(metric,), dimensions=(MONTH, by), filters=(known,))


def test_every_analysis_of_the_demo_is_traced(gold: AskedProject) -> None:
    assert gold.layer is not None
    metricflow = MetricFlow(gold.layer)
    for analysis in analyses(gold.layer):
        sql = metricflow.to_sql(analysis)
        found = sources(sql, gold)
        assert not any(source.how == "read" for source in found)
        of_metric = [source for source in found if source.metric is not None]
        assert of_metric, analysis
        (metric,) = analysis.metrics
        assert all(source.answer is not None and source.answer.startswith(metric) for source in of_metric)
        measured = {gold.layer.measures[name].model for name in gold.layer.metrics[metric].measures}
        relations = {gold.layer.models[model].relation for model in measured}
        assert {f"gold.{source.model}" for source in of_metric} >= relations
