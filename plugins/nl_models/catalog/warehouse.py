"""Where a project's data and artifacts are: what Smelt published, or the DuckDB file that its profile names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings

_ARTIFACTS = "target"


@dataclass(frozen=True)
class Place:
    """versions: of published tables, what changes when their content does; empty for a warehouse file."""

    con: duckdb.DuckDBPyConnection
    manifest: Path
    semantic_manifest: Path
    stamp: str
    versions: dict[str, str]

    def relations(self) -> list[str]:
        """All tables and views, as `schema.table`."""
        rows = self.con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where not internal and not temporary "
            "union all select schema_name || '.' || view_name from duckdb_views() where not internal"
        ).fetchall()
        return [name for (name,) in rows]

    def fingerprints(self, tables: Iterable[str]) -> dict[str, str]:
        """By table, a text that is another if its columns or its content may be."""
        columns = dict(
            self.con.execute(
                "select schema_name || '.' || table_name, "
                "string_agg(column_name || ' ' || data_type, ',' order by column_index) "
                "from duckdb_columns() where not internal group by all"
            ).fetchall()
        )
        return {name: _digest(columns.get(name, ""), self.versions.get(name, self.stamp)) for name in tables}


def locate(settings: Settings, target: str | None, profiles_dir: Path | None) -> Place:
    """Raises SmeltError if there is nothing to ask yet."""
    from plugins.core.warehouse.published import catalog_path

    if target is None and catalog_path(settings).exists():
        return _published(settings)
    return _warehouse(settings.project_dir, target, profiles_dir)


def _published(settings: Settings) -> Place:
    from plugins.core.warehouse.reader import open_published

    con = open_published(settings)
    ((run,),) = con.execute("select run_id from smelt.run").fetchall()
    versions = dict(con.execute("select dataset, metadata_location from smelt.tables").fetchall())
    folder = settings.published_dir / "runs" / run
    return Place(con, folder / "manifest.json", folder / "semantic_manifest.json", run, versions)


def _warehouse(folder: Path, target: str | None, profiles_dir: Path | None) -> Place:
    from plugins.core.project.compiled import OWN_TARGET, compiled_manifest
    from plugins.core.project.project import Project
    from plugins.core.sql.guard import open_guarded

    project = Project(folder, target=target, profiles_dir=profiles_dir)
    if project.adapter != "duckdb":
        raise SmeltError(
            f"target {project.target_name} is {project.adapter}, and only DuckDB can be asked",
            "build into a DuckDB target and give --target, or copy the tables and give --database FILE",
        )
    warehouse = project.warehouse
    if not warehouse.is_file():
        raise SmeltError(f"there is no warehouse {warehouse} yet", "run `dbt build` first")
    compiled_manifest(project)
    places = [folder / _ARTIFACTS, folder / OWN_TARGET]
    # The newer one: a project that changed since it was built has been compiled into the other.
    written = [path for path in places if (path / "manifest.json").is_file()]
    artifacts = max(written, key=lambda path: (path / "manifest.json").stat().st_mtime)
    found = warehouse.stat()
    con = open_guarded(warehouse)
    stamp = f"{found.st_mtime_ns}-{found.st_size}"
    return Place(con, artifacts / "manifest.json", artifacts / "semantic_manifest.json", stamp, {})


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
