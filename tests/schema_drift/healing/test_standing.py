"""What is held is told, released by hand, and follows a proposal that was opened apart from any run."""

from __future__ import annotations

from pathlib import Path

import pytest
from drifting_shop import MODEL, READS_BOTH, SOURCE, Shop, make_shop

from plugins.schema_drift.healing import find_standing, release_by_hand
from plugins.schema_drift.healing.holds import follow, held_rows, needs


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = make_shop(tmp_path / "project")
    made.publish()
    return made


def test_status_tells_what_waits_and_release_ends_it(shop: Shop) -> None:
    nothing = find_standing(shop.settings)
    assert (nothing.held, nothing.proposals) == ((), ())
    assert held_rows(shop.settings, "shop") is None
    shop.rename()
    shop.watch()
    standing = find_standing(shop.settings)
    (held,), (proposal,) = standing.held, standing.proposals
    assert (held.stream, held.rows, held.is_blocking) == ("shop.orders", 20, True)
    assert held.changes == ("column renamed: amount → amount_gbp",)
    assert (held.proposal, proposal.source, proposal.state) == (proposal.proposal, "shop", "open")
    assert held_rows(shop.settings, "shop") == 20
    # The patch alone reads these rows, whatever the source does now.
    assert needs(shop.settings, proposal.proposal) == 20

    assert [one.name for one in release_by_hand(shop.settings, "shop.orders")] == ["shop.orders"]
    assert find_standing(shop.settings).held == ()
    assert needs(shop.settings, proposal.proposal) == 0


def test_a_proposal_that_only_asks_holds_until_it_is_merged(shop: Shop) -> None:
    shop.asks = True
    shop.rename()
    assert {news.kind for news in shop.watch().news} == {"held", "proposed"}
    # That no file differs from it does not make it merged.
    assert [news.kind for news in shop.watch().news] == ["waiting"]
    assert shop.holds
    shop.git("switch", "-q", shop.proposals.find(shop.holds[0].proposal_id or "").proposal.branch)
    model = shop.folder / MODEL
    model.write_text(model.read_text().replace(SOURCE, READS_BOTH))
    shop.git("commit", "-qam", "the answer")
    shop.git("switch", "-q", "main")
    assert [news.kind for news in shop.watch().news] == ["waiting"]
    shop.merge()
    assert [news.kind for news in shop.watch().news] == ["released"]
    assert shop.holds == ()


def test_what_is_held_follows_a_proposal_made_by_hand(shop: Shop) -> None:
    shop.has_failed = True
    shop.rename()
    shop.watch()
    (held,) = shop.holds
    assert held.detail["url"] is None
    follow(shop.settings, "shop", "01J00000000000000000000000", "file:///body.md")
    (held,) = shop.holds
    assert (held.proposal_id, held.detail["url"]) == ("01J00000000000000000000000", "file:///body.md")
