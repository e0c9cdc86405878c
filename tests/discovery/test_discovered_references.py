"""What refers to what, as `smelt discover` says it of a database: numbers that only count, and views."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
import typer
from typer.testing import CliRunner

from plugins.discovery.command import register

_APP = typer.Typer()
register(_APP)
_APP.command("other")(lambda: None)

_TABLES = """
create table customers as
select i as customer_id, 'c' || i || '@example.com' as email, i % 3 = 0 as is_active from range(1, 101) as t (i);
create view active_customers as select * from customers where is_active;
create view v_customers as select * from customers;
create table ratings as select i as id, 'r' || i as label from range(1, 11) as t (i);
create table stores as select i as id, 'City ' || i as city from range(1, 11) as t (i);
create table employees as
select i as id, nullif(i // 4, 0) as reports_to, 'E' || i as name from range(1, 41) as t (i);
create table orders as
select
    1000 + i as order_id, 1 + i * 7 % 100 as customer_id, 1 + i % 5 as quantity, 1 + i % 5 as rating,
    1 + i % 10 as store, 1700000000000 + i * 86400000 as placed
from range(1, 301) as t (i);
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("shop") / "shop.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(_TABLES)
    result = CliRunner().invoke(_APP, ["discover", str(path), "--json"])
    assert result.exit_code == 0, result.exception or result.stderr
    return json.loads(result.stdout)


def _references(found: dict[str, Any], stream: str) -> dict[str, str]:
    return {one["columns"][0]: one["to"] for one in found["foreign_keys"] if one["from"] == stream}


def test_small_numbers_refer_only_where_the_name_and_most_rows_say_so(found: dict[str, Any]):
    assert _references(found, "orders") == {"customer_id": "customers", "store": "stores"}
    assert _references(found, "employees") == {"reports_to": "employees"}


def test_a_view_is_told_from_a_table_and_nothing_refers_to_it(found: dict[str, Any]):
    views = {one["name"]: one["view_of"] for one in found["streams"] if one["view_of"]}
    assert views == {"active_customers": "customers", "v_customers": "customers"}
    assert not {one["to"] for one in found["foreign_keys"]} & views.keys()
    assert not _references(found, "v_customers"), "a row of a view refers to no other row by its own key"


def test_an_epoch_is_said_in_its_own_unit(found: dict[str, Any]):
    (orders,) = [one for one in found["streams"] if one["name"] == "orders"]
    (placed,) = [one for one in orders["columns"] if one["name"] == "placed"]
    assert "milliseconds since 1970" in placed["semantic"]["evidence"]
