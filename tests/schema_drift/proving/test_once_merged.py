"""What tests say of the rows that came since, which no side of the comparison reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from drifted_shop import STAGING, Drifted, DriftedShop, failed, outcomes, renamed, told

from plugins.review import Outcome

pytestmark = pytest.mark.full

RENAME = "alter table raw.lines rename unit_price to price"
EDIT = (STAGING, "unit_price,", "price as unit_price,")
NEW = "insert into raw.lines select 100 + i, {customer}, {price}, 1, timestamp '2026-02-01' from range(5) as r(i)"


def _drifted(customer: int, price: str) -> Drifted:
    more = NEW.format(customer=customer, price=price)
    return Drifted(f"{RENAME}; {more}", (renamed("unit_price", "price"),), (EDIT,))


def test_tests_are_run_on_the_rows_that_came_since(shop: DriftedShop, tmp_path: Path) -> None:
    proven = shop.prove(_drifted(1, "250"), tmp_path)
    assert failed(proven) == []
    assert told(proven, "history", "project").detail == "5 data tests pass on all rows as they are now"


def test_a_test_that_only_new_rows_fail_is_told_first(shop: DriftedShop, tmp_path: Path) -> None:
    proven = shop.prove(_drifted(77, "null"), tmp_path)
    assert failed(proven) == []
    assert outcomes(proven, "history")["not_null_revenue_revenue"] is Outcome.CHANGED
    assert "1 test fails on the rows that were not compared: see below before you merge." in proven.body
    assert "Ready to merge" not in proven.body


def test_where_no_row_came_nothing_is_built_once_more(shop: DriftedShop, tmp_path: Path) -> None:
    proven = shop.prove(Drifted(RENAME, (renamed("unit_price", "price"),), (EDIT,)), tmp_path)
    assert "project" not in outcomes(proven, "history")
