"""Changes of a PostgreSQL database, captured into a lake in a bucket."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from plugins.core.ledger import new_id
from tests.ingest.cdc.conftest import Captured
from tests.ingest.objects.servers import Gateway


@pytest.mark.full
def test_changes_are_captured_into_a_bucket(
    project: Path, postgres: str, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.bucket("lake")
    for name, value in (
        ("SMELT_LAKE__ROOT", "s3://lake/house"),
        ("SMELT_LAKE__STORAGE__ENDPOINT", gateway.endpoint),
        ("SMELT_LAKE__STORAGE__ACCESS_KEY", "env:LAKE_KEY"),
        ("SMELT_LAKE__STORAGE__SECRET_KEY", "env:LAKE_SECRET"),
        ("LAKE_KEY", gateway.access_key),
        ("LAKE_SECRET", gateway.secret_key),
    ):
        monkeypatch.setenv(name, value)
    shop = Captured(project, postgres, f"s_{new_id().lower()}")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'create schema "{shop.schema}"')  # type: ignore[arg-type]
        try:
            shop.sql("create table t (id int primary key, v text)", "insert into t values (1, 'a'), (2, 'b')")
            shop.declare(t="[id]")
            assert shop.load()["t"].rows_loaded == 2
            shop.sql(
                "update t set v = 'x' where id = 1", "delete from t where id = 2", "insert into t values (3, 'c')"
            )
            result = shop.load()["t"]
            assert (result.rows_loaded, result.tombstones, result.bytes > 0) == (3, 1, True)
            assert shop.state("id, v") == [(1, "x"), (3, "c")]
            assert shop.bronze("select count(*) from bronze", "cdc_transactions") == [(3,)]
        finally:
            connection.execute(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s",
                [shop.slot],
            )
            connection.execute(f'drop publication if exists "{shop.slot}"')  # type: ignore[arg-type]
