"""A project with one PostgreSQL schema of its own as its source."""

from __future__ import annotations

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


@dataclass
class Shop:
    """One schema of the server, and the project that loads it as the source `shop`."""

    project: Path
    dsn: str
    schema: str

    def sql(self, statement: str, parameters: Any = None) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'set search_path to "{self.schema}"')
            connection.execute(statement, parameters)  # type: ignore[arg-type]

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'set search_path to "{self.schema}"')
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    def stream(self, table: str, *lines: str) -> None:
        """Declare the stream `t` over `table`, with further lines of its YAML."""
        folder = self.project / "sources" / "shop"
        folder.mkdir(exist_ok=True)
        (self.project / "shop.dsn").write_text(self.dsn)
        (self.project / "smelt.toml").write_text('[connections.shop]\ntype = "postgres"\ndsn = "file:shop.dsn"\n')
        quoted = f'"{self.schema}".{table}'.replace("'", "''")
        text = "kind: postgres\nconnection: shop\nowner: tests\nstreams:\n"
        text += "\n    ".join(["  - name: t", f"table: '{quoted}'", *lines]) + "\n"
        (folder / "source.yml").write_text(text)

    def ingest(self, **options: Any) -> ingest.StreamResult:
        (result,) = ingest.run(load_settings(self.project), **options)
        return result

    def load(self, **options: Any) -> ingest.StreamResult:
        """Ingest, which must succeed."""
        result = self.ingest(**options)
        assert result.error is None, result.error
        return result

    def bronze(self, query: str, table: str = "shop__t") -> list[tuple]:
        """`query` over the table, called `bronze` in it."""
        (pin,) = [pin for pin in pin_namespace(Lake(load_settings(self.project)), "bronze") if pin.table == table]
        con = duck.connect()
        con.execute(f"create temp view bronze as select * from {scan_sql(pin)}")
        return con.execute(query).fetchall()

    def snapshots(self) -> int:
        return len(Lake(load_settings(self.project)).table("bronze.shop__t").metadata.snapshots)

    def metadata(self) -> str:
        return Lake(load_settings(self.project)).table("bronze.shop__t").metadata_location


@pytest.fixture
def shop(project: Path, postgres: str) -> Shop:
    schema = f"s_{new_id().lower()}"
    made = Shop(project, postgres, schema)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'create schema "{schema}"')
    return made
