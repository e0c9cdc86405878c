"""A project whose streams are read in place builds, follows its source, and is switched to loads as it is."""

from __future__ import annotations

import psycopg
import pytest

import ingest
from plugins.build import build
from plugins.build.status import status
from plugins.core.ledger import new_id
from plugins.core.settings import Settings, load_settings
from plugins.core.warehouse.reader import open_published
from tests.build.shop import new_project

SECRET = "s3cret-of-the-shop"
_SOURCE = """
kind: postgres
connection: shop
owner: tests
streams:
  - {{name: customers, table: "{schema}.customers", primary_key: [customer_id], sync_mode: {mode}}}
  - {{name: orders, table: "{schema}.orders", primary_key: [order_id], sync_mode: {mode}}}
"""


@pytest.fixture
def shop(tmp_path, postgres: str):
    new_project(tmp_path)
    schema = f"s_{new_id().lower()}"
    connection = psycopg.connect(postgres, autocommit=True)
    connection.execute(f'create schema "{schema}"')
    connection.execute(f'set search_path to "{schema}"')
    connection.execute("create table customers (customer_id int primary key, country text)")
    connection.execute("insert into customers values (1, 'UK'), (2, 'DE'), (3, 'FR')")
    connection.execute(
        "create table orders (order_id bigint primary key, customer_id int, amount numeric(12, 2), note text)"
    )
    connection.execute("insert into orders select i, i % 3 + 1, i % 50, null from generate_series(0, 99) as i")
    with (tmp_path / "smelt.toml").open("a") as file:
        file.write('\n[connections.shop]\ntype = "postgres"\ndsn = "file:shop.dsn"\n')
    (tmp_path / "shop.dsn").write_text(f"{postgres}{'&' if '?' in postgres else '?'}password={SECRET}")

    def declare(mode: str) -> None:
        text = _SOURCE.format(schema=schema, mode=mode)
        (tmp_path / "sources" / "shop" / "source.yml").write_text(text)

    declare("federated")
    yield load_settings(tmp_path), connection, declare
    connection.close()


def _totals(settings: Settings) -> list[tuple]:
    with open_published(settings) as con:
        return con.execute("select * from gold.agg_revenue_by_country order by 1").fetchall()


def _built(settings: Settings) -> None:
    assert not [result.error for result in ingest.run(settings) if result.error]
    assert build(settings).exit_code == 0


@pytest.mark.full
def test_a_build_reads_in_place_and_the_switch_to_loads_changes_no_model(shop) -> None:
    settings, connection, declare = shop
    _built(settings)
    first = _totals(settings)
    assert not list((settings.local_root / "bronze").rglob("*.parquet"))
    connection.execute("insert into orders values (1000, 1, 7, null)")
    _built(settings)
    second = _totals(settings)
    assert second != first
    assert [one.is_in_place for one in status(settings).streams] == [True, True]
    assert all(account.is_balanced for account in status(settings).accounts)
    for path in settings.project_dir.rglob("*"):
        is_kept = path.is_file() and path.name != "shop.dsn"
        assert not (is_kept and SECRET.encode() in path.read_bytes()), path
    declare("full")
    _built(settings)
    assert _totals(settings) == second
    assert list((settings.local_root / "bronze").rglob("*.parquet"))
    assert [one.is_in_place for one in status(settings).streams] == [False, False]
