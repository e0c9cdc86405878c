"""Databases: PostgreSQL, SQLite and DuckDB, attached read-only through DuckDB's scanners."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

from plugins.core.duck import literal, load_extensions, quote
from plugins.core.errors import SmeltError
from plugins.core.postgres import checked_url
from plugins.core.settings import mask, remember
from plugins.discovery.reading import postgres
from plugins.discovery.reading.place import Place, Progress, Reference, Stream, count, sampled

_FORMS = "postgresql://user:password@host/database, sqlite:///path or duckdb:///path"
_BY_HAND = {"mysql": "mysql.md", "mariadb": "mysql.md", "mongodb": "mongodb.md"}
_EXTENSIONS = {"postgres": "postgres_scanner", "sqlite": "sqlite_scanner"}
_SYSTEM = ("information_schema", "pg_catalog")
# Of more rows, those read first stand for all: a sample of every row would read the whole table over the network.
_MOST_SAMPLED = 2_000_000


def read_database(
    con: duckdb.DuckDBPyConnection, dsn: str, rows: int, on_progress: Progress, only: str | None = None
) -> Place:
    """The tables of a database. Raises SmeltError if it can't be opened, or has none."""
    remember(checked_url(dsn))
    kind, where = _attachable(dsn)
    shown = mask(dsn)
    on_progress(f"opening {shown}")
    try:
        if kind in _EXTENSIONS:
            load_extensions(con, (_EXTENSIONS[kind],))
        options = "read_only" if kind == "duckdb" else f"type {kind}, read_only"
        con.execute(f"attach {literal(where)} as {postgres.ALIAS} ({options})")
    except (duckdb.Error, OSError, ImportError) as error:
        raise _closed(shown if kind == "postgres" else where, error) from error
    if kind == "postgres":
        streams, notes = postgres.read_tables(con, rows, on_progress, only)
        if not streams and only is None:
            raise _no_tables(shown)
        return Place(shown, "database", tuple(streams), postgres.read_references(con), tuple(notes))
    if kind == "sqlite":
        # SQLite keeps any value in any column; a mixed column would end the read. Types come from values then.
        con.execute("set sqlite_all_varchar = false")
    try:
        tables = _tables(con)
    except duckdb.Error as error:
        # SQLite looks at a file when it is first asked of it.
        raise _closed(where, error) from error
    if not tables:
        raise _no_tables(shown)
    streams, notes = [], []
    for schema, table in tables:
        name = table if schema in ("main", "public") else f"{schema}.{table}"
        if only is not None and name != only:
            continue
        on_progress(f"reading {name}")
        try:
            streams.append(_stream(con, kind, schema, table, name, rows))
        except duckdb.Error as error:
            notes.append(f"{name} cannot be read: {mask(str(error)).strip().splitlines()[0][:200]}")
    if notes and not streams:
        raise SmeltError(notes[0], "check the user's rights")
    return Place(shown, "database", tuple(streams), _references(con, kind, where), tuple(notes))


def _no_tables(shown: str) -> SmeltError:
    return SmeltError(
        f"{shown} has no tables that can be seen", "check the database's name, and the user's rights"
    )


def _attachable(dsn: str) -> tuple[str, str]:
    """The scanner's name, and what it attaches."""
    scheme, _, rest = dsn.partition("://")
    scheme = scheme.lower().partition("+")[0]
    if scheme in ("postgres", "postgresql"):
        return "postgres", f"postgresql://{rest}"
    if scheme in ("sqlite", "duckdb"):
        return scheme, str(database_file(dsn))
    if scheme in ("http", "https"):
        raise SmeltError(
            f"{mask(dsn)} is an address on the web", "download the file; for an API's specification: smelt connect"
        )
    if scheme in _BY_HAND:
        raise SmeltError(
            f"databases of the kind {scheme}:// are loaded, but not discovered",
            f"declare their streams in a source.yml, as docs/how-to/{_BY_HAND[scheme]} shows",
        )
    raise SmeltError(f"databases of the kind {scheme}:// are not read", _FORMS)


def database_file(dsn: str) -> Path:
    """The file of a SQLite or DuckDB database's URL, absolute. Raises SmeltError if there is none.

    With three slashes, it is looked for below the working directory and then below `/`: people write both.
    """
    scheme, _, rest = dsn.partition("://")
    path = Path(unquote(rest.partition("?")[0].removeprefix("/")))
    for candidate in (path, Path("/") / path):
        if candidate.is_file():
            return candidate.resolve()
    raise SmeltError(f"there is no file {path} to open as {scheme}", _FORMS)


