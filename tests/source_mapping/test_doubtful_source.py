"""`smelt map` of a source with a view, a flag of the opposite meaning, and references of two types."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from plugins.core.project.options import open_project
from plugins.core.settings import load_settings
from plugins.source_mapping.page.content import review_document
from plugins.source_mapping.reviewing import review_inputs
from tests.source_mapping.retailer import Retailer, columns_of

_FILES = {
    "models/_crm.yml": """\
sources:
  - name: shop
    schema: shop
    tables: [{name: accounts}, {name: live_accounts}, {name: invoices}, {name: refunds}]
""",
    "models/marts/accounts.sql": """\
select
    cast(user_id as integer) as account_id, mail as email, opted_in as is_active, date '2020-01-01' as opened_on,
    'EUR' as currency
from {{ source('web', 'users') }}
""",
    "models/marts/accounts.yml": """\
models:
  - name: accounts
    description: Accounts of customers. One row per account.
    columns:
      - {name: account_id, data_type: integer, data_tests: [not_null, unique]}
      - {name: email, data_type: varchar}
      - {name: is_active, data_type: boolean}
      - {name: opened_on, data_type: date}
      - {name: currency, data_type: varchar}
""",
}
_WAREHOUSE = """
create table accounts as
select
    i as account_id, 'b' || i || '@example.com' as email, i % 4 > 0 as is_active, date '2020-01-01' as opened_on,
    'EUR' as currency
from range(1, 250) as t (i);
create schema shop;
create table shop.accounts as
select
    i as account_id, 'a' || i || '@example.com' as email, i % 9 = 0 as is_deleted,
    strftime(date '2021-01-01' + cast(i % 700 as integer), '%d.%m.%Y') as opened
from range(1, 250) as t (i);
create view shop.live_accounts as select * from shop.accounts where not is_deleted;
create table shop.invoices as
select 'I' || i as invoice_no, '10' || i % 40 as dealer_id, i * 1.5 as amount from range(1, 300) as t (i);
create table shop.refunds as
select 'R' || i as refund_no, if(i = 7, 'D-7', '20' || i % 40) as dealer_id, i * 2 as warehouse_id
from range(1, 200) as t (i);
alter table shop.invoices add column warehouse_id varchar;
update shop.invoices set warehouse_id = 'W' || invoice_no;
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Retailer:
    retailer = Retailer.at(tmp_path_factory.mktemp("shop"))
    for path, text in _FILES.items():
        (retailer.folder / path).write_text(text)
    with duckdb.connect(str(retailer.folder / "retail.duckdb")) as con:
        con.execute(_WAREHOUSE)
    retailer.git("add", "-A")
    retailer.git("commit", "-qm", "A shop")
    return retailer


@pytest.fixture(scope="module")
def mapped(shop: Retailer) -> dict[str, Any]:
    return shop.map("--to", "accounts", source="shop")


def test_a_view_is_one_question_and_nothing_is_drafted_of_it(mapped: dict[str, Any]):
    assert not [path for path in mapped["files"] if "live_accounts" in path]
    about = [one for one in mapped["questions"] if "live_accounts" in one]
    assert len(about) == 1
    assert "view or a copy" in about[0]


def test_a_flag_of_the_opposite_meaning_is_turned_round_and_asked(shop: Retailer, mapped: dict[str, Any]):
    flag = columns_of(mapped, "accounts", "accounts")["is_active"]
    assert flag["columns"] == ["is_deleted"]
    assert (flag["status"], flag["expression"]) == ("question", "not is_deleted")
    assert "the opposite" in flag["evidence"]


def test_references_called_the_same_have_one_type_or_are_asked_about(shop: Retailer, mapped: dict[str, Any]):
    for stream in ("invoices", "refunds"):
        entry = columns_of(mapped, stream, stream)["dealer_id"]
        assert entry["data_type"] == "varchar", "text in one of them is text in both"
    (question,) = [one for one in mapped["questions"] if "warehouse_id" in one]
    assert "text in invoices and a number in refunds" in question


def test_the_page_reads_a_chosen_column_as_the_planner_does(shop: Retailer):
    project = open_project(shop.folder, None, None)
    inputs = review_inputs(project, load_settings(shop.folder), "shop")
    document = review_document(inputs.mapping, inputs.sources, inputs.targets, inputs.readings)
    (accounts,) = [
        entity
        for stream in document["streams"]
        for entity in stream["entities"]
        if entity["entity"] == "accounts" and not entity["is_new"]
    ]
    readings = {one["target"]: accounts["readings"][one["reading"]] for one in accounts["columns"]}
    assert "%d.%m.%Y" in readings["opened_on"]["opened"]
    assert readings["is_active"]["is_deleted"] == "not is_deleted"


def test_a_constant_is_staged_in_the_type_of_the_target(shop: Retailer, mapped: dict[str, Any]):
    path = shop.folder / "sources/shop/mapping.yml"
    path.parent.mkdir(parents=True)
    text = shop.proposed("sources/shop/mapping.yml")
    head, _, tail = text.partition("          - target: currency\n")
    rest = tail[tail.index("    unmapped:") :] if "    unmapped:" in tail else tail[tail.index("  - stream:") :]
    said = "          - target: currency\n            expression: \"'EUR'\"\n            status: approved\n"
    path.write_text(head + said + "            reviewer: Ada\n" + rest)
    again = shop.map("--to", "accounts", source="shop")
    assert columns_of(again, "accounts", "accounts")["currency"]["status"] == "approved"
    assert "cast('EUR' as varchar) as currency" in shop.proposed("models/staging/shop/stg_shop__accounts.sql")
