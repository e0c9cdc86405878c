"""A project whose source `shop` captures tables of one database of its own, on a MariaDB server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import ingest
from plugins.core import duck
from plugins.core.lake import Lake, pin_namespace, scan_sql
from plugins.core.ledger import new_id
from plugins.core.settings import load_settings
from tests.ingest.mysql.mariadb import Server, folder


@dataclass
class Captured:
    """One database of the server, and the project that captures it."""

    project: Path
    server: Server
    database: str

    def sql(self, *statements: str, **options: Any) -> None:
        """Run statements, each in a transaction of its own."""
        with self.server.connect(database=self.database, **options) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, query: str) -> list[tuple]:
        with self.server.connect(database=self.database) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def connect(self) -> None:
        """Write smelt.toml."""
        lines = f'type = "mysql"\nurl = "{self.server.url}/{self.database}"\n'
        (self.project / "smelt.toml").write_text(f"[connections.shop]\n{lines}")

    def declare(self, **tables: str) -> None:
        """Capture tables: their names, and the primary key as YAML (`[id]`)."""
        self.streams(*(f"{{name: {name}, sync_mode: cdc, primary_key: {key}}}" for name, key in tables.items()))

    def streams(self, *streams: str) -> None:
        """Declare streams, each as YAML."""
        source = self.project / "sources" / "shop"
        source.mkdir(exist_ok=True)
        self.connect()
        listed = "".join(f"  - {stream}\n" for stream in streams)
        (source / "source.yml").write_text(f"kind: mysql\nconnection: shop\nowner: tests\nstreams:\n{listed}")

    def ingest(self, **options: Any) -> list[ingest.StreamResult]:
        return ingest.run(load_settings(self.project), **options)

    def load(self, **options: Any) -> dict[str, ingest.StreamResult]:
        """Ingest, which must succeed; results by stream."""
        results = self.ingest(**options)
        assert not [result.error for result in results if result.error]
        return {result.stream: result for result in results}

    def refused(self, **options: Any) -> tuple[str, str]:
        """Ingest, which must fail: the error and its hint."""
        failed = [result for result in self.ingest(**options) if result.error]
        assert failed
        return failed[0].error or "", failed[0].hint or ""

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


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A running server, for all tests that don't stop it."""
    place = folder()
    server = Server(place)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server for one test, that may do with it what it likes."""
    place = folder()
    server = Server(place)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(place, ignore_errors=True)


def captured(project: Path, server: Server) -> Captured:
    made = Captured(project, server, f"s_{new_id().lower()}")
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"create database {made.database} character set utf8mb4")
    return made


@pytest.fixture
def shop(project: Path, mariadb: Server) -> Captured:
    return captured(project, mariadb)
