"""Production's incremental tables and snapshots that were built between a drift and its patch."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from drifted_shop import STAGING, Drifted, DriftedShop, told

from plugins.review import Outcome, Proven
from plugins.schema_drift.change import Change, Kind, Restored, Severity
from plugins.schema_drift.patching.patch import Question

pytestmark = pytest.mark.full

LINES = "source.shop.raw.lines"
UNIT = "update raw.lines set unit_price = unit_price * 100"
MORE = "insert into raw.lines select 100 + i, 1, 250, 1, timestamp '2026-02-01' from range(5) as r(i)"
TAKEN = """
insert into main.lines select 100 + i, 1, 250, 1, timestamp '2026-02-01' from range(5) as r(i);
update main.prices set dbt_valid_to = timestamp '2026-02-02' where line_id > 0;
insert into main.prices (line_id, unit_price, dbt_scd_id, dbt_updated_at, dbt_valid_from)
select line_id, unit_price * 100, 'new ' || line_id, timestamp '2026-02-02', timestamp '2026-02-02'
from main.prices where dbt_valid_to is not null
"""


def _prove(
    shop: DriftedShop,
    scratch: Path,
    taken: str = "",
    questions: tuple[Question, ...] = (),
    more_edits: tuple[tuple[str, str, str], ...] = (),
) -> Proven:
    with duckdb.connect(str(shop.warehouse)) as con:
        con.execute("update main.prices set dbt_valid_from = timestamp '2026-01-15'")
        con.execute(taken or "select 1")
    restored = Restored("unit_price", "unit_price / 100", ("unit_price",), 100, 100)
    change = Change(
        Kind.UNIT_CHANGED, LINES, ("unit_price",), ("unit_price",), 0.99, Severity.DANGEROUS, restores=(restored,)
    )
    edit = (STAGING, "unit_price,", "(unit_price / 100)::decimal(10, 2) as unit_price,")
    drifted = Drifted(
        f"{UNIT}; {MORE if taken else 'select 1'}", (change,), (edit, *more_edits), questions=questions
    )
    return shop.prove(drifted, scratch)


def test_what_was_not_built_since_has_nothing_to_backfill(shop: DriftedShop, tmp_path: Path) -> None:
    proven = _prove(shop, tmp_path)
    for name in ("lines", "prices"):
        finding = told(proven, "history", name)
        assert finding.outcome is Outcome.PASSED
        assert "nothing to backfill; the 100 rows of before that production has hold" in finding.detail
        assert "unless" not in finding.detail
    assert proven.proposal.questions == ()


def test_what_was_built_since_is_counted_and_asked_about(shop: DriftedShop, tmp_path: Path) -> None:
    proven = _prove(shop, tmp_path, TAKEN)
    lines, prices = (told(proven, "history", name) for name in ("lines", "prices"))
    assert (lines.outcome, lines.facts["differing"], lines.facts["new"]) == (Outcome.CHANGED, 0, 5)
    assert (prices.outcome, prices.facts["differing"]) == (Outcome.CHANGED, 99)
    asked = proven.body.partition("**Questions for you**")[2]
    assert "5 came since, and may hold them as they came" in asked
    assert "`dbt run --full-refresh --select lines`" in asked
    assert "99 of its 100 rows hold other values in `unit_price` than before the change" in asked
    assert "select * from main.prices where dbt_valid_from >= timestamp '2026-02-02 00:00:00'" in asked


def test_a_snapshot_that_is_patched_itself_is_counted_too(shop: DriftedShop, tmp_path: Path) -> None:
    edit = ("snapshots/prices.sql", "from {{ ref('stg_lines') }}", "from {{ ref('stg_lines') }} where true")
    prices = told(_prove(shop, tmp_path, TAKEN, more_edits=(edit,)), "history", "prices")
    assert (prices.outcome, prices.facts["differing"]) == (Outcome.CHANGED, 99)
    assert "in `unit_price` than before the change" in prices.detail
    assert "where dbt_valid_from >=" in prices.facts["question"]


@pytest.mark.parametrize(("taken", "asked"), [("", 0), (TAKEN, 2)])
def test_what_was_looked_at_is_not_asked_about_once_more(
    shop: DriftedShop, tmp_path: Path, taken: str, asked: int
) -> None:
    kept = "lines keeps what it took"
    proven = _prove(shop, tmp_path, taken, (Question(kept, STAGING, kept=("model.shop.lines",)),))
    assert kept not in proven.body
    assert len(proven.proposal.questions) == asked
