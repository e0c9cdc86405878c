"""A Smelt project over one PostgreSQL schema: loaded by real ingest, published without a build."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

import ingest
from plugins.core.lake import Lake, pin_namespace
from plugins.core.ledger import new_id
from plugins.core.project import Project
from plugins.core.settings import Settings, load_settings
from plugins.core.warehouse.published import PublishedRun, point_to, write_run

_PROFILES = """
shop:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('SMELT_PROJECT_DIR', '.') }}/lake/dev.duckdb"
      plugins: [{module: plugins.core.warehouse.dbt_plugin, alias: bronze}]
      module_paths: ["."]
"""


@dataclass
class SmeltShop:
    """The source `shop`, whose streams are tables of `schema`."""

    folder: Path
    dsn: str
    schema: str

    @classmethod
    def make(cls, folder: Path, dsn: str, schema: str) -> SmeltShop:
        made = cls(folder, dsn, schema)
        (folder / "sources" / "shop").mkdir(parents=True)
        made.write(
            "dbt_project.yml", "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models, sources]\n"
        )
        made.write("profiles.yml", _PROFILES)
        made.write(".dbtignore", "source.yml\n")
        made.write("smelt.toml", '[connections.shop]\ntype = "postgres"\ndsn = "file:shop.dsn"\n')
        made.write("shop.dsn", dsn)
        return made

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def streams(self, **keys: str) -> None:
        """Declare streams with their keys, for ingest and for dbt."""
        ours = "kind: postgres\nconnection: shop\nowner: tests\nstreams:\n"
        theirs = "sources:\n- name: shop\n  schema: bronze\n  tables:\n"
        for name, key in keys.items():
            ours += f"  - {{name: {name}, table: '{self.schema}.{name}', primary_key: [{key}]}}\n"
            theirs += f"  - {{name: {name}, identifier: shop__{name}}}\n"
        self.write("sources/shop/source.yml", ours)
        self.write("sources/shop/_shop__sources.yml", theirs)

    @property
    def settings(self) -> Settings:
        return load_settings(self.folder)

    @property
    def project(self) -> Project:
        return Project(self.folder)

    def sql(self, statement: str, parameters: Any = None) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'set search_path to "{self.schema}"')  # type: ignore[arg-type]
            connection.execute(statement, parameters)  # type: ignore[arg-type]

    def load(self) -> list[ingest.StreamResult]:
        return ingest.run(self.settings)

    def publish(self) -> str:
        """As if a build had published what bronze holds now."""
        pins = tuple(pin_namespace(Lake(self.settings), "bronze"))
        run = PublishedRun(new_id(), datetime.now(UTC), "dev", (), pins)
        write_run(self.settings, run)
        point_to(self.settings, run.id)
        return run.id
