"""What `smelt run` does between ingest and build, with a check that is told how the source drifted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from drifting_shop import ADDED, CUSTOMERS, MODEL, RENAMED, Shop, make_shop

from plugins.core.errors import SmeltError
from plugins.core.lake import Lake
from plugins.core.ledger import Ledger, hold, open_run, released_holds
from plugins.core.project import Project
from plugins.core.warehouse.held import count_held
from plugins.review import FileChange
from plugins.schema_drift import Kind, Severity
from plugins.schema_drift.healing import release_by_hand, settle


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.delenv("SMELT_PROJECT_DIR", raising=False)
    made = make_shop(tmp_path / "project")
    made.publish()
    return made


def _released(shop: Shop) -> dict[str, str]:
    return {over.hold.name: over.reason for over in released_holds(Ledger(shop.settings))}


def _policy(shop: Shop, policy: str) -> None:
    path = shop.folder / "sources/shop/source.yml"
    path.write_text(
        path.read_text().replace("  - name: orders\n", f"  - name: orders\n    schema_policy: {policy}\n")
    )


def test_nothing_is_looked_at_where_nothing_new_came(shop: Shop) -> None:
    watched = shop.watch()
    assert (watched.looked, watched.news, shop.checks) == (False, [], [])


def test_before_anything_is_published_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    fresh = make_shop(tmp_path / "fresh")
    fresh.rename()
    assert (fresh.watch().news, fresh.checks) == ([], [])


def test_breaking_drift_is_proposed_and_held_back_where_it_was_published(shop: Shop) -> None:
    published = shop.publish()
    shop.rename()
    watched = shop.watch()
    assert [news.kind for news in watched.news] == ["held", "proposed"]
    (held,) = shop.holds
    assert (held.name, held.is_blocking, held.compared_with) == ("shop.orders", True, published)
    assert count_held(Lake(shop.settings), shop.holds) == {"shop.orders": 20}
    assert held.changes[0]["kind"] == "column_renamed"
    assert "20 rows are held back" in shop.proposals.find(held.proposal_id or "").body
    assert shop.checks == [(None, ("shop",))]


@pytest.mark.full
def test_the_same_drift_is_proposed_once(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    shop.publish()
    before = shop.holds
    shop.rename(120, 130)
    watched = shop.watch()
    assert [news.kind for news in watched.news] == ["waiting"]
    assert (shop.proposals_made, shop.holds) == (1, before)
    # Held streams are compared with the time before their drift, whatever was published since.
    assert shop.checks[-1] == (before[0].compared_with, ("shop",))


@pytest.mark.full
def test_a_second_drift_updates_the_same_pull_request_and_keeps_the_snapshot_of_before(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    (first,) = shop.holds
    shop.publish()
    shop.upstream.append(ADDED)
    shop.rename(120, 130)
    shop.upstream = [RENAMED, ADDED]
    watched = shop.watch()
    (second,) = shop.holds
    assert [news.kind for news in watched.news] == ["held", "updated"]
    assert (second.proposal_id, second.pin, second.since) == (first.proposal_id, first.pin, first.since)
    assert len(second.changes) == 2
    assert len(shop.proposals.store.ids) == 1


def test_merged_drift_is_released_and_not_found_again_before_it_is_built(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    shop.merge()
    watched = shop.watch()
    assert [news.kind for news in watched.news] == ["released"]
    assert (shop.holds, _released(shop)) == ((), {"shop.orders": "merged"})
    # As if the build had been killed: nothing newer is published, and the check finds the drift again.
    assert shop.watch().news == []
    assert shop.proposals_made == 1


@pytest.mark.full
def test_a_build_alone_settles_too(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    shop.merge()
    assert [news.kind for news in settle(shop.settings, Project(shop.folder)).news] == ["released"]
    assert shop.holds == ()


@pytest.mark.full
def test_a_squash_merge_with_edits_counts_when_its_trailer_is_there(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    (held,) = shop.holds
    branch = shop.proposals.find(held.proposal_id or "").proposal.branch
    shop.git("merge", "-q", "--squash", branch)
    (shop.folder / MODEL).write_text((shop.folder / MODEL).read_text() + "-- edited\n")
    shop.git("add", "-A")
    message = shop.git("log", "-1", "--format=%B", branch)
    shop.git("commit", "-qm", message)
    shop.watch()
    assert _released(shop) == {"shop.orders": "merged"}


@pytest.mark.full
def test_merged_elsewhere_but_not_in_this_checkout_stays_held(shop: Shop) -> None:
    shop.git("checkout", "-q", "-b", "mine")
    shop.rename()
    shop.watch()
    shop.git("checkout", "-q", "main")
    shop.merge()
    shop.git("checkout", "-q", "mine")
    watched = shop.watch()
    assert watched.news[0].fix == "git pull, then run again"
    assert len(shop.holds) == 1
    shop.git("merge", "-q", "main")
    shop.watch()
    assert shop.holds == ()


@pytest.mark.full
def test_closed_without_merging_releases_with_a_warning_and_is_not_proposed_again(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    shop.proposals.close(shop.holds[0].proposal_id or "", "we do not need it")
    watched = shop.watch()
    (news,) = watched.news
    assert (news.kind, shop.holds) == ("warning", ())
    assert "we do not need it" in news.text
    shop.rename(120, 130)
    assert shop.watch().news == []
    assert shop.proposals_made == 1
    # A change of the drift is a new one.
    shop.upstream = [replace(RENAMED, after=("amount_pounds",))]
    shop.watch()
    assert (shop.proposals_made, len(shop.holds)) == (2, 1)


def test_undone_upstream_closes_the_pull_request_and_releases(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    (held,) = shop.holds
    # The rows that came meanwhile come again, under the old name.
    shop.land(
        "select i::bigint, 1::int, 5::decimal(12, 2) from range(100, 120) as r(i)",
        [("order_id", pa.int64()), ("customer_id", pa.int32()), ("amount", pa.decimal128(12, 2))],
    )
    shop.upstream = []
    watched = shop.watch()
    assert [news.kind for news in watched.news] == ["released"]
    assert _released(shop) == {"shop.orders": "undone"}
    state = shop.proposals.status(shop.proposals.find(held.proposal_id or "").proposal).state
    assert str(state.decision) == "closed"
    assert state.detail.startswith("undone upstream")


@pytest.mark.full
def test_undone_with_rows_that_only_the_patch_reads_right_keeps_the_proposal(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    shop.upstream = []
    shop.publish()
    watched = shop.watch()
    assert "20 rows came meanwhile under the columns of the drift" in watched.news[0].text
    assert "merge proposal" in (watched.news[0].fix or "")
    assert len(shop.holds) == 1
    shop.merge()
    shop.watch()
    assert _released(shop) == {"shop.orders": "merged"}


@pytest.mark.full
def test_undone_in_part_says_what_of_the_proposal_is_to_be_left_out(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    (orders,) = shop.holds
    rescaled = {"kind": "unit_changed", "before": ["points"], "after": ["points"], "severity": "dangerous"}
    with open_run(Ledger(shop.settings), "drift") as run:
        hold(run, replace(orders, stream="customers", changes=(rescaled,)))
    shop.upstream = []
    waiting, released = shop.watch().news
    assert (waiting.fix or "").endswith("leave out what it changes for shop.customers: that is as it was before")
    assert released.text.startswith("shop.customers: the source is as it was before")
    assert shop.holds == (replace(orders, detail={**orders.detail, "left_behind": 20}),)
    state = shop.proposals.status(shop.proposals.find(orders.proposal_id or "").proposal).state
    assert str(state.decision) == "open"


@pytest.mark.full
def test_undone_in_part_takes_files_of_that_part_alone_out_of_the_pull_request(shop: Shop) -> None:
    # A table that did not change makes it no file of another part.
    regions = "{name: geo, schema: bronze, tables: [{name: geo__regions}]}"
    (shop.folder / "models/geo.yml").write_text(f"sources: [{regions}]\n")
    model = shop.folder / CUSTOMERS
    model.write_text(f"-- {{{{ source('geo', 'geo__regions') }}}}\n{model.read_text()}")
    shop.commit()
    shop.rename()
    shop.watch()
    (orders,) = shop.holds
    stored = shop.proposals.find(orders.proposal_id or "")
    customers = (shop.folder / CUSTOMERS).read_text()
    change = FileChange(path=CUSTOMERS, before=customers, after=f"{customers}-- points in hundreds\n")
    more = stored.proposal.model_copy(update={"changes": (*stored.proposal.changes, change)})
    shop.proposals.add(more, f"# Two streams\n\n- `{CUSTOMERS}` +1 −0: turns points back\n")
    shop.proposals.open(more.id)
    assert "hundreds" in shop.git("show", f"{more.branch}:{CUSTOMERS}")
    rescaled = {"kind": "unit_changed", "before": ["points"], "after": ["points"], "severity": "dangerous"}
    with open_run(Ledger(shop.settings), "drift") as run:
        hold(run, replace(orders, stream="customers", changes=(rescaled,)))
    shop.upstream = []
    waiting, released = shop.watch().news
    assert (waiting.fix or "").endswith(f"{CUSTOMERS} is left out of it, as shop.customers is as it was before")
    assert released.text.startswith("shop.customers: the source is as it was before")
    assert "hundreds" not in shop.git("show", f"{more.branch}:{CUSTOMERS}")
    assert "amount_gbp" in shop.git("show", f"{more.branch}:{MODEL}")
    title, _, note, _, line = shop.proposals.find(more.id).body.splitlines()
    assert title == "# Two streams"
    assert note.startswith("> **Taken back upstream meanwhile**: `shop.customers`.")
    assert line == f"- ~~`{CUSTOMERS}`~~ left out"


@pytest.mark.full
def test_undone_and_closed_elsewhere_still_waits_for_rows_that_models_would_read_wrongly(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    shop.upstream = []
    shop.proposals.close(shop.holds[0].proposal_id or "", "undone upstream: shop is as it was before")
    watched = shop.watch()
    (news,) = watched.news
    assert "20 rows came meanwhile under the columns of the drift" in news.text
    assert "smelt drift release shop.orders" in (news.fix or "")
    assert len(shop.holds) == 1


@pytest.mark.full
def test_a_patch_made_by_hand_releases(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    model = shop.folder / MODEL
    patched = "{{ source('shop', 'orders') }}"
    by_hand = f"(select * exclude (amount, amount_gbp), ifnull(amount_gbp, amount) as amount from {patched})"
    model.write_text(model.read_text().replace(patched, by_hand))
    shop.watch()
    assert _released(shop) == {"shop.orders": "by hand"}


@pytest.mark.full
def test_another_edit_of_the_model_releases_nothing(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    model = shop.folder / MODEL
    model.write_text(model.read_text().replace("select\n", "select\n    1 as one,\n", 1))
    shop.watch()
    assert len(shop.holds) == 1


@pytest.mark.full
def test_a_person_may_release_whatever_became_of_the_proposal(shop: Shop) -> None:
    shop.rename()
    shop.watch()
    with pytest.raises(SmeltError, match=r"held back: shop\.orders"):
        release_by_hand(shop.settings, "shop.lines")
    assert [held.name for held in release_by_hand(shop.settings, "shop")] == ["shop.orders"]
    assert shop.watch().news == []


@pytest.mark.full
@pytest.mark.parametrize(
    ("policy", "change", "is_held"),
    [("evolve", ADDED, False), ("review", ADDED, True), ("evolve", RENAMED, True), ("review", RENAMED, True),
     ("freeze", replace(RENAMED, kind=Kind.UNIT_CHANGED, severity=Severity.DANGEROUS), True)],
)  # fmt: skip
def test_the_policy_says_what_is_held(shop: Shop, policy: str, change, is_held: bool) -> None:
    _policy(shop, policy)
    shop.rename()
    shop.upstream = [change]
    shop.watch()
    (held,) = shop.holds
    assert (held.is_blocking, shop.proposals_made) == (is_held, 1)


@pytest.mark.full
def test_what_was_only_proposed_is_held_when_worse_follows_from_what_is_published_then(shop: Shop) -> None:
    first = shop.publish()
    shop.rename()
    shop.upstream = [ADDED]
    shop.watch()
    shop.publish()
    shop.rename(120, 130)
    shop.upstream = [ADDED, RENAMED]
    shop.watch()
    (held,) = shop.holds
    assert (held.is_blocking, held.compared_with) == (True, first)
    assert count_held(Lake(shop.settings), shop.holds) == {"shop.orders": 10}
    assert len(shop.proposals.store.ids) == 1


def test_silent_changes_are_not_told(shop: Shop) -> None:
    shop.rename()
    shop.upstream = [replace(ADDED, kind=Kind.COLUMNS_REORDERED, severity=Severity.SILENT)]
    assert shop.watch().news == []


@pytest.mark.parametrize("error", [SmeltError("no snapshot", "make one"), KeyError("defect")])
def test_a_check_that_fails_is_a_warning(shop: Shop, error: Exception) -> None:
    shop.rename()

    def fail(*_: object) -> None:
        raise error

    shop._check = fail  # type: ignore[method-assign, assignment]
    (news,) = shop.watch().news
    assert news.kind == "warning"
    assert news.fix


@pytest.mark.full
def test_a_proposal_that_fails_leaves_the_stream_held_and_is_tried_again(shop: Shop) -> None:
    shop.rename()
    works = shop._propose

    def fail(*_: object, **__: object) -> None:
        raise SmeltError("the forge is down", "try later")

    shop._propose = fail  # type: ignore[method-assign, assignment]
    assert "the forge is down" in shop.watch().news[0].text
    assert [held.proposal_id for held in shop.holds] == [None]
    shop._propose = works  # type: ignore[method-assign]
    shop.watch()
    assert shop.holds[0].proposal_id is not None


@pytest.mark.full
def test_evidence_against_a_proposal_is_told_and_holds(shop: Shop) -> None:
    shop.rename()
    shop.has_failed = True
    watched = shop.watch()
    assert [news.kind for news in watched.news] == ["held", "warning"]
    assert watched.news[1].fix == f"smelt proposals show {shop.holds[0].proposal_id}"
    assert [news.kind for news in shop.watch().news] == ["waiting"]
    # Another commit may change what the evidence says.
    (shop.folder / "README.md").write_text("more")
    shop.commit()
    shop.has_failed = False
    assert [news.kind for news in shop.watch().news] == ["held", "updated"]
    assert len(shop.proposals.store.ids) == 1


@pytest.mark.full
def test_nothing_that_can_be_patched_holds_until_somebody_answers(shop: Shop) -> None:
    shop.rename()
    shop._propose = lambda *_, **__: None  # type: ignore[method-assign, assignment]
    watched = shop.watch()
    assert [news.kind for news in watched.news] == ["held", "warning"]
    assert "smelt drift release shop.orders" in (watched.news[1].fix or "")
    assert [news.kind for news in shop.watch().news] == ["waiting"]
