"""Views over what is read in place: a database is attached read-only, and secrets are in no text."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from plugins.core.duck import literal, load_extensions, quote
from plugins.core.errors import SmeltError
from plugins.core.lake import Pin, scan_sql
from plugins.core.objects import allow_connection
from plugins.core.settings import Settings, mask, resolve

# What DuckDB keeps in a secret, redacted wherever it shows it; anything else of a DSN is no secret.
_SECRET = {"host": "host", "port": "port", "user": "user", "password": "password", "dbname": "database"}
_SECONDS = "5"


def lay_in_place(con: duckdb.DuckDBPyConnection, settings: Settings, pins: Iterable[Pin]) -> None:
    """Make the views. One whose source can't be reached raises that when it is read: others go on."""
    refused: dict[str, str] = {}
    let_in: set[tuple[str, str]] = set()
    for pin in pins:
        found = pin.in_place
        if found is None:
            continue
        alias, connection = found["alias"] or "", found["connection"]
        if connection and (connection, alias) not in let_in and connection not in refused:
            try:
                if alias:
                    _attach(con, settings, connection, alias)
                else:
                    allow_connection(con, settings, connection)
                let_in.add((connection, alias))
            except (SmeltError, duckdb.Error) as error:
                refused[connection] = mask(str(error)).splitlines()[0][:300]
        view = f"{quote(pin.namespace)}.{quote(pin.table)}"
        if connection in refused:
            why = f"{pin.table} is read in place, and its source cannot be: {refused[connection]}"
            con.execute(f"create or replace view {view} as {_unreadable(pin, why)}")
        else:
            _lay(con, view, pin, found["sql"] or "")


def _lay(con: duckdb.DuckDBPyConnection, view: str, pin: Pin, sql: str) -> None:
    try:
        con.execute(f"create or replace view {view} as {sql}")
    except duckdb.Error as error:
        told = mask(str(error)).splitlines()[0][:200]
        # Of what can't be reached, nobody knows whether it has changed.
        is_reached = not isinstance(error, duckdb.IOException)
        how = f"has changed: {told}; run smelt ingest" if is_reached else f"cannot be: {told}"
        why = f"{pin.table} is read in place, and its source {how}"
        con.execute(f"create or replace view {view} as {_unreadable(pin, why)}")


def _unreadable(pin: Pin, why: str) -> str:
    """The table's columns, and an error for whoever reads them."""
    return f"select t.* from {scan_sql(pin)} as t full join (select error({literal(why)}) as e) on e is not null"


def _attach(con: duckdb.DuckDBPyConnection, settings: Settings, connection: str, alias: str) -> None:
    from psycopg import ProgrammingError  # only where something is read in place
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    load_extensions(con, ("postgres_scanner",))
    if con.execute("select 1 from duckdb_databases() where database_name = ?", [alias]).fetchone():
        return
    reference = settings.connection(connection).dsn or ""
    dsn = resolve(reference, settings.project_dir, f"connections.{connection}.dsn")
    try:
        given = conninfo_to_dict(dsn)
    except ProgrammingError:
        raise SmeltError(f"connections.{connection}.dsn is no PostgreSQL connection string") from None
    kept = ", ".join(f"{_SECRET[name]} {literal(str(value))}" for name, value in given.items() if name in _SECRET)
    rest = {name: value for name, value in given.items() if name not in _SECRET}
    options = make_conninfo(**{"connect_timeout": _SECONDS, **rest})
    con.execute(f"create or replace temporary secret {quote(alias)} (type postgres, {kept})")
    con.execute(f"attach {literal(options)} as {quote(alias)} (type postgres, secret {quote(alias)}, read_only)")
