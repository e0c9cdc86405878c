"""Soda contracts in a review: of models that change, and of models whose contract changes."""

from __future__ import annotations

from typing import Any

import pytest
from dbt_shop import Shop

ORDERS, CONTRACT = "models/marts/orders.sql", "contracts/orders.yml"
PROMISES = """
dataset: lake/main/orders
checks:
  - row_count:
      threshold: {must_be_greater_than: 0}
  - failed_rows:
      name: Amounts are positive
      qualifier: positive
      expression: amount <= 0
columns:
  - name: order_id
    checks: [{missing: null}]
  - name: amount
    checks: [{missing: null}]
"""


@pytest.fixture
def held(shop: Shop) -> Shop:
    """A Smelt project, whose orders are held to a contract on both branches."""
    (shop.folder / "contracts").mkdir()
    (shop.folder / CONTRACT).write_text(PROMISES)
    (shop.folder / "smelt.toml").write_text("")
    shop.commit("the contract")
    shop.git("branch", "-f", "main", "HEAD")
    return shop


def _soda(review: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Outcome and subject by what is said, of findings about Soda's checks."""
    found = [f for f in review["findings"] if f["kind"] == "contract" and "enforced" not in f["detail"]]
    return {f["detail"].removeprefix(f"{CONTRACT}: "): (f["outcome"], f["subject"]) for f in found}


@pytest.mark.full
def test_what_breaks_a_promise_fails_with_samples(held: Shop) -> None:
    held.edit(ORDERS, "o.amount,", "o.amount - 10 as amount,")
    held.commit()
    review = held.json("review", "--base", "main")
    said = _soda(review)
    assert said["3 checks of Soda contracts hold"] == ("passed", "contracts")
    (broken,) = [f for f in review["findings"] if "Amounts are positive" in f["detail"]]
    assert (broken["outcome"], broken["subject"]) == ("failed", "orders")
    assert broken["facts"]["line"] == 6
    assert broken["samples"]
    assert all(float(row["amount"]) <= 0 for row in broken["samples"])


@pytest.mark.full
def test_a_contract_alone_is_checked_on_what_it_is_about(held: Shop) -> None:
    held.edit(CONTRACT, "amount <= 0", "amount <= 50")
    held.edit(CONTRACT, "  - name: order_id\n    checks: [{missing: null}]\n", "  - name: order_id\n")
    held.commit()
    review = held.json("review", "--base", "main")
    assert [node.split(".")[-1] for node in review["built"]] == ["orders"]
    outcomes = sorted(_soda(review).values())
    assert outcomes == [("changed", "orders"), ("failed", "orders"), ("passed", "contracts")]


@pytest.mark.full
def test_a_malformed_contract_fails_and_says_where(held: Shop) -> None:
    held.edit(CONTRACT, "lake/main/orders", "orders")
    held.commit()
    ((said, outcome),) = _soda(held.json("review", "--base", "main")).items()
    assert outcome == ("failed", "contracts")
    assert "contracts/orders.yml:2: dataset 'orders'" in said


@pytest.mark.full
def test_a_check_that_does_not_exist_fails(held: Shop) -> None:
    held.edit(CONTRACT, "row_count:", "row_cuont:")
    held.commit()
    said = _soda(held.json("review", "--base", "main"))
    assert any("row_cuont" in text and outcome == ("failed", "contracts") for text, outcome in said.items())