def _closed(shown: str, error: Exception) -> SmeltError:
    reason = mask(str(error)).strip().splitlines()[0]
    # What refused, in its own words: around them DuckDB says again where it wanted to connect.
    reason = (re.split(r"FATAL: *|Unable to connect to Postgres at \"[^\"]*\": *", reason)[-1])[:300]
    host = urlsplit(shown).hostname
    hint = (
        f"check that {host} is up, and the name, user and password" if host else "check that it is such a database"
    )
    return SmeltError(f"{shown} cannot be opened: {reason}", hint)


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schemas and names of tables, and of views, where these can be listed."""
    system = ", ".join(map(literal, _SYSTEM))

    def listed(kind: str) -> list[tuple[str, str]]:
        return con.execute(
            f"select schema_name, {kind}_name from duckdb_{kind}s() where database_name = 'place' "
            f"and not internal and schema_name not in ({system}) and {kind}_name not like 'sqlite_%' order by all"
        ).fetchall()

    tables = listed("table")
    try:
        return tables + listed("view")
    except duckdb.Error:
        # DuckDB parses the views of SQLite to list them, and not all of SQLite's SQL is its own.
        return tables


def _stream(con: duckdb.DuckDBPyConnection, kind: str, schema: str, table: str, name: str, rows: int) -> Stream:
    relation = f"place.{quote(schema)}.{quote(table)}"
    sql = f"select * from {relation}"
    notes: tuple[str, ...] = ()
    try:
        total = count(con, sql)
        if total > _MOST_SAMPLED and kind != "duckdb":
            notes = (f"the sample is the first {rows:,} rows that came",)
            sample = con.sql(f"{sql} limit {rows}").to_arrow_table()
        else:
            sample = sampled(con, sql, total, rows)
    except duckdb.Error:
        if kind != "sqlite":
            raise
        return _as_text(con, schema, table, name, rows)
    finally:
        if kind == "sqlite":
            con.execute("set sqlite_all_varchar = false")
    return Stream(name, sample, total, con.sql(sql), _key(con, schema, table), notes)


def _as_text(con: duckdb.DuckDBPyConnection, schema: str, table: str, name: str, rows: int) -> Stream:
    """A table of SQLite whose values aren't of the declared types, or whose rows have no numbers of their own."""
    con.execute("set sqlite_all_varchar = true")
    sql = f"select * from place.{quote(schema)}.{quote(table)}"
    notes: tuple[str, ...] = ("its values are not of the types that are declared: all were read as text",)
    try:
        total = count(con, sql)
        sample = sampled(con, sql, total, rows)
    except duckdb.Error:
        # The scanner counts on row ids, which a table WITHOUT ROWID lacks; SQLite itself reads it.
        found = con.execute(
            "select column_name from duckdb_columns() where database_name = 'place' and schema_name = ? "
            "and table_name = ? order by column_index", [schema, table],
        ).fetchall()  # fmt: skip
        texts = (
            f"case typeof({one}) when 'blob' then hex({one}) else cast({one} as text) end as {one}"
            for one in (quote(column) for (column,) in found)
        )
        asked = f"select {', '.join(texts)} from {quote(table)}"
        sql = f"select * from sqlite_query('place', {literal(asked)})"
        total = count(con, sql)
        sample = sampled(con, sql, total, rows)
        notes = ("its rows have no row ids: all values were read as text",)
    return Stream(name, sample, total, None, _key(con, schema, table), notes)


def _key(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> tuple[str, ...]:
    found = con.execute(
        "select constraint_column_names from duckdb_constraints() where constraint_type = 'PRIMARY KEY' "
        "and database_name = 'place' and schema_name = ? and table_name = ?", [schema, table],
    ).fetchone()  # fmt: skip
    return tuple(found[0]) if found else ()


def _references(con: duckdb.DuckDBPyConnection, kind: str, where: str) -> tuple[Reference, ...]:
    """Foreign keys that the database declares; none where it doesn't tell."""
    if kind == "sqlite":
        return _of_sqlite(where)
    rows: Sequence[tuple] = con.execute(
        "select schema_name, table_name, constraint_column_names, referenced_table, referenced_column_names "
        "from duckdb_constraints() where constraint_type = 'FOREIGN KEY' and database_name = 'place'"
    ).fetchall()
    return tuple(
        Reference(table if schema == "main" else f"{schema}.{table}", tuple(columns), to, tuple(others))
        for schema, table, columns, to, others in rows
    )


def _of_sqlite(where: str) -> tuple[Reference, ...]:
    import sqlite3
    from contextlib import closing
    from urllib.parse import quote as quote_url

    found: dict[tuple[str, int], list[tuple[str, str, str | None]]] = {}
    try:
        with closing(sqlite3.connect(f"file:{quote_url(where)}?mode=ro&immutable=1", uri=True)) as db:
            tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
            for table in tables:
                for number, _, to, column, other, *_ in db.execute(
                    "select * from pragma_foreign_key_list(?)", [table]
                ):
                    found.setdefault((table, number), []).append((column, to, other))
    except sqlite3.Error:
        return ()
    return tuple(
        Reference(table, tuple(one[0] for one in parts), parts[0][1], tuple(one[2] or one[0] for one in parts))
        for (table, _), parts in found.items()
    )
