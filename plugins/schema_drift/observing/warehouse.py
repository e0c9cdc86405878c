"""Opens the warehouse of a project beside whatever else a connection has: which kind it is, is known only here."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import duckdb

from plugins.core import duck
from plugins.core.project import Manifest, Project
from plugins.core.settings import Settings
from plugins.schema_drift.observing import bronze
from plugins.schema_drift.observing.duckdb_file import attach_warehouse
from plugins.schema_drift.observing.found import Warehouse


def connect(scratch: Path) -> duckdb.DuckDBPyConnection:
    """A connection in memory and in UTC, which spills to the folder `scratch`."""
    con = duck.connect(":memory:", ())
    con.execute(f"set temp_directory = {duck.literal(str(scratch / 'spilled'))}")
    return con


def open_warehouse(
    con: duckdb.DuckDBPyConnection, project: Project, settings: Settings, adapter: str, scratch: Path
) -> AbstractContextManager[Warehouse]:
    """The warehouse of the project's target, whose rows are read in `con`. Raises SmeltError if it can't be."""
    if bronze.is_smelt_project(project):
        return nullcontext(bronze.open_now(con, project, settings))
    if adapter != "duckdb":
        # Loading dbt's adapter takes seconds.
        from plugins.schema_drift.observing.server import open_server

        return open_server(con, project, dialect_of(adapter))
    return nullcontext(attach_warehouse(con, project, scratch))


def dialect_of(adapter: str) -> str:
    """sqlglot's name of an adapter's SQL."""
    return Manifest({"metadata": {"adapter_type": adapter}}).dialect
