"""PostgreSQL: one consistent snapshot, read by DuckDB's scanner in parallel where every column is exact."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import duckdb

from ingest.connections import dsn_of
from ingest.extract.base import Pull, PullRequest, Scope
from ingest.retry import Transient
from ingest.spec import CursorSpec, SourceSpec, StreamSpec
from plugins.core import duck
from plugins.core.duck import literal, quote
from plugins.core.errors import SmeltError
from plugins.core.postgres import (
    PgColumn,
    checked_url,
    columns_sql,
    described,
    extra_expression,
    scanned_expressions,
)
from plugins.core.settings import Settings, mask

_ALIAS = "smelt_source"
_PASSING = re.compile(
    r"connection refused|could not connect|timeout expired|server closed the connection|starting up|shutting down"
    r"|terminating connection|too many clients|remaining connection slots|no such file or directory"
    r"|could not translate host|connection reset|network is unreachable|ssl syscall|no route to host",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"password authentication failed|no password supplied|no pg_hba|role .* does not exist"
    r"|database .* does not exist|permission denied for database",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"permission denied for ((?:table|view|schema|foreign table|materialized view) .+)")
_GONE = re.compile(r"relation .* does not exist|could not open relation|table .* does not exist", re.IGNORECASE)

# Texts of dates, intervals and floats must not depend on how the role is configured.
_STYLE = (
    "select set_config('datestyle', 'ISO, MDY', true) as a, set_config('intervalstyle', 'iso_8601', true) as b, "
    "set_config('timezone', 'UTC', true) as c, set_config('extra_float_digits', '1', true) as d"
)


@dataclass(frozen=True)
class _Table:
    """A table as the server describes it. estimate: rows by its statistics, or None.

    is_open: whether the role may read all columns.
    """

    schema: str
    name: str
    columns: list[PgColumn]
    estimate: int | None
    is_open: bool

    @property
    def quoted(self) -> str:
        return f"{quote(self.schema)}.{quote(self.name)}"


@dataclass(frozen=True)
class PostgresExtractor:
    """Reads tables and views of a PostgreSQL database.

    snapshot: an exported one to read in; None: as of now. part: predicate of the rows to read; None: all.
    """

    snapshot: str | None = None
    part: str | None = None

    def pull(self, request: PullRequest) -> Pull:
        """Begin a pull in one repeatable-read transaction. Raises SmeltError, or Transient if it may pass."""
        con, stream = request.con, request.stream
        name = f"{request.source.name}.{stream.name}"
        try:
            _attach(con, request.settings, request.source)
            con.begin()
            if self.snapshot:
                statement = f"set transaction snapshot {literal(self.snapshot)}"
                con.execute(f"call postgres_execute({literal(_ALIAS)}, {literal(statement)})")
            _query(con, _STYLE)
            table = _describe(con, stream.table or f"public.{stream.name}", request.source)
            where, is_whole = _window(table, stream.cursor, request.position, name)
            if self.part:
                where, is_whole = f"where {self.part}", False
            is_scanned = not where and table.is_open and all(column.is_exact for column in table.columns)
            looked_at = [column for column in table.columns if column.is_misread or not is_scanned]
            has_special, newest = _probe(con, table, looked_at, stream.cursor, where)
        except duckdb.Error as error:
            raise _explained(error, request.source, name) from error
        position = {"cursor": newest or request.position.get("cursor")} if stream.cursor else {}
        return Pull(
            relation=_scan(table) if is_scanned and not has_special else _query_of(table, where, has_special),
            scope=Scope.everything() if is_whole else Scope.nothing(),
            expected={"cursor": request.position.get("cursor")} if stream.cursor else {},
            advance=position,
            estimated_rows=table.estimate if is_whole else None,
            explain=lambda error: _explained(error, request.source, name),
        )

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """`PostgreSQL 18.1, 4 of 4 tables, 3 ms`; raises SmeltError."""
        con = duck.connect(extensions=("postgres_scanner",))
        try:
            _attach(con, settings, source)
            started = time.monotonic()
            ((version,),) = _query(con, "select current_setting('server_version')")
            latency = (time.monotonic() - started) * 1000
            for stream in source.streams:
                _describe(con, stream.table or f"public.{stream.name}", source)
        except (duckdb.Error, Transient) as error:
            raise _settled(_explained(error, source, source.name), source) from error
        finally:
            con.close()
        return f"PostgreSQL {version.split()[0]}, {len(source.streams)} tables, {latency:.0f} ms"


def in_place_relation(
    con: duckdb.DuckDBPyConnection, settings: Settings, source: SourceSpec, stream: StreamSpec, alias: str
) -> str:
    """SELECT of a table that the scanner reads exactly, in the database that is attached as `alias`, in `con` too.

    Raises SmeltError for a table with columns that it doesn't, or Transient.
    """
    name = f"{source.name}.{stream.name}"
    try:
        _attach(con, settings, source)
        table = _describe(con, stream.table or f"public.{stream.name}", source)
        inexact = [column.name for column in table.columns if not column.is_exact]
        has_special, _ = _probe(con, table, table.columns, None, "")
        _attach(con, settings, source, alias)
    except duckdb.Error as error:
        raise _explained(error, source, name) from error
    reasons = {
        f"columns {', '.join(inexact)}": bool(inexact),
        "values such as NaN or infinity": has_special,
        "the role may not read all columns": not table.is_open,
    }
    if found := "; ".join(why for why, is_so in reasons.items() if is_so):
        raise SmeltError(
            f"{name}: it can't be read in place exactly: {found}",
            "read it through a view that casts them (such as numeric to numeric(18, 4)), or set sync_mode: full",
        )
    names = ", ".join(quote(column.name) for column in table.columns)
    return f"select {names} from {quote(alias)}.{table.quoted}"


def _attach(con: duckdb.DuckDBPyConnection, settings: Settings, source: SourceSpec, alias: str = _ALIAS) -> None:
    duck.load_extensions(con, ("postgres_scanner",))
    attached = con.execute("select 1 from duckdb_databases() where database_name = ?", [alias]).fetchone()
    if attached:
        con.execute("call pg_clear_cache()")
        return
    dsn = _with_timeout(checked_url(dsn_of(settings, source.connection)))
    con.execute(f"attach {literal(dsn)} as {quote(alias)} (type postgres, read_only)")


def _with_timeout(dsn: str) -> str:
    """`dsn` that gives up connecting after a few seconds, unless it says otherwise."""
    if "connect_timeout" in dsn:
        return dsn
    if "://" in dsn:
        return f"{dsn}{'&' if '?' in dsn else '?'}connect_timeout=5"
    return f"{dsn} connect_timeout=5"


def _query(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(f"select * from postgres_query({literal(_ALIAS)}, {literal(sql)})").fetchall()


def _describe(con: duckdb.DuckDBPyConnection, table: str, source: SourceSpec) -> _Table:
    schema, name = split_table(table)
    quoted = f"{quote(schema)}.{quote(name)}"
    rows = _query(con, columns_sql(f"relation = to_regclass({literal(quoted)})"))
    if not rows:
        raise _not_there(con, table, quoted, source)
    *_, estimate, is_open = rows[0]
    return _Table(schema, name, described(rows), estimate if estimate > 0 else None, is_open)


def _not_there(con: duckdb.DuckDBPyConnection, table: str, quoted: str, source: SourceSpec) -> SmeltError:
    """Why a table has no columns that can be read."""
    where = f"connection {source.connection!r}"
    ((role, there),) = _query(con, f"select current_user::text, to_regclass({literal(quoted)})::text")
    if there is None:
        return SmeltError(
            f"{source.name}: there is no table {table} at {where}",
            f"create it or grant access to it, or correct `table:` in {source.folder / 'source.yml'}",
        )
    return SmeltError(
        f"{source.name}: {table} has no columns that the role {role} of {where} may read",
        f"let its owner run: grant select on {quoted} to {quote(role)}",
    )


def split_table(table: str) -> tuple[str, str]:
    """`schema.table`, taken literally; parts with dots stand in double quotes."""
    parts = re.findall(r'"((?:[^"]|"")+)"|([^."]+)', table)
    names = [quoted.replace('""', '"') or plain for quoted, plain in parts]
    return ("public", names[0]) if len(names) == 1 else (names[0], names[1])


def _window(table: _Table, cursor: CursorSpec | None, position: Mapping[str, Any], name: str) -> tuple[str, bool]:
    """The predicate of this pull, and whether it covers the whole table."""
    if cursor is None:
        return "", True
    column = _column(table, cursor.column)
    if column is None:
        known = ", ".join(c.alias for c in table.columns)
        raise SmeltError(
            f"{name}: there is no cursor column {cursor.column!r} (columns: {known})", "correct `cursor:`"
        )
    start = position.get("cursor")
    if start is None:
        if cursor.initial is None:
            return "", True
        bound = f"{literal(cursor.initial)}::{column.declared}"
    else:
        bound = f"({literal(str(start))}::{column.declared}{_minus(cursor.lag)})::{column.declared}"
    # Rows without a cursor value would never be seen again: they are read each time, and dropped if known.
    return f"where {quote(column.name)} >= {bound} or {quote(column.name)} is null", False


def _column(table: _Table, name: str) -> PgColumn | None:
    """A column by the name that it has in bronze."""
    return next((column for column in table.columns if column.alias == name), None)


def _minus(lag: timedelta | float) -> str:
    if not lag:
        return ""
    if isinstance(lag, timedelta):
        return f" - interval '{lag.total_seconds()} seconds'"
    return f" - {lag:.12g}"


def _probe(
    con: duckdb.DuckDBPyConnection,
    table: _Table,
    columns: Sequence[PgColumn],
    cursor: CursorSpec | None,
    where: str,
) -> tuple[bool, str | None]:
    """Whether a value of `columns` fits no bronze type, and the greatest cursor value, in the pull's snapshot."""
    specials = [f"bool_or({column.special})" for column in columns if column.special]
    special = " or ".join(specials) or "false"
    newest = "null"
    if cursor:
        column = _column(table, cursor.column)
        assert column is not None, "the window has looked for it"
        finite = f" filter (where not ({column.special}))" if column.special else ""
        newest = f"max({quote(column.name)}){finite}::text"
    if special == "false" and newest == "null":
        return False, None
    ((found, greatest),) = _query(
        con, f"select {special} as special, {newest} as newest from {table.quoted} {where}"
    )
    return bool(found), greatest


