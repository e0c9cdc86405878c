"""DuckDB connections with the extensions that Smelt ships as wheels, so that no network is needed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

LAKE_EXTENSIONS = ("avro", "iceberg")


def load_extensions(con: duckdb.DuckDBPyConnection, extensions: Iterable[str]) -> None:
    """Load each extension, from its wheel where one is installed and from DuckDB's repository otherwise."""
    from duckdb_extensions import import_extension

    for name in extensions:
        try:
            con.load_extension(name)
        except duckdb.Error:
            import_extension(name, con=con)
            con.load_extension(name)


def connect(
    path: str | Path = ":memory:",
    extensions: Iterable[str] = LAKE_EXTENSIONS,
    *,
    read_only: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database in UTC with `extensions` loaded."""
    con = duckdb.connect(str(path), read_only=read_only)
    load_extensions(con, extensions)
    con.execute("set timezone = 'UTC'")
    return con


def quote(identifier: str) -> str:
    """An SQL identifier in double quotes, safe for any column name."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
