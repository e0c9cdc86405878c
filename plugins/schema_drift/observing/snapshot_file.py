"""The file that a snapshot is: a DuckDB database with the columns, keys and sampled rows of many tables.

    smelt_drift.about     one row: format, when, of which project, target and adapter
    smelt_drift.tables    what was seen, watched or not; `number` names the table of its rows
    smelt_drift.columns   their columns, in order
    rows.t<number>        sampled rows: c0, c1, … in the order of the columns, and the hash of the key

Names of source columns are values in here, never identifiers, so that none of them can do anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.schema_drift.observing.duckdb_file import attach
from plugins.schema_drift.observing.found import HASH
from plugins.schema_drift.table import Column, SeenTable, Table

FORMAT = 1
_ABOUT = "about (format int, taken_at timestamptz, project text, target text, adapter text)"
_TABLES = (
    "tables (number int, id text, name text, schema_name text, identifier text, "
    "is_watched boolean, key text[], is_key_inferred boolean, rows bigint, sampled bigint, up_to text, error text)"
)
_COLUMNS = "columns (number int, position int, name text, type text, is_nullable boolean, default_value text)"


@dataclass(frozen=True)
class About:
    """Of which project a snapshot is, and when it was taken, in UTC."""

    at: datetime
    project: str
    target: str
    adapter: str


@dataclass(frozen=True)
class KeptTable:
    """A table in a snapshot.

    is_watched: whether the project names it; of others only columns are kept. sampled: rows that are kept; None:
    none were. up_to: the greatest hash among them if some were left out. error: why it could not be read.
    """

    number: int
    table: Table
    is_watched: bool
    is_key_inferred: bool = False
    sampled: int | None = None
    up_to: str | None = None
    error: str | None = None

    def rows(self, alias: str) -> str | None:
        """SQL after `from` that gives the kept rows under their columns' names, in a file attached as `alias`."""
        if self.sampled is None:
            return None
        named = ", ".join(f"c{n} as {duck.quote(c.name)}" for n, c in enumerate(self.table.columns))
        return f"(select {named} from {alias}.rows.t{self.number})"

    def hashes(self, alias: str) -> str:
        """SQL that selects the hashes of the kept rows' keys."""
        return f"select {HASH} from {alias}.rows.t{self.number}"

    def seen(self, alias: str) -> SeenTable:
        """As it was seen."""
        return SeenTable(self.table, self.rows(alias), self.up_to is not None)


def lay_out(con: duckdb.DuckDBPyConnection, alias: str, about: About) -> None:
    """Make the tables of a new file, which is attached as `alias`."""
    con.execute(f"create schema {alias}.smelt_drift; create schema {alias}.rows")
    for table in (_ABOUT, _TABLES, _COLUMNS):
        con.execute(f"create table {alias}.smelt_drift.{table}")
    con.execute(
        f"insert into {alias}.smelt_drift.about values (?, ?, ?, ?, ?)",
        [FORMAT, about.at, about.project, about.target, about.adapter],
    )


def describe(con: duckdb.DuckDBPyConnection, alias: str, tables: Sequence[KeptTable]) -> None:
    """Write what was seen of all tables; their rows are there already."""
    import pyarrow as pa

    ours = [
        (
            *(kept.number, kept.table.id, kept.table.name, *kept.table.relation, kept.is_watched),
            *(list(kept.table.key), kept.is_key_inferred, kept.table.rows, kept.sampled, kept.up_to, kept.error),
        )
        for kept in tables
    ]
    columns = [
        (kept.number, n, column.name, column.type, column.is_nullable, column.default)
        for kept in tables
        for n, column in enumerate(kept.table.columns)
    ]
    for name, rows in (("tables", ours), ("columns", columns)):
        if not rows:
            continue
        arrays = [pa.array(list(values)) for values in zip(*rows, strict=True)]
        con.register("smelt_seen", pa.table(arrays, names=[f"c{n}" for n in range(len(arrays))]))
        con.execute(f"insert into {alias}.smelt_drift.{name} from smelt_seen")
        con.unregister("smelt_seen")


def attach_snapshot(con: duckdb.DuckDBPyConnection, path: Path, alias: str) -> tuple[About, tuple[KeptTable, ...]]:
    """Attach a snapshot's file to `con`, read-only, and read what it says. Raises SmeltError if it is none."""
    if not path.is_file():
        raise SmeltError(f"there is no snapshot {path}", "take one with `smelt drift snapshot`")
    try:
        attach(con, path, alias)
        if con.execute(f"select format from {alias}.smelt_drift.about").fetchall() != [(FORMAT,)]:
            raise SmeltError(f"{path} is a snapshot of another version", "take a new one: `smelt drift snapshot`")
        return _read(con, alias)
    except (duckdb.Error, IndexError) as error:
        raise SmeltError(
            f"{path} is no snapshot of source tables, or it is damaged: {str(error).splitlines()[0]}",
            "take a new one with `smelt drift snapshot`",
        ) from error


def _read(con: duckdb.DuckDBPyConnection, alias: str) -> tuple[About, tuple[KeptTable, ...]]:
    at, project, target, adapter = con.execute(
        f"select epoch_us(taken_at), project, target, adapter from {alias}.smelt_drift.about"
    ).fetchall()[0]
    columns: dict[int, list[Column]] = {}
    for number, *column in con.execute(
        f"select number, name, type, is_nullable, default_value from {alias}.smelt_drift.columns "
        "order by number, position"
    ).fetchall():
        columns.setdefault(number, []).append(Column(*column))
    # A view in its place could read anything from anywhere. (A literal: a parameter would load pandas.)
    stored = con.execute(
        "select table_name from duckdb_tables() "
        f"where database_name = {duck.literal(alias)} and schema_name = 'rows'"
    ).fetchall()
    tables = con.execute(
        "select number, id, name, schema_name, identifier, is_watched, key, is_key_inferred, rows, sampled, "
        f"up_to, error from {alias}.smelt_drift.tables order by number"
    ).fetchall()
    has_rows = {name for (name,) in stored}
    kept = []
    for (
        number,
        unique_id,
        name,
        schema,
        identifier,
        is_watched,
        key,
        is_inferred,
        rows,
        sampled,
        up_to,
        error,
    ) in tables:
        seen = Table(unique_id, name, (schema, identifier), tuple(columns.get(number, ())), tuple(key or ()), rows)
        sampled = sampled if f"t{number}" in has_rows else None
        kept.append(KeptTable(number, seen, is_watched, is_inferred, sampled, up_to, error))
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return About(when, project, target, adapter), tuple(kept)
