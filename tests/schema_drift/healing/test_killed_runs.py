"""Killed anywhere between looking and building, the next run comes to the same state, with one pull request."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from drifting_shop import Shop, make_shop
from killed import watch_until

from plugins.core.ledger import Ledger, released_holds

# Each builds with dbt, or starts a server or a process.
pytestmark = pytest.mark.full


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = make_shop(tmp_path / "project")
    made.publish()
    made.rename()
    return made


def _branches(shop: Shop) -> list[str]:
    return shop.git("branch", "--list", "smelt/*", "--format=%(refname:short)").split()


def _reasons(shop: Shop) -> list[str]:
    return [over.reason for over in released_holds(Ledger(shop.settings))]


@pytest.mark.parametrize("failpoint", ["drift-after-hold", "drift-after-proposal"])
def test_between_the_hold_and_its_pull_request(shop: Shop, tmp_path: Path, failpoint: str) -> None:
    hit = tmp_path / "hit"
    assert watch_until(shop.folder, failpoint, hit, is_drifted=True) == -9
    assert hit.read_text() == failpoint
    # What would break is held back from the first moment on, with or without a pull request.
    (held,) = shop.holds
    assert held.is_blocking
    shop.watch()
    (again,) = shop.holds
    assert again.pin == held.pin
    assert again.proposal_id is not None
    assert len(_branches(shop)) == len(shop.proposals.store.ids) == 1


@pytest.mark.parametrize("failpoint", ["drift-before-release", "drift-after-release"])
def test_between_the_merge_and_the_build(shop: Shop, tmp_path: Path, failpoint: str) -> None:
    shop.watch()
    shop.merge()
    hit = tmp_path / "hit"
    assert watch_until(shop.folder, failpoint, hit, is_drifted=True) == -9
    assert hit.read_text() == failpoint
    shop.watch()
    assert (shop.holds, _reasons(shop), len(shop.proposals.store.ids)) == ((), ["merged"], 1)
    assert shop.proposals_made == 1


def test_between_closing_and_releasing_what_was_undone(shop: Shop, tmp_path: Path) -> None:
    shop.watch()
    shop.land(
        "select i::bigint, 1::int, 5::decimal(12, 2) from range(100, 120) as r(i)",
        [("order_id", pa.int64()), ("customer_id", pa.int32()), ("amount", pa.decimal128(12, 2))],
    )
    shop.upstream = []
    hit = tmp_path / "hit"
    assert watch_until(shop.folder, "drift-after-close", hit, is_drifted=False) == -9
    assert hit.read_text() == "drift-after-close"
    assert len(shop.holds) == 1
    shop.watch()
    assert (shop.holds, _reasons(shop), _branches(shop)) == ((), ["undone"], [])
