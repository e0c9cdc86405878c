"""Pulls of tables and views, whole or by a cursor; and what `smelt doctor` says of a source."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from ingest.extract.base import Pull, PullRequest, Scope
from ingest.mysql.columns import Column
from ingest.mysql.describing import Described, describe, table_of
from ingest.mysql.health import log_state
from ingest.mysql.reading import staged
from ingest.mysql.server import Server, kind_of
from ingest.retry import Transient
from ingest.spec import CursorSpec, SourceSpec
from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.settings import Settings

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NUMERIC = {"int", "uint", "bigint", "ubigint", "decimal", "float", "double", "year"}


class MysqlExtractor:
    """Reads tables and views of a MySQL or MariaDB database."""

    def pull(self, request: PullRequest) -> Pull:
        """Read the stream's table in one statement. Raises SmeltError, or Transient if it may pass."""
        server = Server(request.settings, request.source.connection)
        name, cursor = f"{request.source.name}.{request.stream.name}", request.stream.cursor
        with server.session() as session:
            table = describe(session, table_of(request.stream, server), name)
        where, is_whole = _window(table, cursor, request.position, name)
        with server.session(conv={}, use_unicode=False) as connection:
            relation = staged(connection, table, where, request)
        before = {"cursor": request.position.get("cursor")} if cursor else {}
        return Pull(
            relation=relation,
            scope=Scope.everything() if is_whole else Scope.nothing(),
            expected=before,
            advance=before,
            advance_from=_newest(cursor.column) if cursor else _nothing,
            estimated_rows=table.estimate or None if is_whole else None,
        )

    def check(self, settings: Settings, source: SourceSpec) -> str:
        """`MariaDB 10.11.19, 4 tables, 3 ms`, and how far bronze is behind its log; raises SmeltError."""
        server, started = Server(settings, source.connection), time.monotonic()
        try:
            with server.session() as session:
                kind, milliseconds = kind_of(session), (time.monotonic() - started) * 1000
                for stream in source.streams:
                    describe(session, table_of(stream, server), f"{source.name}.{stream.name}")
                log = log_state(settings, server, session, source)
        except Transient as error:
            raise SmeltError(
                str(error), f"start the server, or correct the url of connection {source.connection!r}"
            ) from error
        return f"{kind.told}, {len(source.streams)} tables, {milliseconds:.0f} ms{log}"


def _window(
    table: Described, cursor: CursorSpec | None, position: Mapping[str, Any], name: str
) -> tuple[str, bool]:
    """The predicate of this pull, and whether it covers the whole table."""
    if cursor is None:
        return "", True
    column = next((column for column in table.columns if column.name == cursor.column), None)
    if column is None:
        known = ", ".join(column.name for column in table.columns)
        raise SmeltError(
            f"{name}: there is no cursor column {cursor.column!r} (columns: {known})", "correct `cursor:`"
        )
    start = position.get("cursor")
    value = cursor.initial if start is None else str(start)
    if value is None:
        return "", True
    bound = _bound(column, value, timedelta(0) if start is None else cursor.lag, name)
    quoted = f"`{column.name.replace('`', '``')}`"
    # Rows without a cursor value would never be seen again: they are read each time, and dropped if known.
    return f"{quoted} >= {bound} or {quoted} is null", False


def _bound(column: Column, value: str, lag: timedelta | float, name: str) -> str:
    """The first value of the window, in SQL."""
    from pymysql.converters import escape_string

    text = f"'{escape_string(value)}'"
    if column.kind in _NUMERIC:
        if not _NUMBER.fullmatch(value):
            raise SmeltError(f"{name}: {value!r} is no number to start from", "correct `cursor.initial` or --from")
        text = value
    if not lag:
        return text
    if isinstance(lag, timedelta):
        return f"cast({text} as datetime(6)) - interval {lag.total_seconds():.6f} second"
    return f"{text} - {lag:.12g}"


def _newest(column: str) -> Any:
    def newest(con: duckdb.DuckDBPyConnection, loaded: str) -> Mapping[str, Any]:
        found = con.execute(f"select max({quote(column)}) from ({loaded})").fetchone()
        value = found[0] if found else None
        if value is None:
            return {}
        if isinstance(value, datetime):
            return {"cursor": value.replace(tzinfo=None).isoformat(" ")}
        return {"cursor": value.isoformat() if isinstance(value, date) else str(value)}

    return newest


def _nothing(_con: duckdb.DuckDBPyConnection, _loaded: str) -> Mapping[str, Any]:
    return {}
