"""Incremental models in a review: the run onto a table that is there, which a sandbox would never see."""

from __future__ import annotations

from typing import Any

import pytest
from dbt_shop import Shop

LOG = "models/marts/order_log.sql"
EACH = "models/marts/each_order.sql"
# dbt puts an ephemeral model into what reads it, which it must do again in a second run.
EPHEMERAL = "{{ config(materialized='ephemeral') }}\nselect order_id, amount from {{ ref('stg_orders') }}\n"
MODEL = """
{{ config(materialized='incremental') }}

select order_id, amount from {{ ref('each_order') }}
{% if is_incremental() %}
where order_id > (select max(order_id) from {{ this }})
{% endif %}
"""


@pytest.fixture
def logged(shop: Shop) -> Shop:
    (shop.folder / EACH).write_text(EPHEMERAL)
    (shop.folder / LOG).write_text(MODEL)
    shop.commit("an incremental model")
    shop.git("branch", "-f", "main", "HEAD")
    return shop


def _review(shop: Shop, old: str, new: str) -> dict[str, Any]:
    shop.edit(LOG, old, new)
    shop.commit()
    return shop.json("review", "--base", "main")


def _only(review: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [f for f in review["findings"] if f["kind"] == kind and f["subject"] == "order_log"]
    return found


@pytest.mark.full
def test_a_second_run_changes_nothing(logged: Shop) -> None:
    review = _review(logged, "order_id, amount", "order_id, amount * 2 as amount")
    assert _only(review, "incremental")["outcome"] == "passed"
    assert _only(review, "incremental")["facts"]["rows"] == [100, 100]
    assert _only(review, "rows")["facts"] == {"base": 100, "head": 100}


@pytest.mark.full
def test_a_branch_that_a_first_run_does_not_take(logged: Shop) -> None:
    review = _review(logged, "order_id > (select", "order_id > 0 * (select")
    found = _only(review, "incremental")
    assert (found["outcome"], found["facts"]["rows"]) == ("failed", [100, 200])
    assert "makes 100 rows 200" in found["detail"]
    assert "incremental branch" in _only(review, "impact")["detail"]
    # What is compared is the first run of both sides.
    assert _only(review, "rows")["outcome"] == "passed"


@pytest.mark.full
def test_a_branch_that_breaks(logged: Shop) -> None:
    found = _only(_review(logged, "max(order_id)", "max(oder_id)"), "incremental")
    assert found["outcome"] == "failed"
    assert "oder_id" in found["detail"]


@pytest.mark.full
def test_a_comment_in_the_branch_is_no_change(logged: Shop) -> None:
    review = _review(logged, "where order_id", "-- the new ones\nwhere order_id")
    assert review["built"] == []
