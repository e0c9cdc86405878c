"""Models over tables that are captured from the binlog: built, published, balanced to the row."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import ingest
from plugins.build import build
from plugins.build.status import status
from plugins.core.settings import load_settings
from plugins.core.warehouse.reader import open_published
from tests.build.shop import new_project
from tests.ingest.mysql.conftest import captured
from tests.ingest.mysql.mariadb import Server

_MACROS = Path(__file__).parents[3] / "macros" / "silver"
# The project's own models, made to take the newest version of each key.
_MODELS = {
    "customers": "{{ latest_valid(ref('int_customers__checked'), ['customer_id']) }}",
    "int_customers__checked": "select *, []::varchar[] as _smelt_broken_rules "
    "from {{ source('shop', 'customers') }}",
    "orders": "select *, amount * 2 as amount_doubled from "
    "({{ latest_valid(ref('int_orders__checked'), ['order_id']) }})",
    "int_orders__checked": """
        select *, list_filter([
            case when _smelt_op <> 'd' and not coalesce(amount >= 0, false) then 'amount_not_negative' end,
            case when _smelt_op <> 'd' and not coalesce(customer_id > 0, false) then 'customer_known' end,
        ], rule -> rule is not null) as _smelt_broken_rules
        from {{ source('shop', 'orders') }}
    """,
    "row_accounting": """
        with counts as (
            select
                'shop.orders' as stream,
                (select count(*) from {{ source('shop', 'orders') }}) as bronze_rows,
                (select count(*) from {{ ref('orders') }}) as silver_rows,
                (select count(*) from {{ ref('quarantine_orders') }}) as quarantined_rows,
                (select count(*) from ({{ superseded_rows(ref('int_orders__checked'), ['order_id']) }}))
                    as superseded_rows,
                (select count(*) from {{ source('shop', 'orders') }} where _smelt_op = 'd') as tombstone_rows
        )

        select
            *,
            bronze_rows = silver_rows + quarantined_rows + superseded_rows + tombstone_rows as is_balanced
        from counts
    """,
}
_REVENUE = "select country, sum(amount) from orders join customers using (customer_id) group by 1 order by 1"


@pytest.mark.full
def test_models_over_captured_tables_are_what_the_database_is(tmp_path: Path, mariadb: Server) -> None:
    project = tmp_path / "project"
    new_project(project)
    for name, sql in _MODELS.items():
        (project / "models" / "silver" / f"{name}.sql").write_text(sql)
    for macros in ("broken_rules", "versions"):
        shutil.copy(_MACROS / f"{macros}.sql", project / "macros")
    shop = captured(project, mariadb)
    shop.sql(
        "create table customers (customer_id int primary key, country varchar(40))",
        "create table orders (order_id bigint primary key, customer_id int, amount decimal(12,2), note text)",
        "insert into customers values (1, 'UK'), (2, 'DE'), (3, 'FR')",
        "insert into orders select seq, seq % 3 + 1, seq % 50, null from seq_1_to_100",
    )
    before = (project / "smelt.toml").read_text()
    shop.declare(customers="[customer_id]", orders="[order_id]")
    (project / "smelt.toml").write_text(before + "\n" + (project / "smelt.toml").read_text())
    settings = load_settings(project)

    def built() -> list[tuple]:
        assert not [result.error for result in ingest.run(settings) if result.error]
        found = build(settings)
        assert found.exit_code == 0, found
        assert all(account.is_balanced for account in status(settings).accounts)
        with open_published(settings) as con:
            return con.execute("select country, revenue from gold.agg_revenue_by_country order by 1").fetchall()

    assert not [result.error for result in ingest.run(settings) if result.error]
    shop.sql(
        "update orders set amount = amount + 1 where order_id % 7 = 0",
        "delete from orders where order_id <= 10",
        "update orders set order_id = order_id + 1000 where order_id > 95",
        "insert into orders values (2000, 1, 99.99, 'late')",
        "update customers set country = 'DE' where customer_id = 3",
    )
    assert built() == shop.rows(_REVENUE)
    shop.sql("truncate orders", "insert into orders values (1, 1, 5, null)")
    assert built() == shop.rows(_REVENUE)
