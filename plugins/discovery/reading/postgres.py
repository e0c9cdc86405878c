"""PostgreSQL: tables as its catalog lists them, with every value as it will be loaded: exactly, or as text."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from plugins.core.duck import literal, quote
from plugins.core.errors import SmeltError
from plugins.core.postgres import PgColumn, columns_sql, described
from plugins.core.settings import mask
from plugins.discovery.reading.place import Progress, Reference, Stream, sampled

ALIAS = "place"
_HERE = Path(__file__).parent
# Of more rows, whole pages are sampled: a sample of every row would read the whole table.
_MOST_SAMPLED = 2_000_000
# Columns that are cast on the server are read by one connection, too slowly to verify keys on more rows.
_MOST_CAST = 2_000_000
_SAMPLED_KINDS = ("r", "p", "m")
_MOST_NAMED = 8


@dataclass(frozen=True)
class _Table:
    schema: str
    name: str
    kind: str
    columns: tuple[PgColumn, ...]
    key: tuple[str, ...]
    is_open: bool
    notes: tuple[str, ...]

    @property
    def stream(self) -> str:
        return stream_name(self.schema, self.name)

    @property
    def quoted(self) -> str:
        return f"{quote(self.schema)}.{quote(self.name)}"

    @property
    def select(self) -> str:
        """The list of expressions, in which every value arrives as it is, or null if bronze can't hold it."""
        return ", ".join(column.expression(with_specials=True) for column in self.columns)


def stream_name(schema: str, table: str) -> str:
    """What a table is called: by its name alone in the schema `public`."""
    return table if schema == "public" else f"{schema}.{table}"


def read_tables(
    con: duckdb.DuckDBPyConnection, rows: int, on_progress: Progress, only: str | None
) -> tuple[list[Stream], list[str]]:
    """Streams of the attached database, and notes on what can't be read. Raises SmeltError if nothing can be."""
    tables, notes = _tables(con)
    streams, failed = [], []
    for table in tables:
        if only is not None and table.stream != only:
            continue
        on_progress(f"reading {table.stream}")
        try:
            streams.append(_stream(con, table, rows))
        except duckdb.Error as error:
            failed.append(f"{table.stream} cannot be read: {_gist(error)}")
    notes += failed
    if not streams and (notes if only is None else failed):
        raise SmeltError((failed or notes)[0], "check the user's rights")
    return streams, notes


def _query(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple]:
    return con.execute(f"from postgres_query('{ALIAS}', {literal(sql)})").fetchall()


def _tables(con: duckdb.DuckDBPyConnection) -> tuple[list[_Table], list[str]]:
    listed = _query(con, (_HERE / "postgres_tables.sql").read_text("utf-8"))
    readable = [one for one in listed if one[4]]
    found = columns_sql(f"relation in ({', '.join(str(one[0]) for one in readable) or '0'})")
    rows: dict[int, list[tuple]] = defaultdict(list)
    for row in _query(con, found):
        rows[row[0]].append(row)
    tables, empty = [], []
    for relation, schema, name, kind, _, is_filtered, _, parents, key in readable:
        columns = described(rows[relation])
        if not columns:
            empty.append(stream_name(schema, name))
            continue
        is_open = rows[relation][0][-1]
        said = _said(is_filtered, is_open, parents)
        aliases = {column.name: column.alias for column in columns}
        primary = tuple(aliases[one] for one in _names(key) if one in aliases)
        is_whole = len(primary) == len(_names(key))
        tables.append(_Table(schema, name, kind, tuple(columns), primary if is_whole else (), is_open, said))
    notes = [f"without any column, and so left out: {_listed(empty)}"] if empty else []
    if refused := [one for one in listed if not one[4]]:
        notes.append(_refusal([(one[1], one[2]) for one in refused], refused[0][6]))
    return tables, notes


