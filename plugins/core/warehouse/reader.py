"""The guarded, read-only connection to what is published: the only door for BI, agents and notebooks."""

from __future__ import annotations

import duckdb

from plugins.core.duck import LAKE_EXTENSIONS, literal, load_extensions
from plugins.core.settings import Settings
from plugins.core.warehouse.published import damaged, published_file


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
    # Connections of one process to one file share a database: it may be locked already.
    if con.execute("select current_setting('lock_configuration')").fetchone() == (True,):
        return con
    load_extensions(con, LAKE_EXTENSIONS)
    con.execute("set global timezone = 'UTC'")
    allowed = literal(settings.lake_root.rstrip("/") + "/")
    con.execute(f"set allowed_directories = [{allowed}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con
