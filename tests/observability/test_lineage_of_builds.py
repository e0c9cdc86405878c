"""What a build tells: one graph from bronze snapshots to published tables, and failures with their reason."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from lineage_spec import violations
from shop import load_shop, new_project

from plugins.build import build
from plugins.core.settings import Settings
from plugins.observability import emit_run

Dataset = tuple[str, str]


def _events(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (settings.local_root / "openlineage.ndjson").read_text().splitlines()]


def _datasets(event: dict[str, Any], side: str) -> set[Dataset]:
    return {(dataset["namespace"], dataset["name"]) for dataset in event[side]}


def _upstream(events: list[dict[str, Any]], dataset: Dataset) -> set[Dataset]:
    """Everything that `dataset` is made from, at any distance."""
    found, open_ = set(), {dataset}
    while open_:
        makers = [event for event in events if _datasets(event, "outputs") & open_]
        open_ = {parent for event in makers for parent in _datasets(event, "inputs")} - found
        found |= open_
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = new_project(tmp_path_factory.mktemp("built"))
    load_shop(settings)
    assert build(settings).outcome == "published"
    return settings


def test_every_event_and_facet_is_valid(built: Settings) -> None:
    assert [problem for event in _events(built) for problem in violations(event)] == []


def test_the_validator_sees_what_is_wrong(built: Settings) -> None:
    event = _events(built)[0]
    for broken in (
        {**event, "eventTime": "yesterday"},
        {**event, "eventType": "DONE"},
        {key: value for key, value in event.items() if key != "job"},
        {**event, "run": {"runId": "01M7XTG1EEZPWQXZP58RSS35VP"}},
        {**event, "outputs": [{"namespace": "lake"}]},
    ):
        assert violations(broken), broken


def test_published_tables_lead_back_to_bronze_snapshots(built: Settings) -> None:
    events, lake = _events(built), f"file://{built.lake_root}"
    above = _upstream(events, (lake, "gold.agg_revenue_by_country"))
    assert {(lake, "bronze.shop__orders"), (lake, "bronze.shop__customers")} <= above
    warehouse = f"duckdb://{built.project_dir / 'warehouse.duckdb'}"
    assert (warehouse, "warehouse.gold.agg_revenue_by_country") in above
    read = [i for event in events for i in event["inputs"] if i["name"] == "bronze.shop__orders"]
    assert {i["facets"]["version"]["datasetVersion"] for i in read if "version" in i["facets"]}


def test_every_job_is_part_of_the_build(built: Settings) -> None:
    events = _events(built)
    (own,) = {event["run"]["runId"] for event in events if event["job"]["name"] == "smelt.build"}
    parts = [event for event in events if event["job"]["name"] != "smelt.build"]
    assert len(parts) > 10
    assert {event["run"]["facets"]["parent"]["run"]["runId"] for event in parts} == {own}
    assert {event["run"]["facets"]["parent"]["job"]["name"] for event in parts} == {"smelt.build"}


def test_each_run_begins_once_and_ends_once(built: Settings) -> None:
    told: dict[str, list[str]] = {}
    for event in _events(built):
        told.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert all(sorted(states) == ["COMPLETE", "START"] for states in told.values())


def test_telling_changes_no_artifact(built: Settings, tmp_path: Path) -> None:
    target = built.project_dir / "target"
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in target.glob("*.json")}
    run_id = next(iter((built.local_root / "published" / "runs").glob("*.duckdb"))).stem
    quiet = built.openlineage.model_copy(update={"file": str(tmp_path / "again.ndjson")})
    assert emit_run(built.model_copy(update={"openlineage": quiet}), run_id, target) is None
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in target.glob("*.json")} == before
    assert "fct_orders" in (tmp_path / "again.ndjson").read_text()


def test_a_failed_build_tells_which_model_failed_and_why(tmp_path: Path) -> None:
    settings = new_project(tmp_path)
    load_shop(settings)
    model = tmp_path / "models" / "silver" / "orders.sql"
    model.write_text(
        model.read_text().replace("select", "select error('boom; password=sup3rsecret') as broken,", 1)
    )
    assert build(settings).exit_code == 1
    events = _events(settings)
    failed = {event["job"]["name"]: event for event in events if event["eventType"] == "FAIL"}
    assert "smelt.build" in failed
    (name,) = [name for name in failed if name.endswith("mini.orders.build.run")]
    reason = failed[name]["run"]["facets"]["errorMessage"]["message"]
    assert "boom" in reason
    assert "sup3rsecret" not in reason
    assert not [problem for event in events for problem in violations(event)]


def test_results_of_an_earlier_build_are_not_told_again(built: Settings, tmp_path: Path) -> None:
    from plugins.core.ledger import Ledger, open_run

    with open_run(Ledger(built), "build") as run:
        pass
    other = built.openlineage.model_copy(update={"file": str(tmp_path / "other.ndjson")})
    emit_run(built.model_copy(update={"openlineage": other}), run.id, built.project_dir / "target")
    told = [json.loads(line) for line in (tmp_path / "other.ndjson").read_text().splitlines()]
    assert [event["job"]["name"] for event in told] == ["smelt.build", "smelt.build"]


def test_columns_lead_back_to_the_columns_they_are_made_from(built: Settings) -> None:
    outputs = [dataset for event in _events(built) for dataset in event["outputs"]]
    lineage = {
        dataset["name"]: dataset["facets"]["columnLineage"]
        for dataset in outputs
        if "columnLineage" in dataset.get("facets", {})
    }
    revenue = lineage["warehouse.gold.agg_revenue_by_country"]
    inputs = {name: _inputs(made["inputFields"]) for name, made in revenue["fields"].items()}
    assert inputs["country"] == {("fct_orders", "country", "DIRECT", "IDENTITY")}
    assert inputs["revenue"] == {("fct_orders", "amount", "DIRECT", "AGGREGATION")}
    assert ("fct_orders", "country", "INDIRECT", "GROUP_BY") in _inputs(revenue["dataset"])
    orders = lineage["warehouse.gold.fct_orders"]
    assert ("customers", "customer_id", "INDIRECT", "JOIN") in _inputs(orders["dataset"])


def _inputs(fields: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    return {
        (field["name"].split(".")[-1], field["field"], t["type"], t["subtype"])
        for field in fields
        for t in field["transformations"]
    }
