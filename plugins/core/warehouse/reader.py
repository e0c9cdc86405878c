"""Read-only connections: the guarded one to what is published, and one to what the last build left.

The guarded one is the only door for BI, agents and notebooks.
"""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb

from plugins.core.duck import LAKE_EXTENSIONS, literal, load_extensions
from plugins.core.errors import SmeltError
from plugins.core.objects import allow_lake
from plugins.core.settings import Settings
from plugins.core.warehouse.published import damaged, published_file

_guarding = threading.Lock()
# Of one reader; a query that needs more fails instead of taking the machine.
_MEMORY = "4GB"


def open_published(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the run that is published now; it stays that run for as long as the connection is open.

    Reads only, from the lake's folder only: other files, attach, install, settings and DDL are refused.
    (`copy … to` inside the lake is not: whoever runs SQL of others must refuse it after parsing.)
    Raises SmeltError if nothing is published, or if the catalog file is damaged.
    """
    path = published_file(settings)
    try:
        con = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise damaged(path, error) from error
    with _guarding:
        _guard(con, settings)
    return con


def _guard(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    # Connections of one process to one file share a database: it may be guarded already.
    if con.execute("select current_setting('lock_configuration')").fetchone() == (True,):
        return
    load_extensions(con, LAKE_EXTENSIONS)
    allow_lake(con, settings)
    con.execute("set global timezone = 'UTC'")
    con.execute(f"set memory_limit = '{_MEMORY}'")
    con.execute("set max_temp_directory_size = '0KB'")
    allowed = literal(settings.lake_root.rstrip("/") + "/")
    con.execute(f"set allowed_directories = [{allowed}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")


def open_built(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a target's warehouse file, as the last build left it, for reading.

    Raises SmeltError if there is none, or if a build is writing it: that one is never waited for.
    """
    if not path.is_file():
        raise SmeltError(f"there is no warehouse {path} yet", "run `smelt build` first")
    try:
        con = duckdb.connect(str(path), read_only=True)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise SmeltError(
                f"a build is writing {path}", "try again when it has ended, or read what is published instead"
            ) from error
        raise SmeltError(
            f"the warehouse {path} cannot be read: {error}",
            "delete the file and run `smelt build`: it is made anew",
        ) from error
    load_extensions(con, LAKE_EXTENSIONS)
    con.execute("set timezone = 'UTC'")
    return con
