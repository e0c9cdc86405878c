"""Tests of relationships in the sandbox, where rows that are new since are left out of the parent."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from drifted_shop import STAGING, Drifted, DriftedShop, copy_shop, failed, make_shop, renamed, told

from plugins.review import Outcome

pytestmark = pytest.mark.full

FILES = {
    ".gitignore": "target/\nlogs/\n.smelt/\n*.duckdb\n",
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmodels: {shop: {+materialized: table}}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 2}}}\n",
    "models/sources.yml": "sources: [{name: raw, tables: [{name: lines}, {name: customers}, {name: returns}]}]\n",
    STAGING: "select line_id, unit_price from {{ source('raw', 'lines') }}\n",
    "models/stg_returns.sql": "select line_id from {{ source('raw', 'returns') }}\n",
    "models/models.yml": """models:
  - name: stg_lines
    columns: [{name: line_id, data_tests: [unique]}, {name: unit_price}]
  - name: stg_returns
    columns:
      - name: line_id
        data_tests: [{relationships: {name: returned, arguments: {to: "ref('stg_lines')", field: line_id}}}]
""",
}
DRIFT = (
    "alter table raw.lines rename unit_price to price; "
    "insert into raw.lines select 100 + i, 1, 2.5, 1, timestamp '2026-02-01' from range(5) as r(i)"
)
EDITS = ((STAGING, "unit_price", "price as unit_price"),)


@pytest.fixture(scope="module")
def returned(tmp_path_factory: pytest.TempPathFactory) -> DriftedShop:
    """A project whose returns refer to its order lines."""
    folder = tmp_path_factory.mktemp("returned") / "shop"
    folder.mkdir()
    with duckdb.connect(str(folder / "shop.duckdb")) as con:
        con.execute(
            "create schema raw; create table raw.returns as select i * 9 as line_id from range(10) as r(i)"
        )
    return make_shop(folder, FILES)


def _drifted(shop: DriftedShop, scratch: Path, more: str, edits: tuple = EDITS) -> tuple[DriftedShop, Drifted]:
    """The project with its returns of now, built, and the change of the order lines."""
    copy = copy_shop(shop, scratch / "shop")
    with duckdb.connect(str(copy.warehouse)) as con:
        con.execute(f"insert into raw.returns select 100 + i % 5 from range(7) as r(i); {more}")
        con.execute("create or replace table main.stg_returns as select line_id from raw.returns")
    return copy, Drifted(DRIFT, (renamed("unit_price", "price"),), edits)


def test_orphans_of_rows_that_were_left_out_are_not_judged(returned: DriftedShop, tmp_path: Path) -> None:
    shop, drifted = _drifted(returned, tmp_path, "")
    proven = shop.prove(drifted, tmp_path)
    assert failed(proven) == []
    finding = told(proven, "tests", "returned")
    assert finding.outcome is Outcome.NOT_CHECKED
    assert "5 rows of raw.lines were not compared" in finding.detail
    assert "all 7 rows that fail here refer to those" in finding.detail
    assert "fails with this patch" not in proven.body
    assert "(not compared: 5 rows new since)" in proven.body.splitlines()[2]


def test_orphans_that_refer_to_nothing_are_told(returned: DriftedShop, tmp_path: Path) -> None:
    shop, drifted = _drifted(returned, tmp_path, "insert into raw.returns values (4001), (4002);")
    finding = told(shop.prove(drifted, tmp_path), "tests", "returned")
    assert finding.outcome is Outcome.CHANGED
    assert "as it did at base: 2 rows refer to nothing; 7 more fail only as 5 rows of raw.lines" in finding.detail


def test_orphans_that_the_patch_makes_fail_it(returned: DriftedShop, tmp_path: Path) -> None:
    lost = (STAGING, "'lines') }}", "'lines') }} where line_id <> 18")
    shop, drifted = _drifted(returned, tmp_path, "", (*EDITS, lost))
    finding = told(shop.prove(drifted, tmp_path), "tests", "returned")
    assert finding.outcome is Outcome.FAILED
    assert "1 row refers to nothing" in finding.detail
