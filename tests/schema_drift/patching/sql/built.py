"""Real dbt projects on DuckDB: built, their source changed, patched, and built again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from plugins.core.lineage import LineageCache, ProjectLineage, known_columns
from plugins.core.project import Manifest, Project
from plugins.schema_drift.change import Change, Drift
from plugins.schema_drift.patching.patch import Mode, Patch
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql import patch_sql
from plugins.schema_drift.table import Column, History, Table

_SOURCES = """
version: 2
sources:
  - name: shop
    schema: raw
    tables: [{name: orders}, {name: customers}]
"""


@dataclass
class BuiltShop:
    """A project in a folder, over `raw.orders` and `raw.customers`. tables: SQL that makes them."""

    folder: Path
    files: dict[str, str]
    tables: str
    known: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.write(
            "dbt_project.yml", "name: p\nversion: 1.0.0\nprofile: shop\nmodels: {p: {+materialized: table}}\n"
        )
        self.write("profiles.yml", "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n")
        self.write("models/_sources.yml", _SOURCES)
        for path, text in self.files.items():
            self.write(path, text)
        self.sql(self.tables)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "shop.duckdb")) as con:
            return con.execute(text).fetchall()

    def build(self, *, full_refresh: bool = False) -> list[str]:
        """Build all; messages of what broke."""
        project = Project(self.folder, profiles_dir=self.folder)
        built = project.build(full_refresh=full_refresh)
        project.release()
        return [f"{node.name}: {node.message}" for node in built.nodes if node.is_broken or node.failures]

    def compile(self) -> None:
        project = Project(self.folder, profiles_dir=self.folder)
        project.compile()
        project.release()

    def rows(self, model: str, order: str = "all") -> list[tuple[Any, ...]]:
        return self.sql(f"select * from main.{model} order by {order}")

    def names(self, model: str) -> list[str]:
        return [
            row[0]
            for row in self.sql(
                "select column_name from duckdb_columns() where schema_name = 'main' "
                f"and table_name = '{model}' order by column_index"
            )
        ]

    def table(self, name: str = "orders", history: History | None = None) -> Table:
        """A raw table as it is."""
        rows = self.sql(
            "select column_name, lower(data_type) from duckdb_columns() where schema_name = 'raw' "
            f"and table_name = '{name}' order by column_index"
        )
        columns = tuple(Column(*row) for row in rows if not row[0].startswith("_"))
        return Table(f"source.p.shop.{name}", f"shop.{name}", ("raw", name), columns, history=history)

    def read(self) -> tuple[Manifest, Any]:
        """The manifest and the lineage, as they are now."""
        self.compile()
        manifest = Manifest.read(self.folder / "target" / "manifest.json")
        known = known_columns(manifest, self.folder, warehouse=self.folder / "shop.duckdb")
        return manifest, ProjectLineage(manifest, known, LineageCache()).read()

    def patch(
        self, state: tuple[Manifest, Any], before: Table, after: Table, changes: Sequence[Change], mode: Mode
    ) -> Patch:
        """Patch the files, and write what changed."""
        paths = sorted(
            str(path.relative_to(self.folder))
            for pattern in ("models/**/*", "macros/**/*", "tests/**/*", "snapshots/**/*", "analyses/**/*")
            for path in self.folder.glob(pattern)
            if path.is_file()
        )
        project = PatchedProject(
            state[0], state[1], paths, lambda path: (self.folder / path).read_text(), [before], [after]
        )
        made = patch_sql(project, Drift(tuple(changes)), mode)
        for one in made.changes:
            self.write(one.path, one.after or "")
        return made


def shop(folder: Path, files: Mapping[str, str], tables: str) -> BuiltShop:
    return BuiltShop(folder, dict(files), tables)