def _said(is_filtered: bool, is_open: bool, parents: str | None) -> tuple[str, ...]:
    notes = []
    if not is_open:
        notes.append("only the columns that this role may see are read")
    if is_filtered:
        notes.append("row-level security is on: only the rows that this role may see are read")
    if parents:
        notes.append(f"it inherits from {parents}: its rows are among that table's, too")
    return tuple(notes)


def _refusal(tables: Sequence[tuple[str, str]], role: str) -> str:
    """One note for all tables that the role may not read, with what its owner should run."""
    schemas = sorted({schema for schema, _ in tables})
    names = _listed([stream_name(*table) for table in tables])
    grants = "; ".join(
        f"grant usage on schema {quote(one)} to {quote(role)}; "
        f"grant select on all tables in schema {quote(one)} to {quote(role)}"
        for one in schemas[:_MOST_NAMED]
    )
    count = f"{len(tables):,} tables" if len(tables) > 1 else "1 table"
    why = f"{count} may not be read by the role {role}, and so left out: {names}"
    return f"{why}; to read them, let their owner run: {grants}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _stream(con: duckdb.DuckDBPyConnection, table: _Table, rows: int) -> Stream:
    ((total,),) = _query(con, f"select count(*) from {table.quoted}")
    notes = list(table.notes)
    sql = f"select {table.select} from {table.quoted}"
    if total > rows and table.kind in _SAMPLED_KINDS:
        method = "bernoulli" if total <= _MOST_SAMPLED else "system"
        # More than are wanted, as many are drawn by chance: what is too much is left out below.
        share = min(100.0, 150.0 * rows / total)
        sql += f" tablesample {method} ({share:.6f}) repeatable (7)"
        if method == "system":
            notes.append("the sample is of whole pages, chosen by chance")
    elif total > _MOST_SAMPLED:
        sql += f" limit {rows}"
        notes.append(f"the sample is the first {rows:,} rows that came")
    remote = f"select * from postgres_query('{ALIAS}', {literal(sql)})"
    sample = sampled(con, remote, total, rows)
    return Stream(
        table.stream, sample, total, _all_rows(con, table, total), table.key, tuple(notes),
        table=(table.schema, table.name),
    )  # fmt: skip


def _all_rows(con: duckdb.DuckDBPyConnection, table: _Table, total: int) -> duckdb.DuckDBPyRelation | None:
    """Every row: by the parallel scan if it reads all columns exactly, else by one query, if not too many."""
    if table.is_open and all(column.is_exact for column in table.columns):
        return con.sql(f"select {', '.join(_scanned(table.columns))} from {ALIAS}.{table.quoted}")
    if total > _MOST_CAST:
        return None
    sql = f"select {table.select} from {table.quoted}"
    return con.sql(f"select * from postgres_query('{ALIAS}', {literal(sql)})")


def _scanned(columns: Sequence[PgColumn]) -> Iterator[str]:
    """Columns of the scan; what no calendar of Python's has is null, as it is in the sample."""
    for column in columns:
        name = quote(column.name)
        is_endless = column.special and column.type != "numeric"
        yield f"case when {column.special} then null else {name} end as {name}" if is_endless else name


def _gist(error: duckdb.Error) -> str:
    """The server's words alone."""
    text = mask(str(error))
    _, found, words = text.partition("ERROR: ")
    return " ".join((words if found else text).split())[:200]


def read_references(con: duckdb.DuckDBPyConnection) -> tuple[Reference, ...]:
    """Foreign keys that the database declares; none where it doesn't tell."""
    try:
        rows = _query(con, (_HERE / "postgres_foreign_keys.sql").read_text(encoding="utf-8"))
    except duckdb.Error:
        # Whoever may read tables need not be let read the catalog.
        return ()
    return tuple(
        Reference(stream_name(schema, table), _names(own), stream_name(to_schema, to), _names(others))
        for schema, table, own, to_schema, to, others in rows
    )


def _names(listed: str) -> tuple[str, ...]:
    return tuple(json.loads(listed))
