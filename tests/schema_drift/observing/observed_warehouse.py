"""A dbt project on DuckDB whose source tables tests change."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.schema_drift.observing import Pair, Snapshot, open_pair, take_snapshot
from plugins.schema_drift.table import SeenTable


@dataclass
class Warehouse:
    """The project and its file, `shop.duckdb`."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Warehouse:
        made = cls(folder)
        made.write("dbt_project.yml", "name: shop\nversion: '1.0'\nprofile: shop\n")
        made.write(
            "profiles.yml",
            "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, schema: main}}}\n",
        )
        made.sql("create schema raw")
        return made

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def sources(self, *tables: str) -> None:
        """Declare tables of `raw`, each a name or a flow mapping."""
        lines = [f"  - {t if t.startswith('{') else f'name: {t}'}\n" for t in tables]
        self.write("models/sources.yml", "sources:\n- name: raw\n  tables:\n" + "".join(lines))

    def sql(self, *statements: str) -> None:
        with duckdb.connect(str(self.folder / "shop.duckdb")) as con:
            for statement in statements:
                con.execute(statement)

    @property
    def project(self) -> Project:
        return Project(self.folder)

    def snapshot(self, path: Path | None = None, select: Sequence[str] = ()) -> Snapshot:
        return take_snapshot(self.project, load_settings(self.folder), path, select)

    def pair(self, before: str | None = None, select: Sequence[str] = ()) -> AbstractContextManager[Pair]:
        return open_pair(self.project, load_settings(self.folder), before, select)


def side(tables: Sequence[SeenTable], name: str) -> SeenTable:
    """The one table of this name."""
    (found,) = [one for one in tables if one.table.name == name]
    return found


def names(seen: SeenTable) -> list[str]:
    return [column.name for column in seen.table.columns]


def rows(pair: Pair, seen: SeenTable, order: str = "all") -> list[tuple]:
    """All rows of a side; its columns must be those of the table."""
    assert seen.rows is not None
    got = pair.con.execute(f"from {seen.rows} order by {order}")
    assert [column[0] for column in got.description] == names(seen)
    return got.fetchall()
