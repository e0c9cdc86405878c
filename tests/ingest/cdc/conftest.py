"""A project whose source `shop` captures tables of one PostgreSQL schema of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

import ingest
from plugins.core import duck
from plugins.core.lake import Lake, pin_namespace, scan_sql
from plugins.core.ledger import new_id
from plugins.core.settings import load_settings

AUDIT = "_smelt_commit_lsn, _smelt_sequence, _smelt_committed_at, _smelt_xid"


@dataclass
class Captured:
    """One schema of the server, and the project that captures it."""

    project: Path
    dsn: str
    schema: str

    @property
    def slot(self) -> str:
        return self.schema

    def sql(self, *statements: str) -> None:
        """Run statements, each in a transaction of its own."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'set search_path to "{self.schema}"')
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'set search_path to "{self.schema}"')
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    def declare(self, **tables: str) -> None:
        """Capture tables: their names, and the primary key as YAML (`[id]`)."""
        folder = self.project / "sources" / "shop"
        folder.mkdir(exist_ok=True)
        (self.project / "shop.dsn").write_text(self.dsn)
        (self.project / "smelt.toml").write_text('[connections.shop]\ntype = "postgres"\ndsn = "file:shop.dsn"\n')
        text = "kind: postgres\nconnection: shop\nowner: tests\n"
        text += f"cdc: {{slot: {self.slot}, publication: {self.slot}}}\nstreams:\n"
        for name, key in tables.items():
            table = f"'\"{self.schema}\".{name}'"
            text += f"  - {{name: {name}, table: {table}, sync_mode: cdc, primary_key: {key}}}\n"
        (folder / "source.yml").write_text(text)

    def ingest(self, **options: Any) -> list[ingest.StreamResult]:
        return ingest.run(load_settings(self.project), **options)

    def load(self, **options: Any) -> dict[str, ingest.StreamResult]:
        """Ingest, which must succeed; results by stream."""
        results = self.ingest(**options)
        assert not [result.error for result in results if result.error]
        return {result.stream: result for result in results}

    def bronze(self, query: str, table: str = "t") -> list[tuple]:
        """`query` over a table, called `bronze` in it."""
        pins = pin_namespace(Lake(load_settings(self.project)), "bronze")
        (pin,) = [pin for pin in pins if pin.table == f"shop__{table}"]
        con = duck.connect()
        con.execute(f"create temp view bronze as select * from {scan_sql(pin)}")
        return con.execute(query).fetchall()

    def events(self, columns: str, table: str = "t") -> list[tuple]:
        """Operation and `columns` of all rows, in order."""
        return self.bronze(
            f"select _smelt_op, {columns} from bronze order by _smelt_batch_id, _smelt_source_position", table
        )

    def state(self, columns: str, key: str = "id", table: str = "t") -> list[tuple]:
        """The newest version of each key that is not deleted, by key."""
        return self.bronze(
            f"select {columns} from (select * from bronze qualify row_number() over (partition by {key} "
            "order by _smelt_batch_id desc, _smelt_source_position desc) = 1) where _smelt_op <> 'd' "
            f"order by {key}",
            table,
        )


@pytest.fixture
def shop(project: Path, postgres: str) -> Iterator[Captured]:
    schema = f"s_{new_id().lower()}"
    made = Captured(project, postgres, schema)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'create schema "{schema}"')
        yield made
        for what in ("pg_terminate_backend(active_pid)", "pg_drop_replication_slot(slot_name)"):
            connection.execute(f"select {what} from pg_replication_slots where slot_name = %s", [made.slot])  # type: ignore[arg-type]
        connection.execute(f'drop publication if exists "{made.slot}"')
