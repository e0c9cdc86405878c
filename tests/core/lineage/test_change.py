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


def test_a_long_chain_that_uses_each_column_twice_is_compared_at_once(tables: Schemas) -> None:
    """Read naively it would take 2^300 steps, and a stack of thousands of frames."""
    steps = ["c0 as (select id, amount as a from orders)"]
    step = "c{} as (select id, case when a > {} then a else -a end as a from c{})"
    steps += [step.format(n, n, n - 1) for n in range(1, 300)]
    before = f"with {', '.join(steps)} select id, a from c299"
    assert classify(before, before + " -- again", "duckdb", tables, tables).category is Category.NONE
    change = classify(before, before.replace("a > 7 ", "a > 8 "), "duckdb", tables, tables)
    assert change.changed == ("a",)
    assert change.is_certain


QUERIES: list[dict[str, Any]] = YAML(typ="safe").load((Path(__file__).parent / "queries.yaml").read_text())


@pytest.mark.parametrize("case", [q for q in QUERIES if "unparsed" not in q], ids=lambda case: case["name"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_every_shape_of_query_can_be_compared(case: dict[str, Any], known: bool, tables: Schemas) -> None:
    schemas = tables if known else Schemas({}, {})
    again = classify(case["sql"], case["sql"] + "\n-- again", "duckdb", schemas, schemas)
    assert (again.category, again.is_certain) == (Category.NONE, True)
    limited = f"select * from ({case['sql']}) as q limit 7"
    change = classify(case["sql"], limited, "duckdb", schemas, schemas)
    assert change.rows_changed
    assert change.changed == ()
