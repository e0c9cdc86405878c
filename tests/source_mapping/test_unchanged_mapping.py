"""A merged mapping that nobody changed is not proposed again; what loses all values of its key is no mapping."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from tests.source_mapping.retailer import Retailer, columns_of

_SOURCE = """\
sources:
  - name: shop
    schema: shop
    tables: [{name: kunden}, {name: visits}]
"""
# Customers whose number is no number; and visits whose days and fees are missing in many words.
_WAREHOUSE = """
create schema shop;
create table shop.kunden as
select
    'K-' || i as "Kundennummer", 'Bob' as "FirstName", 'Fox' || i as "LastName",
    'c' || i || '@example.com' as "Email",
    if(i % 4 = 0, 'yes', 'no') as "Subscribed", if(i % 2 = 0, 'M', 'F') as "Gender",
    strftime(date '2021-01-01' + cast(i % 700 as integer), '%d.%m.%Y') as "SignedUpOn"
from range(1, 250) as t (i);
create table shop.visits as
select
    i as id,
    case when i % 100 = 0 then ['n/a', '-', 'null', 'none', 'unknown'][i // 100 % 5 + 1]
        else strftime(date '2001-01-01' + cast(i as integer), '%d.%m.%Y') end as seen_on,
    case when i % 9 = 0 then 'about 5' else i || '.50' end as fee
from range(1, 1900) as t (i);
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Retailer:
    retailer = Retailer.at(tmp_path_factory.mktemp("unchanged"))
    (retailer.folder / "models/_shop.yml").write_text(_SOURCE)
    with duckdb.connect(str(retailer.folder / "retail.duckdb")) as con:
        con.execute(_WAREHOUSE)
    retailer.git("add", "-A")
    retailer.git("commit", "-qm", "A shop")
    return retailer


@pytest.fixture(scope="module")
def mapped(shop: Retailer) -> dict[str, Any]:
    return shop.map("--to", "marts", source="shop")


def test_a_stream_whose_key_would_lose_every_value_is_an_entity_of_its_own(mapped: dict[str, Any]):
    (kunden,) = [one for one in mapped["streams"] if one["stream"] == "kunden"]
    assert [(one["entity"], one.get("is_new", False)) for one in kunden["entities"]] == [("kunden", True)]


def test_words_for_a_missing_day_are_null_however_many_days_there_are(shop: Retailer, mapped: dict[str, Any]):
    sql = columns_of(mapped, "visits", "visits")["seen_on"]["expression"]
    with duckdb.connect(str(shop.folder / "retail.duckdb"), read_only=True) as con:
        for word in ("n/a", "-", "null", "none", "unknown"):
            assert f"'{word}')" in sql
        rows = con.execute(f"select count(*) from shop.visits where ({sql}) is null and id % 100 > 0").fetchone()
    assert rows == (0,)


def test_an_unchanged_mapping_is_not_proposed_again(shop: Retailer, mapped: dict[str, Any]):
    (branch,) = shop.git("branch", "--list", "smelt/mapping/*").split()
    shop.git("merge", "-q", branch)
    shop.git("branch", "-d", branch)
    text = (shop.folder / "sources/shop/mapping.yml").read_text()
    for _ in range(2):
        again = shop.map("--to", "marts", source="shop")
        assert (again["proposal"], again["files"]) == (None, [])
    with duckdb.connect(str(shop.folder / "retail.duckdb")) as con:
        con.execute("update shop.visits set fee = 'about 7' where id % 8 = 0")
    assert shop.map("--to", "marts", source="shop")["proposal"] is None, "another figure is no news"
    said = shop.smelt("map", "shop", "--to", "marts")
    assert "nothing to propose" in said.stdout
    assert (shop.folder / "sources/shop/mapping.yml").read_text() == text
