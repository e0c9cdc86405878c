"""Builds while streams are held back: what goes on, what stays as it is, and that nothing is lost in the end."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console
from shop import load, load_orders, load_shop, new_project
from sqlalchemy import select

from plugins.build import build
from plugins.build.rollback import rollback
from plugins.build.state import pull
from plugins.build.status import as_json, status
from plugins.build.summary import print_build, print_status
from plugins.core.lake import Lake, pin_namespace
from plugins.core.ledger import TABLES, Hold, Ledger, hold, open_holds, open_run, release, released_holds
from plugins.core.settings import Settings
from plugins.core.warehouse.published import current_run
from plugins.core.warehouse.reader import open_published

STALE = ("gold.agg_revenue_by_country", "gold.fct_orders", "silver.orders")
RENAMED = {"kind": "column_renamed", "before": ["amount"], "after": ["amount_gbp"], "severity": "breaking"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = new_project(tmp_path / "project")
    load_shop(settings)
    return settings


def _hold_orders(settings: Settings, proposal: str | None = "01PROPOSAL") -> Hold:
    pin = next(pin for pin in pin_namespace(Lake(settings), "bronze") if pin.table == "shop__orders")
    held = Hold("shop", "orders", pin, True, proposal, "f", (RENAMED,))
    with open_run(Ledger(settings), "drift") as run:
        hold(run, held)
    return held


def _all(settings: Settings, *names: str) -> dict[str, list[tuple]]:
    with open_published(settings) as con:
        return {name: sorted(con.execute(f"select * from {name}").fetchall(), key=repr) for name in names}


def test_what_is_not_held_is_built_and_the_rest_stays_and_is_marked(settings: Settings) -> None:
    first = build(settings)
    before = _all(settings, *STALE)
    _hold_orders(settings)
    load_orders(settings, 100, 120)
    load(settings, "customers", "select 4::int, 'UK'")
    result = build(settings)
    assert not result.failures
    assert (result.outcome, result.failures, result.stale) == (
        "published",
        (),
        ("gold.agg_revenue_by_country", "gold.fct_orders", "silver.int_orders__checked", "silver.orders",
         "silver.quarantine_orders"),
    )  # fmt: skip
    assert _all(settings, *STALE) == before
    assert len(_all(settings, "silver.customers")["silver.customers"]) == 4
    (held,) = result.held
    assert (held.stream, held.rows, held.proposal_id) == ("shop.orders", 20, "01PROPOSAL")
    # The balance is of what is pinned: both sides are of the time before.
    (account,) = result.accounts
    assert (account.bronze, account.silver, account.is_balanced) == (100, 90, True)
    judged = {check.dataset for gate in result.gates for check in gate.checks}
    assert judged == {"silver.customers"}
    assert not any("orders" in node.name for layer in result.layers.values() for node in layer.nodes)
    with open_published(settings) as con:
        marks = con.execute(
            "select dataset, streams, reason, proposal_id, published_by from smelt.stale"
        ).fetchall()
        pinned = dict(con.execute("select table_name, snapshot_id from smelt.pins").fetchall())
    assert [mark[0] for mark in marks] == list(STALE)
    assert {mark[4] for mark in marks} == {first.run_id}
    reason = "shop.orders: column renamed: amount → amount_gbp"
    assert marks[0][1:4] == (["shop.orders"], reason, "01PROPOSAL")
    assert first.published is not None
    assert pinned["shop__orders"] == next(p for p in first.published.pins if p.table == "shop__orders").snapshot_id


@pytest.mark.full
def test_the_marks_stay_with_the_run_that_published_them_first(settings: Settings) -> None:
    first = build(settings)
    _hold_orders(settings)
    build(settings)
    build(settings)
    current = current_run(settings)
    assert current is not None
    assert {mark.published_by for mark in current.stale} == {first.run_id}
    assert not any(table.is_rewritten for table in current.tables)


@pytest.mark.full
def test_once_released_what_was_held_back_is_replayed_in_full(settings: Settings, tmp_path: Path) -> None:
    other = new_project(tmp_path / "never held")
    load_shop(other)
    build(settings)
    held = _hold_orders(settings)
    for each in (settings, other):
        load_orders(each, 100, 150)
    build(settings)
    with open_run(Ledger(settings), "drift") as run:
        release(run, held, reason="merged")
    result = build(settings)
    assert (result.held, result.stale, result.outcome) == ((), (), "published")
    (account,) = result.accounts
    assert (account.bronze, account.silver, account.is_balanced) == (150, 135, True)
    build(other)
    names = ("gold.agg_revenue_by_country", "gold.fct_orders")
    assert _all(settings, *names) == _all(other, *names)
    current = current_run(settings)
    assert current is not None
    assert current.stale == ()


@pytest.mark.full
def test_a_fresh_runner_keeps_the_published_tables(settings: Settings) -> None:
    first = build(settings)
    before = _all(settings, *STALE)
    _hold_orders(settings)
    load_orders(settings, 100, 120)
    first.warehouse.unlink()
    result = build(settings)
    assert (result.outcome, result.accounts) == ("published", ())
    assert "silver.row_accounting" in result.stale
    assert _all(settings, *STALE) == before


def test_a_table_that_was_never_published_is_named(settings: Settings) -> None:
    _hold_orders(settings)
    result = build(settings)
    assert result.outcome == "published"
    assert result.published is not None
    assert [table.dataset for table in result.published.tables] == ["silver.customers"]
    assert {mark.published_by for mark in result.published.stale} == {None}
    shown = Console(file=io.StringIO(), width=200)
    print_build(shown, result)
    assert "never published, and held back now: gold.agg_revenue_by_country" in shown.file.getvalue()  # type: ignore[attr-defined]


def test_everything_may_be_held_back(settings: Settings) -> None:
    build(settings)
    _hold_orders(settings)
    pin = next(pin for pin in pin_namespace(Lake(settings), "bronze") if pin.table == "shop__customers")
    with open_run(Ledger(settings), "drift") as run:
        hold(run, Hold("shop", "customers", pin, True, None, "f"))
    result = build(settings)
    assert (result.outcome, result.failures) == ("published", ())
    assert result.published is not None
    assert len(result.published.stale) == 4


def test_the_balance_is_not_judged_when_the_warehouse_is_of_another_time(settings: Settings) -> None:
    build(settings)
    held = _hold_orders(settings)
    with open_run(Ledger(settings), "drift") as run:
        release(run, held, reason="closed")
    load_orders(settings, 100, 120)
    build(settings)
    with open_run(Ledger(settings), "drift") as run:
        hold(run, held)
    result = build(settings)
    assert (result.outcome, result.accounts) == ("published", ())
    assert "silver.row_accounting" in result.stale


def test_status_rollback_and_state_go_on(settings: Settings, tmp_path: Path) -> None:
    first = build(settings)
    _hold_orders(settings)
    load_orders(settings, 100, 103)
    second = build(settings)
    found = status(settings)
    assert [(one.stream, one.rows) for one in found.held] == [("shop.orders", 3)]
    assert as_json(found)["held"][0]["rows"] == 3
    shown = Console(file=io.StringIO(), width=240)
    print_status(shown, found)
    text = shown.file.getvalue()  # type: ignore[attr-defined]
    assert "3 rows of shop.orders until proposal 01PROPOSAL is merged" in text
    assert "3 tables as they were before shop.orders changed" in text
    assert "manifest.json" in pull(settings, None, tmp_path / "state")
    assert rollback(settings, first.run_id).stale == ()
    assert len(rollback(settings, second.run_id).stale) == 3
    assert asdict(second)["held"][0]["rows"] == 3


def test_the_ledger_tells_what_is_held_and_why_it_was_released(settings: Settings) -> None:
    ledger = Ledger(settings)
    held = _hold_orders(settings)
    _hold_orders(settings, "01OTHER")
    (found,) = open_holds(ledger)
    assert (found.proposal_id, found.pin, found.changes) == ("01OTHER", held.pin, (RENAMED,))
    with open_run(ledger, "drift") as run:
        release(run, found, reason="undone")
    assert open_holds(ledger) == ()
    (over,) = released_holds(ledger)
    assert (over.reason, over.hold) == ("undone", found)
    table = TABLES["drift_holds"]
    events = [row["event"] for row in ledger.read(select(table).order_by(table.c.at))]
    assert events == ["held", "updated", "released"]
