"""`smelt lineage` and `smelt impact`, as a user runs them on a project that was only compiled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plugins.core.project import Project

PROJECT = Path(__file__).parents[1] / "review" / "project"


def _smelt(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("smelt")), *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _json(folder: Path, *arguments: str) -> dict[str, Any]:
    run = _smelt(folder, *arguments, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled once; no table of it exists."""
    folder = tmp_path_factory.mktemp("lineage") / "shop"
    shutil.copytree(PROJECT, folder)
    (folder / "contracts").mkdir()
    (folder / "contracts" / "orders.yml").write_text(
        "dataset: ds/main/orders\ncolumns:\n  - name: order_id\n  - name: amount\n"
    )
    (folder / "models" / "marts" / "broken.sql").write_text("select a from {{ ref('orders') }} where (")
    compiled = Project(folder)
    compiled.compile()
    compiled.release()
    return folder


def _edges(document: dict[str, Any]) -> set[tuple[str, str, str, str | None, str]]:
    short = {
        node: node.split(".")[-1] for edge in document["edges"] for node in (edge["from_node"], edge["to_node"])
    }
    return {
        (short[e["from_node"]], e["from_column"], short[e["to_node"]], e["to_column"], e["kind"])
        for e in document["edges"]
    }


def test_the_whole_project(project: Path) -> None:
    document = _json(project, "lineage")
    edges = _edges(document)
    # Through a star over a source that nobody has built.
    assert ("orders", "cents", "stg_orders", "amount", "transformation") in edges
    assert ("stg_orders", "amount", "orders", "amount", "identity") in edges
    assert ("orders", "amount", "revenue_by_country", "revenue", "aggregation") in edges
    assert ("orders", "status", "revenue_by_country", None, "filter") in edges
    assert ("orders", "country", "revenue_by_country", None, "group_by") in edges
    assert ("regions", "country", "revenue_by_region", None, "join") in edges
    assert document["models"] == 9
    assert document["unparsed"] == len(document["unparsed_models"]) == 2
    reasons = {m["node"].split(".")[-1]: m["reason"] for m in document["unparsed_models"]}
    assert reasons["open_order_count"] == "it is a python model"
    assert "line 1" in reasons["broken"]


def test_one_column_both_ways(project: Path) -> None:
    up = _json(project, "lineage", "revenue_by_region.revenue", "--upstream")["upstream"]
    assert {"node": "source.shop.raw.orders", "column": "cents"} in up["direct"]
    assert {"node": "model.shop.orders", "column": "status"} in up["indirect"]
    down = _json(project, "lineage", "raw.orders.cents", "--downstream")["downstream"]
    assert {"node": "model.shop.revenue_by_region", "column": "revenue"} in down["direct"]
    assert "model.shop.open_order_count" in down["possible"]


@pytest.mark.full
def test_a_diagram(project: Path) -> None:
    run = _smelt(project, "lineage", "revenue_by_country.revenue", "--upstream", "--mermaid")
    assert run.stdout.startswith("flowchart LR\n")
    assert '["stg_orders.amount"]' in run.stdout
    assert "-->" in run.stdout


def test_text_for_people(project: Path) -> None:
    assert "9 models" in _smelt(project, "lineage").stdout
    shown = _smelt(project, "lineage", "orders.amount", "--downstream").stdout
    assert "revenue_by_country: revenue" in shown


def test_impact(project: Path) -> None:
    document = _json(project, "impact", "stg_orders.amount")
    models = {model["name"]: model["how"] for model in document["models"]}
    assert models == {
        "orders": "direct",
        "revenue_by_country": "direct",
        "revenue_by_region": "direct",
        "broken": "possible",
        "open_order_count": "possible",
    }
    assert (document["models_using"], document["models_downstream"]) == (5, 7)
    assert {"not_null_revenue_by_country_revenue"} <= {test["name"] for test in document["tests"]}
    assert "unique_orders_order_id" not in {test["name"] for test in document["tests"]}
    assert [test["name"] for test in document["unit_tests"]] == ["only_paid_orders_are_revenue"]
    assert [exposure["name"] for exposure in document["exposures"]] == ["board"]
    contracts = {contract["name"] for contract in document["contracts"]}
    assert contracts == {"revenue_by_country (dbt contract)", "orders (Soda contract)"}


@pytest.mark.full
def test_impact_of_a_column_that_filters(project: Path) -> None:
    models = {model["name"]: model["how"] for model in _json(project, "impact", "orders.status")["models"]}
    assert models["revenue_by_country"] == "indirect"
    assert models["revenue_by_region"] == "indirect"


def test_an_unchanged_project_is_not_compiled_again(project: Path) -> None:
    before = (project / "target" / "manifest.json").stat().st_mtime_ns
    assert _smelt(project, "lineage").returncode == 0
    assert not (project / "target" / "smelt" / "manifest.json").exists()
    assert (project / "target" / "manifest.json").stat().st_mtime_ns == before
    assert (project / "target" / "smelt" / "lineage.db").exists()


def test_a_manifest_alone(project: Path, tmp_path: Path) -> None:
    shutil.copy(project / "target" / "manifest.json", tmp_path / "manifest.json")
    document = _json(tmp_path, "lineage", "--manifest", "manifest.json")
    assert ("orders", "amount", "revenue_by_country", "revenue", "aggregation") in _edges(document)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lineage", "ordres"], "orders"),
        (["lineage", "orders.amuont"], "amount"),
        (["impact", "orders.amuont"], "amount"),
        (["lineage", "--manifest", "no.json"], "no manifest no.json"),
        (["lineage", "--manifest", "dbt_project.yml"], "cannot be read as JSON"),
        (["lineage", "--project-dir", "models"], "dbt_project.yml"),
        (["lineage", "--target", "nowhere"], "nowhere"),
    ],
)
def test_what_it_says_of_bad_input(project: Path, arguments: list[str], said: str) -> None:
    run = _smelt(project, *arguments)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert said in run.stderr


@pytest.mark.full
def test_a_damaged_cache_is_made_anew(project: Path) -> None:
    (project / "target" / "smelt" / "lineage.db").write_bytes(b"not a database" * 1000)
    for leftover in (project / "target" / "smelt").glob("lineage.db-*"):
        leftover.unlink()
    assert _json(project, "lineage")["models"] == 9


@pytest.mark.full
def test_a_manifest_that_was_half_written_is_made_anew(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "shop"
    shutil.copytree(project, copy)
    (copy / "target" / "manifest.json").write_text('{"metadata": {')
    assert _json(copy, "lineage")["models"] == 9


def test_a_table_of_a_source_is_found_by_its_own_name_where_no_other_has_it(tmp_path: Path) -> None:
    def source(name: str, table: str) -> dict:
        return {
            "unique_id": f"source.p.{name}.{table}", "resource_type": "source", "source_name": name, "name": table,
            "identifier": table, "database": "db", "schema": name, "columns": {"balance": {"name": "balance"}},
        }  # fmt: skip

    sources = [source("core", "accounts"), source("core", "cards"), source("crm", "cards")]
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        json.dumps({"metadata": {}, "nodes": {}, "sources": {one["unique_id"]: one for one in sources}})
    )
    smelt = [str(Path(sys.executable).with_name("smelt")), "impact", "--manifest", str(manifest)]
    runs = [
        subprocess.run([*smelt, name], capture_output=True, text=True, check=False)
        for name in ("accounts.balance", "cards.balance", "accounts.owner")
    ]
    assert [run.returncode for run in runs] == [0, 1, 1]
    assert "core.cards, crm.cards" in runs[1].stderr
    assert "core.accounts has no column 'owner'" in runs[2].stderr
