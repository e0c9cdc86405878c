"""DuckDB connections with the extensions that Smelt ships as wheels, so that no network is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path

import duckdb

from plugins.core.errors import SmeltError

LAKE_EXTENSIONS = ("avro", "iceberg")
# What lets a connection into each lake that this process has opened and that is not a folder.
_ways: dict[str, Callable[[duckdb.DuckDBPyConnection], None]] = {}
# Extensions whose signatures DuckDB has checked for this process.
_checked: set[str] = set()
_checking = threading.Lock()


def load_extensions(con: duckdb.DuckDBPyConnection, extensions: Collection[str]) -> None:
    """Load each extension, from its wheel where one is installed and from DuckDB's repository otherwise.

    A connection that is to read Iceberg is let into the lakes that this process has opened.
    """
    if extensions and con.execute("select current_setting('allow_unsigned_extensions')").fetchone() == (True,):
        _check(extensions)
    for name in extensions:
        _load(con, name)
    if "iceberg" in extensions:
        renew(con)


def _load(con: duckdb.DuckDBPyConnection, name: str) -> None:
    from duckdb_extensions import import_extension

    try:
        con.load_extension(name)
    except duckdb.Error:
        import_extension(name, con=con)
        con.load_extension(name)


def _check(extensions: Collection[str]) -> None:
    """Have the signatures of `extensions` checked that were not; raises what DuckDB says of one that is wrong."""
    with _checking:
        for name in [one for one in extensions if one not in _checked]:
            with duckdb.connect() as strict:
                _load(strict, name)
            _checked.add(name)


def connect(
    path: str | Path = ":memory:",
    extensions: Collection[str] = LAKE_EXTENSIONS,
    *,
    read_only: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB database in UTC with `extensions` loaded."""
    con = duckdb.connect(str(path), read_only=read_only)
    load_extensions(con, extensions)
    con.execute("set timezone = 'UTC'")
    return con


def connect_one_of_many() -> duckdb.DuckDBPyConnection:
    """Open a DuckDB in memory in UTC, for statements of Smelt's own only, in a process that opens many.

    DuckDB reads a whole extension to check its signature, a tenth of a second, for each database that loads it.
    For these, `load_extensions` has each checked once in the process.
    """
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.execute("set timezone = 'UTC'")
    return con


def open_way(root: str, allow: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
    """From now on, connections that read Iceberg are let into the lake at `root` by `allow`."""
    _ways[root] = allow


def renew(con: duckdb.DuckDBPyConnection) -> None:
    """Let `con` into the lakes that this process has opened, with their keys as they are now."""
    for root, allow in list(_ways.items()):
        try:
            allow(con)
        except SmeltError:
            # Its keys are gone, with its project perhaps; whoever opens that lake again is told.
            del _ways[root]


def quote(identifier: str) -> str:
    """An SQL identifier in double quotes, safe for any column name."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
