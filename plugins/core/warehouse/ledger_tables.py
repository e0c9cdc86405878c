"""The ledger inside dbt's warehouse: `ledger.*` tables, copied when dbt connects, for models/ops.

Copies and not views: a view over an attached database breaks whoever opens the file without attaching it.
The ledger is small (a few rows a run), so the copy costs milliseconds.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote as quote_url

import duckdb
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlalchemy import BigInteger, Boolean, DateTime, Float, Table
from sqlalchemy.engine import make_url

from plugins.core.duck import literal, load_extensions, quote
from plugins.core.errors import SmeltError
from plugins.core.ledger import TABLES
from plugins.core.settings import Settings, mask

_DURATION = TypeAdapter(timedelta)


def lay_ledger_tables(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Make `ledger.<table>` for every ledger table and `ledger.streams` from source.yml; empty without a ledger.

    Raises SmeltError if there is a ledger that cannot be read.
    """
    con.execute("create schema if not exists ledger")
    with tempfile.TemporaryDirectory() as folder:
        attached = _attach(con, settings, Path(folder) / "ledger.db")
        try:
            for name, table in TABLES.items():
                source = f"smelt_ledger.{name}" if attached and _has(con, name) else None
                con.execute(f"create or replace table ledger.{name} as {_copy(table, source)}")
        except duckdb.Error as error:
            raise _unreadable("the ledger", error) from error
        finally:
            if attached:
                con.execute("detach smelt_ledger")
    _lay_streams(con, settings.project_dir)


def _attach(con: duckdb.DuckDBPyConnection, settings: Settings, snapshot: Path) -> bool:
    url = make_url(settings.ledger_url)
    name = f"the ledger {mask(str(url))}"
    if url.get_backend_name() == "sqlite":
        if not url.database or not Path(url.database).is_file():
            return False
        _take_snapshot(Path(url.database), snapshot, name)
        load_extensions(con, ("sqlite_scanner",))
        con.execute("set sqlite_all_varchar = true")  # SQLite's types are hints; the copy casts
        where, kind = str(snapshot), "sqlite"
    else:
        load_extensions(con, ("postgres_scanner",))
        where, kind = url.set(drivername="postgresql").render_as_string(hide_password=False), "postgres"
    try:
        con.execute(f"attach {literal(where)} as smelt_ledger (type {kind}, read_only)")
    except duckdb.Error as error:
        raise _unreadable(name, error) from error
    return True


def _take_snapshot(ledger: Path, snapshot: Path, name: str) -> None:
    """Copy the ledger with the SQLite that writes it.

    DuckDB brings another SQLite along. Two in one process must not open the same file: where one closes it,
    the system drops the locks of the other, and rows are lost (sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        with closing(sqlite3.connect(f"file:{quote_url(str(ledger))}?mode=ro", uri=True, timeout=5)) as source:
            source.execute("vacuum into ?", [str(snapshot)])
    except sqlite3.Error as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> SmeltError:
    return SmeltError(
        f"{name} cannot be read: {mask(' '.join(str(error).split()))}",
        "restore it from a backup, or move it away: a new one is made, without the history",
    )


def _has(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    query = "select 1 from duckdb_tables() where database_name = 'smelt_ledger' and table_name = ?"
    return con.execute(query, [name]).fetchone() is not None


def _copy(table: Table, source: str | None) -> str:
    """A SELECT with the table's columns, typed; without rows if there is no source."""
    if source is None:
        nulls = ", ".join(f"cast(null as {_type(c.type)}) as {quote(c.name)}" for c in table.columns)
        return f"select {nulls} where false"
    parts = ", ".join(f"try_cast({quote(c.name)} as {_type(c.type)}) as {quote(c.name)}" for c in table.columns)
    return f"select {parts} from {source}"


def _type(kind: Any) -> str:
    if isinstance(kind, DateTime):
        return "timestamp"
    if isinstance(kind, Float):
        return "double"
    if isinstance(kind, BigInteger):
        return "bigint"
    return "boolean" if isinstance(kind, Boolean) else "varchar"


def _lay_streams(con: duckdb.DuckDBPyConnection, project_dir: Path) -> None:
    con.execute(
        "create or replace table ledger.streams "
        "(source varchar, stream varchar, owner varchar, freshness_sla_seconds double)"
    )
    rows = [row for path in sorted((project_dir / "sources").glob("*/source.yml")) for row in _streams(path)]
    if rows:
        con.executemany("insert into ledger.streams values (?, ?, ?, ?)", rows)


def _streams(path: Path) -> list[tuple[str, str, str | None, float | None]]:
    """Source, stream, owner and freshness SLA in seconds of each stream; ingest checks the file in full."""
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        return [
            (
                tree.get("name", path.parent.name),
                stream["name"],
                stream.get("owner") or tree.get("owner"),
                _seconds(stream.get("freshness_sla")),
            )
            for stream in tree["streams"]
        ]
    except (YAMLError, ValidationError, OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise SmeltError(f"{path} cannot be read: {reason}", "run `smelt sources`: it names the line") from error


def _seconds(sla: Any) -> float | None:
    return None if sla is None else _DURATION.validate_python(sla).total_seconds()