def _scan(table: _Table) -> str:
    """The whole of a table with exact columns, and without values that the scanner misreads: read in parallel."""
    return f"select {', '.join(scanned_expressions(table.columns))} from {_ALIAS}.{table.quoted}"


def _query_of(table: _Table, where: str, has_special: bool) -> str:
    """Anything else is one query on the server."""
    expressions = [column.expression(has_special) for column in table.columns]
    if has_special:
        expressions.append(extra_expression(table.columns))
    sql = f"select {', '.join(expressions)} from {table.quoted} {where}"
    return f"select * from postgres_query({literal(_ALIAS)}, {literal(sql)})"


def _explained(error: Exception, source: SourceSpec, name: str) -> Exception:
    """A failure in the words of whoever must mend it; never with the password in it."""
    if isinstance(error, SmeltError | Transient):
        return error
    text = mask(str(error))
    where = f"connection {source.connection!r}"
    if _REFUSED.search(text):
        return SmeltError(
            f"{name}: {where} was refused: {_gist(text)}", f"correct the dsn of {where} in smelt.toml"
        )
    if found := _FORBIDDEN.search(text):
        right = "usage" if found[1].startswith("schema") else "select"
        return SmeltError(
            f"{name}: the role of {where} may not read: {_gist(text)}",
            f"let its owner grant {right} on {' '.join(found[1].split())} to that role",
        )
    if _PASSING.search(text):
        return Transient(f"{name}: {where} cannot be reached: {_gist(text)}")
    if _GONE.search(text):
        return SmeltError(
            f"{name}: the table is gone at {where}: {_gist(text)}",
            f"restore the table, or remove the stream from {source.folder / 'source.yml'}; what was loaded stays",
        )
    return SmeltError(
        f"{name}: reading from {where} failed: {_gist(text)}", "see the server's log; then run it again"
    )


def _settled(error: Exception, source: SourceSpec) -> SmeltError:
    if isinstance(error, SmeltError):
        return error
    return SmeltError(str(error), f"start the server, or correct the dsn of connection {source.connection!r}")


def _gist(text: str) -> str:
    """The server's own words, without DuckDB's wrapping of them."""
    found = re.search(r"(FATAL|ERROR):\s*(.+)", text)
    line = found[2] if found else text.rsplit('": ', 1)[-1]
    return " ".join(line.split())[:300]
