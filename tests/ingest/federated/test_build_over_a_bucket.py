"""A project over files of a bucket that stay there: built, published, told by status, and switched to loads."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import ingest
from plugins.build import build
from plugins.build.status import status
from plugins.core.settings import Settings, load_settings
from plugins.core.warehouse.reader import open_published
from tests.build.shop import new_project
from tests.ingest.federated.counting import serve_s3
from tests.ingest.objects.servers import open_client

SECRET = "canary-of-the-build-9b1e"
_SOURCE = """
kind: files
connection: shop
owner: tests
streams:
  - {{name: customers, files: {{glob: "customers/*.parquet"}}, primary_key: [customer_id], sync_mode: {mode},
     freshness_sla: P1D}}
  - {{name: orders, files: {{glob: "orders/**/*.parquet"}}, primary_key: [order_id], sync_mode: {mode}}}
"""
_CUSTOMERS = "select * from (values (1::int, 'UK'), (2::int, 'DE'), (3::int, 'FR')) as t(customer_id, country)"
_ORDERS = (
    "select i::bigint as order_id, (i % 3 + 1)::int as customer_id, (i % 50)::decimal(12, 2) as amount, "
    "null::varchar as note from range({}, {}) as r(i)"
)


def _built(settings: Settings) -> list[tuple]:
    assert not [result.error for result in ingest.run(settings) if result.error]
    assert build(settings).exit_code == 0
    with open_published(settings) as con:
        return con.execute("select * from gold.agg_revenue_by_country order by 1").fetchall()


@pytest.mark.full
def test_models_are_built_from_objects_that_stay_in_their_bucket(tmp_path: Path) -> None:
    server = serve_s3("shop-of-files")
    store = open_client("shop-of-files", server.url)
    project = tmp_path / "project"
    new_project(project)
    (project / "key.id").write_text("id-of-the-shop")
    (project / "key.secret").write_text(SECRET)
    with (project / "smelt.toml").open("a") as file:
        file.write('\n[connections.shop]\ntype = "files"\nurl = "s3://shop-of-files/in"\n')
        file.write(f'[connections.shop.storage]\nendpoint = "{server.url}"\n')
        file.write('access_key = "file:key.id"\nsecret_key = "file:key.secret"\n')

    def put(path: str, query: str) -> None:
        duckdb.connect().execute(f"copy ({query}) to '{tmp_path}/made.parquet'")
        store.put(f"in/{path}", (tmp_path / "made.parquet").read_bytes())

    def declare(mode: str) -> None:
        (project / "sources" / "shop" / "source.yml").write_text(_SOURCE.format(mode=mode))

    try:
        settings = load_settings(project)
        put("customers/all.parquet", _CUSTOMERS)
        put("orders/2026/a.parquet", _ORDERS.format(0, 100))
        declare("federated")
        first = _built(settings)
        put("orders/2026/b.parquet", _ORDERS.format(100, 150))
        second = _built(settings)
        assert second != first
        assert not list((settings.local_root / "bronze").rglob("*.parquet"))
        streams = status(settings).streams
        assert [(one.is_in_place, one.is_late) for one in streams] == [(True, False), (True, False)]
        assert all(account.is_balanced for account in status(settings).accounts)
        declare("incremental")
        assert _built(settings) == second
        assert [one.is_in_place for one in status(settings).streams] == [False, False]
        for path in project.rglob("*"):
            is_kept = path.is_file() and path.name != "key.secret"
            assert not (is_kept and SECRET.encode() in path.read_bytes()), path
    finally:
        server.stop()
