"""A sandbox that is opened while its user does something else."""

from __future__ import annotations

import pytest
from dbt_shop import Shop

from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.review import Repository, opened_ahead
from plugins.review.sandbox.session import PARTIAL_PARSE

ORDERS = "models/marts/orders.sql"


def test_both_sides_go_on_from_the_parse(shop: Shop) -> None:
    settings = load_settings(shop.folder)
    commit = Repository.find(shop.folder).resolve("HEAD")
    with opened_ahead(Project(shop.folder), settings) as ahead:
        place = ahead()
        assert place.production.path is not None
        assert place.production.tables
        kept = place.sandbox().state / PARTIAL_PARSE
        assert kept.stat().st_size > 0
        side = place.sandbox().prepare("base", commit)
        assert (side.folder / "target" / PARTIAL_PARSE).read_bytes() == kept.read_bytes()
        folder = place.workspace.folder
    assert not folder.exists()


@pytest.mark.full
def test_what_does_not_parse_is_left_to_the_review(shop: Shop) -> None:
    shop.edit(ORDERS, "o.amount,", "{{ o.amount,")
    shop.commit()
    with opened_ahead(Project(shop.folder), load_settings(shop.folder)) as ahead:
        place = ahead()
        assert not (place.sandbox().state / PARTIAL_PARSE).exists()


def test_nobody_has_to_wait_for_it(shop: Shop) -> None:
    with opened_ahead(Project(shop.folder), load_settings(shop.folder)) as ahead:
        assert callable(ahead)
