"""Categories of changes, and what SQLMesh says of the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from plugins.core.lineage.change import Category, classify, only_adds_columns
from plugins.core.lineage.model import Schemas

CASES: list[dict[str, Any]] = YAML(typ="safe").load((Path(__file__).parent / "changes.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_change(case: dict[str, Any], tables: Schemas) -> None:
    change = classify(case["before"], case["after"], "duckdb", tables, tables)
    assert change.category == case["category"]
    assert sorted(change.added) == sorted(case.get("added", []))
    assert sorted(change.removed) == sorted(case.get("removed", []))
    assert sorted(change.changed) == sorted(case.get("changed", []))
    assert change.rows_changed == case.get("rows", False)


@pytest.mark.parametrize("case", [c for c in CASES if c["name"] != "invalid SQL"], ids=lambda case: case["name"])
def test_what_sqlmesh_calls_additive_is_never_breaking_here(case: dict[str, Any], tables: Schemas) -> None:
    if only_adds_columns(case["before"], case["after"], "duckdb"):
        change = classify(case["before"], case["after"], "duckdb", tables, tables)
        assert change.category in (Category.NONE, Category.ADDITIVE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_nothing_changes_between_a_query_and_itself(case: dict[str, Any], tables: Schemas) -> None:
    change = classify(case["before"], case["before"] + "\n-- again", "duckdb", tables, tables)
    assert change.category is Category.NONE
