"""What the sandbox defers to: production's tables, read-only.

Of a Smelt project it is the published catalog, of another project on DuckDB a copy of the target's file, of a
project that builds in a database server the target's schemas.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.core.settings.model import FILE_NAME
from plugins.core.warehouse.published import catalog_path, current_run, published_file

_SMELT_PLUGIN = "plugins.core.warehouse.dbt_plugin"


@dataclass(frozen=True)
class Production:
    """path: a DuckDB file that nobody writes; None: there is no production, `missing` says how to make it.

    alias: the name under which it is attached: its own, since its views name their tables by it.
    tables: columns with types by (schema, table), lower case. readable: folders that the file's views read.
    extensions: of DuckDB, which these views need; to load them takes a second.
    pins: JSON of the bronze snapshots that production was built from, if it is a Smelt project's.
    """

    path: Path | None
    label: str
    alias: str = "smelt_production"
    tables: Mapping[tuple[str, str], Mapping[str, str | None]] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    extensions: tuple[str, ...] = ()
    missing: str | None = None
    lake_root: str | None = None
    pins: tuple | None = None


def find_production(project: Project, scratch: Path) -> Production:
    """Find production of a project; what has to be copied goes to `scratch`. Raises SmeltError.

    Of a database server it is what the target names; which tables it has is asked when a side is compiled.
    """
    if project.adapter != "duckdb":
        return Production(None, f"target {project.target_name} ({project.adapter})")
    plugins = project.credentials.get("plugins") or ()
    if (project.folder / FILE_NAME).is_file() and any(p.get("module") == _SMELT_PLUGIN for p in plugins):
        return _published(project)
    return _copied(project, scratch)


def _published(project: Project) -> Production:
    settings = load_settings(project.folder)
    lake = settings.local_root
    if not catalog_path(settings).is_file():
        return Production(
            None,
            "nothing is published",
            readable=(lake,) if lake.exists() else (),
            extensions=duck.LAKE_EXTENSIONS,
            missing="publish with `smelt run`",
            lake_root=settings.lake_root,
        )
    run = current_run(settings)
    assert run is not None
    path = published_file(settings)
    return Production(
        path,
        f"published run {run.id}",
        tables=_tables(path, duck.LAKE_EXTENSIONS),
        readable=(lake,),
        extensions=duck.LAKE_EXTENSIONS,
        lake_root=settings.lake_root,
        pins=run.pins,
    )


def _copied(project: Project, scratch: Path) -> Production:
    warehouse = project.warehouse
    if not warehouse.is_file():
        return Production(
            None,
            f"there is no {warehouse.name}",
            missing=f"build it once: `dbt build --target {project.target_name}`, or give --target",
        )
    copy = scratch / "production.duckdb"
    try:
        # A reader's lock: nobody can write while the file is copied.
        with duckdb.connect(str(warehouse), read_only=True):
            shutil.copyfile(warehouse, copy)
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise SmeltError(f"{warehouse} cannot be read: {error}", "build it anew with `dbt build`") from error
        raise SmeltError(
            f"another program is writing {warehouse}",
            "wait until it has ended, such as a build, then review again",
        ) from error
    except duckdb.Error as error:
        raise SmeltError(f"{warehouse} cannot be read: {error}", "build it anew with `dbt build`") from error
    return Production(copy, f"{warehouse.name} as it is now", project.credentials["database"], _tables(copy, ()))


def _tables(path: Path, extensions: tuple[str, ...]) -> dict[tuple[str, str], dict[str, str | None]]:
    with duck.connect(path, extensions, read_only=True) as con:
        rows = con.execute(
            "select lower(schema_name), lower(table_name), column_name, data_type from duckdb_columns() "
            "where not internal and database_name = current_database() order by table_oid, column_index"
        ).fetchall()
    tables: dict[tuple[str, str], dict[str, str | None]] = {}
    for schema, table, column, data_type in rows:
        tables.setdefault((schema, table), {})[column] = data_type
    return tables
