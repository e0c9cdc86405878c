"""Runs a checked query where the engine itself lets it do no harm, and not for ever."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from plugins.core.duck import LAKE_EXTENSIONS, literal, load_extensions
from plugins.core.errors import SmeltError
from plugins.core.sql.guard.check import Checked


@dataclass(frozen=True)
class Limits:
    """seconds: wall clock. rows: more are not fetched. memory_mb: of the engine, set when it is opened."""

    seconds: float = 30.0
    rows: int = 10_000
    memory_mb: int = 2_048


@dataclass(frozen=True)
class Result:
    """Names, DuckDB types and rows. is_truncated: there were more rows than the limit."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_truncated: bool


def open_guarded(
    path: Path, allowed_directories: Sequence[Path] = (), limits: Limits | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file for queries of others: read-only, nothing outside it but `allowed_directories`.

    Raises SmeltError if the file can't be opened.
    """
    limits = limits or Limits()
    try:
        con = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise SmeltError(f"{path} cannot be opened: {error}", "check that it is a DuckDB file") from error
    # Connections of one process to one file share a database: it may be guarded already, for good.
    if con.execute("select current_setting('lock_configuration')").fetchall()[0][0]:
        return con
    if _reads_lake(con):
        load_extensions(con, LAKE_EXTENSIONS)
    folders = ", ".join(literal(str(folder).rstrip("/") + "/") for folder in allowed_directories)
    con.execute(f"set memory_limit = '{int(limits.memory_mb)}MB'")
    # Nothing spills to disk: what needs more memory than the limit fails.
    con.execute("set max_temp_directory_size = '0KB'")
    con.execute(f"set allowed_directories = [{folders}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con


def _reads_lake(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a view or a macro reads Iceberg: its extension takes a third of a second to load."""
    ((found,),) = con.execute(
        "select exists (from duckdb_views() where not internal and sql ilike '%iceberg%') "
        "or exists (from duckdb_functions() where not internal and macro_definition ilike '%iceberg%')"
    ).fetchall()
    return found


def run(con: duckdb.DuckDBPyConnection, checked: Checked, limits: Limits | None = None) -> Result:
    """Run a checked query; raises SmeltError if it fails, takes too long, or the connection is not guarded."""
    limits = limits or Limits()
    _require_guard(con)
    timer = threading.Timer(limits.seconds, con.interrupt)
    timer.start()
    try:
        cursor = con.execute(checked.sql)
        rows = cursor.fetchmany(limits.rows + 1)
        described = cursor.description or []
    except duckdb.InterruptException as error:
        raise SmeltError(
            f"the query took longer than {limits.seconds:g} s", "ask for less, or raise the limit"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise SmeltError("the query needs more memory than it may have", "ask for less") from error
    except duckdb.Error as error:
        raise SmeltError(f"the query fails: {str(error).splitlines()[0]}", "correct it") from error
    finally:
        timer.cancel()
    return Result(
        tuple(column[0] for column in described),
        tuple(str(column[1]) for column in described),
        tuple(rows[: limits.rows]),
        len(rows) > limits.rows,
    )


def _require_guard(con: duckdb.DuckDBPyConnection) -> None:
    """A defect of the caller if it fails: no query of others runs on an open door."""
    settings = con.execute(
        "select current_setting('enable_external_access'), current_setting('lock_configuration'), "
        "(select bool_and(readonly) from duckdb_databases() where not internal)"
    ).fetchall()[0]
    if settings != (False, True, True):
        raise SmeltError("the connection is not guarded", "open it with open_guarded or open_published")
