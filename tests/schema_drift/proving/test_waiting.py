"""What the drift broke and a person is asked about does not keep the rest from being proposed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from drifted_shop import STAGING, DriftedShop

pytestmark = pytest.mark.full


def _smelt(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "plugins.cli", *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return run.stdout


def test_one_change_is_patched_and_another_asked_about(shop: DriftedShop) -> None:
    _smelt(shop.folder, "drift", "snapshot")
    with duckdb.connect(str(shop.warehouse)) as con:
        con.execute("alter table raw.lines rename unit_price to price_gbp")
        # Nothing gives it again, and `customers` joins by it.
        con.execute("create or replace table raw.customers as select name from raw.customers")
    (made,) = json.loads(_smelt(shop.folder, "drift", "propose", "--json"))["proposals"]
    assert made["url"]
    proposals = sorted((shop.folder / ".smelt" / "proposals").glob("*/body.md"))
    body = proposals[-1].read_text()
    assert "broken by the change upstream until the question about it is answered" in body
    assert "Binder Error" in body
    assert "customer_id" in body.partition("**Questions for you**")[2]
    assert f"`{STAGING}`" in body
    assert shop.git("status", "--short") == ""


def test_what_is_sure_is_patched_beside_a_needed_column_that_is_gone(shop: DriftedShop) -> None:
    _smelt(shop.folder, "drift", "snapshot")
    with duckdb.connect(str(shop.warehouse)) as con:
        con.execute("alter table raw.lines rename unit_price to price_gbp")
        con.execute("alter table raw.lines drop column customer_id")
    (made,) = json.loads(_smelt(shop.folder, "drift", "propose", "--json"))["proposals"]
    assert made["url"]
    assert made["files"] == [STAGING]
    assert made["title"].endswith("a question about `customer_id`")
    patched = shop.git("show", f"{made['branch']}:{STAGING}")
    assert "price_gbp as unit_price" in patched
    assert "    customer_id," in patched
    (body,) = [path.read_text() for path in (shop.folder / ".smelt" / "proposals").glob("*/body.md")]
    headline = body.splitlines()[2]
    assert "A draft: `stg_lines`" in headline
    assert "what takes the place of `customer_id`" in headline
    assert "customer_id" in body.partition("**Questions for you**")[2]
