"""Right patches pass, and wrong ones are seen failing: on real rows, in the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from drifted_shop import LINES, STAGING, Drifted, DriftedShop, failed, outcomes, renamed, told

from plugins.review import Outcome
from plugins.schema_drift.change import Change, Kind, Severity

# Each builds with dbt, or starts a server or a process.
pytestmark = pytest.mark.full

# New rows since, others gone, and the values of some changed in a column that did not drift.
LIFE = """
insert into raw.lines
select 1000 + i, i % 10, 7, 1, timestamp '2026-02-01' + interval (i) minute from range(20) as r(i);
delete from raw.lines where line_id in (3, 4);
update raw.lines set quantity = 9 where line_id = 5;
"""
RENAME = f"{LIFE} alter table raw.lines rename unit_price to price_gbp;"


def test_a_rename_that_is_absorbed(shop: DriftedShop, tmp_path: Path) -> None:
    (shop.folder / "models" / "draft.sql").write_text("select broken from")
    (shop.folder / STAGING).write_text("-- being edited")
    drifted = Drifted(
        RENAME, (renamed("unit_price", "price_gbp"),), ((STAGING, "unit_price", "price_gbp as unit_price"),)
    )
    proven = shop.prove(drifted, tmp_path)
    assert failed(proven) == []
    inputs = told(proven, "inputs", "raw.lines")
    assert inputs.facts == {"matched": 98, "new": 20, "gone": 2, "left_out": 0}
    # By column: quantities reads the staging model, and not the price.
    values = outcomes(proven, "values")
    assert set(values) == {"stg_lines", "revenue", "customers", "lines", "prices"}
    assert set(values.values()) == {Outcome.PASSED}, values
    assert outcomes(proven, "history") == dict.fromkeys(("lines", "prices", "project"), Outcome.PASSED), [
        f.detail for f in proven.proposal.evidence if f.kind == "history"
    ]
    assert "nothing to backfill" in told(proven, "history", "lines").detail
    assert told(proven, "accounting", "project").outcome is Outcome.NOT_CHECKED
    assert shop.git("status", "--short").split() == ["M", STAGING, "??", "models/draft.sql"]


@pytest.mark.full
@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("quantity as unit_price", "another column"),
        ("price_gbp / 100 as unit_price", "another unit"),
        ("null::decimal(10, 2) as unit_price", "no values"),
        ("case when line_id % 50 = 7 then 0 else price_gbp end as unit_price", "some values"),
    ],
)
def test_a_patch_that_gives_other_values_fails(shop: DriftedShop, tmp_path: Path, new: str, why: str) -> None:
    drifted = Drifted(RENAME, (renamed("unit_price", "price_gbp"),), ((STAGING, "unit_price", new),))
    proven = shop.prove(drifted, tmp_path)
    assert outcomes(proven, "values")["revenue"] is Outcome.FAILED, why
    assert "nothing should change" in told(proven, "values", "revenue").detail


@pytest.mark.full
def test_a_patch_that_swaps_two_columns_fails(shop: DriftedShop, tmp_path: Path) -> None:
    swapped = "price_gbp as quantity,\n    quantity as unit_price"
    edit = (STAGING, "unit_price,\n    quantity", swapped)
    proven = shop.prove(Drifted(RENAME, (renamed("unit_price", "price_gbp"),), (edit,)), tmp_path)
    # What they make when multiplied is the same.
    assert {"stg_lines", "lines"} <= {s for s, o in outcomes(proven, "values").items() if o is Outcome.FAILED}


def test_a_patch_that_drops_rows_fails(shop: DriftedShop, tmp_path: Path) -> None:
    edits = (
        (STAGING, "unit_price", "price_gbp as unit_price"),
        (STAGING, "from {{ source('raw', 'lines') }}", "from {{ source('raw', 'lines') }}\nwhere line_id <> 17"),
    )
    proven = shop.prove(Drifted(RENAME, (renamed("unit_price", "price_gbp"),), edits), tmp_path)
    assert outcomes(proven, "rows")["stg_lines"] is Outcome.FAILED
    assert outcomes(proven, "keys")["stg_lines"] is Outcome.FAILED


UNIT = f"{LIFE} alter table raw.lines alter unit_price set data type bigint using (unit_price * 100)::bigint;"


@pytest.mark.parametrize(
    ("new", "is_right"),
    [("(unit_price / 100)::decimal(10, 2) as unit_price", True), ("unit_price + 0 as unit_price", False)],
)
def test_a_unit_that_is_converted_and_one_that_is_forgotten(
    shop: DriftedShop, tmp_path: Path, new: str, is_right: bool
) -> None:
    change = renamed("unit_price", "unit_price", "(unit_price / 100)::decimal(10, 2)", Kind.UNIT_CHANGED)
    proven = shop.prove(Drifted(UNIT, (change,), ((STAGING, "unit_price", new),)), tmp_path)
    assert proven.has_failed is not is_right, failed(proven)


def test_a_project_that_was_broken_before_the_drift(shop: DriftedShop, tmp_path: Path) -> None:
    (shop.folder / "models" / "revenue.sql").write_text(
        "select customer_id, unit_price + nope as revenue from {{ ref('stg_lines') }}"
    )
    shop.git("commit", "-qam", "break it")
    drifted = Drifted(
        RENAME, (renamed("unit_price", "price_gbp"),), ((STAGING, "unit_price", "price_gbp as unit_price"),)
    )
    proven = shop.prove(drifted, tmp_path)
    assert failed(proven) == []
    assert "broken at base too" in told(proven, "compile", "revenue").detail
    broken = told(proven, "baseline", "project").detail
    assert broken == "did not build before the change either: customers, revenue"


@pytest.mark.full
def test_without_a_key_what_differs_is_told_and_not_blamed(shop: DriftedShop, tmp_path: Path) -> None:
    drifted = Drifted(
        RENAME, (renamed("unit_price", "price_gbp"),), ((STAGING, "unit_price", "price_gbp as unit_price"),)
    )
    proven = shop.prove(drifted, tmp_path, key=())
    assert told(proven, "inputs", "raw.lines").outcome is Outcome.NOT_CHECKED
    assert "no key of it is known" in told(proven, "values", "revenue").detail
    assert not proven.has_failed


@pytest.mark.full
def test_a_column_that_is_gone_may_be_null(shop: DriftedShop, tmp_path: Path) -> None:
    change = Change(Kind.COLUMN_REMOVED, LINES, ("unit_price",), (), 1.0, Severity.BREAKING)
    edit = (STAGING, "unit_price", "null::decimal(10, 2) as unit_price")
    proven = shop.prove(Drifted("alter table raw.lines drop unit_price", (change,), (edit,)), tmp_path)
    assert told(proven, "values", "stg_lines").outcome is Outcome.CHANGED
    assert "as the change upstream" in told(proven, "values", "stg_lines").detail


@pytest.mark.full
def test_a_snapshot_that_is_not_patched_closes_its_history(shop: DriftedShop, tmp_path: Path) -> None:
    """The source's text changes its case; a patch that leaves it so makes a new version of every row."""
    drifted = Drifted(
        UNIT,
        (renamed("unit_price", "unit_price", "unit_price", Kind.UNIT_CHANGED),),
        ((STAGING, "unit_price", "unit_price::decimal(18, 2) as unit_price"),),
    )
    proven = shop.prove(drifted, tmp_path)
    assert "full refresh" in told(proven, "history", "prices").detail
