"""A review in which a source is not the same on both sides: its readers are built, each side from its own rows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from dbt_shop import Shop

from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.review import ChangedSources, FileChange, Finding, Outcome, Proposal, Proven, SideInputs, prove

STAGING = "models/staging/stg_orders.sql"
ORDERS = "source.shop.raw.orders"


def _drifted(shop: Shop, folder: Path, head: str = "*") -> ChangedSources:
    """`cents` becomes `pence` in production; each side gets the rows of its own time."""
    files = {side: folder / f"{side}.parquet" for side in ("base", "head")}
    with duckdb.connect(str(shop.folder / "shop.duckdb")) as con:
        con.execute(f"copy raw.orders to '{files['base']}' (format parquet)")
        con.execute("create or replace table raw.orders as select * rename (cents as pence) from raw.orders")
        con.execute(f"copy (select {head} from raw.orders) to '{files['head']}' (format parquet)")
    base, after = ({("raw", "orders"): files[side]} for side in ("base", "head"))
    return ChangedSources(
        SideInputs(base), SideInputs(after), frozenset({(ORDERS, "cents")}), frozenset({(ORDERS, "pence")})
    )


def _prove(shop: Shop, sources: ChangedSources, new: str) -> Proven:
    shop.git("switch", "-q", "main")
    before = (shop.folder / STAGING).read_text()
    old = "{{ from_cents('cents') }}"
    assert old in before
    proposal = Proposal(
        kind="drift",
        title="cents became pence",
        reason="It was renamed.",
        confidence=0.9,
        base=shop.git("rev-parse", "main"),
        changes=(FileChange(path=STAGING, before=before, after=before.replace(old, new)),),
    )
    settings = load_settings(shop.folder)
    settings = settings.model_copy(
        update={"review": settings.review.model_copy(update={"macros": ["from_cents"]})}
    )
    return prove(Project(shop.folder), settings, proposal, sources=sources)


def _outcomes(proven: Proven, kind: str) -> dict[str, Outcome]:
    return {f.subject: f.outcome for f in proven.proposal.evidence if f.kind == kind}


def _said(proven: Proven) -> list[Finding]:
    return [f for f in proven.proposal.evidence if f.outcome is not Outcome.PASSED]


def test_a_patch_that_absorbs_the_change_leaves_every_value(shop: Shop, tmp_path: Path) -> None:
    proven = _prove(shop, _drifted(shop, tmp_path), "{{ from_cents('pence') }}")
    assert not proven.has_failed, _said(proven)
    # The column reaches these and no others; open_order_count is Python and may read everything.
    assert set(_outcomes(proven, "values")) == {
        "stg_orders",
        "orders",
        "revenue_by_country",
        "revenue_by_region",
        "open_order_count",
    }
    assert set(_outcomes(proven, "values").values()) == {Outcome.PASSED}, _said(proven)


@pytest.mark.full
def test_a_patch_that_forgets_the_change_fails(shop: Shop, tmp_path: Path) -> None:
    proven = _prove(shop, _drifted(shop, tmp_path), "{{ from_cents('cents') }} + 0")
    assert _outcomes(proven, "compile")["stg_orders"] is Outcome.FAILED


@pytest.mark.full
@pytest.mark.parametrize("as_file", [True, False])
def test_a_source_that_is_no_table_of_the_target_gets_its_rows_too(
    shop: Shop, tmp_path: Path, as_file: bool
) -> None:
    where = "meta: {external_location: 'nowhere/{name}.parquet'}" if as_file else "database: elsewhere"
    shop.git("switch", "-q", "main")
    shop.edit("models/sources.yml", "- name: raw\n", f"- name: raw\n    {where}\n")
    sources = _drifted(shop, tmp_path)
    customers = tmp_path / "customers.parquet"
    duckdb.sql(f"copy (select 1 as id, 'x' as name, 'y' as email, 'UK' as country) to '{customers}'")
    both = {("raw", "customers"): customers}
    sources = ChangedSources(
        SideInputs({**sources.base.tables, **both}),
        SideInputs({**sources.head.tables, **both}),
        sources.before,
        sources.after,
    )
    shop.commit()
    proven = _prove(shop, sources, "{{ from_cents('pence') }}")
    assert not proven.has_failed, _said(proven)
    assert _outcomes(proven, "values")["stg_orders"] is Outcome.PASSED
