"""Quarantine: listed by rule, shown with reasons, and judged again once rules or data changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from shop import load_shop, new_project

from plugins.build import build
from plugins.core.errors import SmeltError
from plugins.core.ledger import Ledger
from plugins.core.settings import Settings
from plugins.quality.quarantine import listed, replay, shown
from plugins.quality.scores import latest_scores


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = new_project(tmp_path_factory.mktemp("project"))
    load_shop(settings)
    build(settings)
    return settings


def test_rows_are_listed_and_shown_with_the_rules_they_break(settings: Settings) -> None:
    assert [(count.entity, count.rule, count.rows) for count in listed(settings, None)] == [
        ("orders", "amount_not_negative", 10)]  # fmt: skip
    columns, rows = shown(settings, None, "orders", "amount_not_negative", 3)
    assert columns[0] == "_smelt_broken_rules"
    assert [row[0] for row in rows] == [["amount_not_negative"]] * 3
    with pytest.raises(SmeltError, match="no quarantine of 'things'"):
        shown(settings, None, "things", None, 3)
    with pytest.raises(SmeltError, match="no quarantined row of orders breaks 'nothing'"):
        shown(settings, None, "orders", "nothing", 3)


def test_scores_say_how_good_each_dataset_is(settings: Settings) -> None:
    scores = {score.dataset: score for score in latest_scores(Ledger(settings))}
    orders = scores["silver.orders"]
    assert orders.accuracy == pytest.approx(0.9)
    assert orders.completeness == pytest.approx((90 + 90 + 50) / 270)
    assert orders.consistency == 1
    assert orders.timeliness == 0  # no load is in the ledger: this bronze was made without ingest
    assert scores["gold.agg_revenue_by_country"].accuracy == 1


def test_replay_says_how_many_rows_left_quarantine(settings: Settings, tmp_path: Path) -> None:
    model = settings.project_dir / "models/silver/int_orders__checked.sql"
    model.write_text(model.read_text().replace("amount >= 0", "amount >= -1"))
    result = replay(settings, None, "orders")
    assert (result.before, result.after, result.left) == (10, 0, 10)
    assert listed(settings, None) == ()
