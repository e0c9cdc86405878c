"""The tables of a project on DuckDB: a copy of the target's file, attached beside what is compared with it."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import duckdb

from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.project import Project
from plugins.schema_drift.observing.found import HASH, ROW, Found, Rows, Wanted, broken, hash_sql, plain_type
from plugins.schema_drift.table import Column

# A larger file is read where it is: nobody can write it as long as that takes.
_COPIED_BYTES = 512 * 2**20
_OWN = "smelt_drift"


@dataclass(frozen=True)
class DuckdbFile:
    """An attached DuckDB file, by its alias."""

    con: duckdb.DuckDBPyConnection
    alias: str

    @property
    def folds_case(self) -> bool:
        """DuckDB takes names that differ only in case for one."""
        return True

    def relations(self, schemas: Collection[str]) -> list[Found]:
        """All tables and views of these schemas; of all if none is given."""
        # Literals: binding a parameter makes DuckDB load pandas.
        here = duck.literal(self.alias)
        wanted = ", ".join(duck.literal(schema.lower()) for schema in sorted(schemas))
        rows = self.con.execute(
            "select schema_name, table_name, column_name, data_type, is_nullable, column_default "
            f"from duckdb_columns() where database_name = {here} and not internal "
            f"{f'and lower(schema_name) in ({wanted}) ' if wanted else ''}"
            "order by schema_name, table_oid, column_index"
        ).fetchall()
        ruled = self.con.execute(
            "select schema_name, table_name, constraint_type, constraint_column_names from duckdb_constraints() "
            f"where database_name = {here} and constraint_type in ('PRIMARY KEY', 'UNIQUE')"
        ).fetchall()
        viewed = self.con.execute(
            f"select schema_name, view_name from duckdb_views() where database_name = {here} and not internal"
        ).fetchall()
        views = {(schema, name) for schema, name in viewed}
        keys = {(s, t): tuple(names) for s, t, kind, names in ruled if kind == "PRIMARY KEY"}
        unique: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for schema, table, kind, names in ruled:
            if kind == "UNIQUE":
                unique.setdefault((schema, table), []).append(tuple(names))
        found = []
        for place, group in groupby(rows, key=lambda row: (row[0], row[1])):
            is_view = place in views
            columns = tuple(
                # Of a view nobody says what may be null.
                Column(name, plain_type(kind), None if is_view else nullable, None if is_view else default)
                for _, _, name, kind, nullable, default in group
            )
            found.append(
                Found(
                    *place,
                    columns,
                    is_view,
                    keys.get(place, ()),
                    tuple(unique.get(place, ())),
                    sql=".".join(map(duck.quote, (self.alias, *place))),
                )
            )
        return found

    def count(self, relations: Sequence[Found]) -> list[Found]:
        """Numbers of rows: of all tables at once, of each view by itself, since views may be broken."""
        tables = [one for one in relations if not one.is_view and one.error is None]
        counts = _counted_at_once(self.con, tables)
        return [
            replace(one, rows=counts[one.place]) if one.place in counts else _counted(self.con, one)
            for one in relations
        ]

    def rows(self, relation: Found, wanted: Wanted) -> Rows:
        """The relation itself if it is small, else a table of what is wanted of it."""
        return wanted_rows(self.con, relation, wanted)


def wanted_rows(con: duckdb.DuckDBPyConnection, relation: Found, wanted: Wanted) -> Rows:
    """What is wanted of a relation that DuckDB reads. Raises duckdb.Error."""
    assert relation.sql is not None
    total = relation.rows or 0
    if total <= wanted.limit and not relation.is_view:
        return Rows(relation.sql, False)
    name = own_table(con)
    if total <= wanted.limit:
        # Looked at many times, a view is worth keeping.
        con.execute(f"create temp table {name} as from {relation.sql}")
        return Rows(name, False)
    hashed = hash_sql(wanted.key)
    also = [f"{HASH} <= {duck.literal(wanted.up_to)}"] if wanted.up_to is not None else []
    also += [f"{HASH} in ({wanted.hashes})"] if wanted.hashes is not None else []
    ranked = f"select *, {hashed} as {HASH} from {relation.sql} as {ROW}"
    if also:
        chosen = f"from ({ranked}) where {' or '.join(also)}"
    else:
        chosen = f"from ({ranked}) order by {HASH} limit {wanted.limit}"
    names = ", ".join(duck.quote(column.name) for column in relation.columns)
    con.execute(f"create temp table {name} as select {names} {chosen}")
    return Rows(name, True)


def own_table(con: duckdb.DuckDBPyConnection) -> str:
    """A name, quoted as need be, that no table in this connection has."""
    con.execute("create temp sequence if not exists smelt_drift_tables")
    number = con.execute("select nextval('temp.smelt_drift_tables')").fetchall()[0][0]
    return f"temp.smelt_drift_{number}"


def attach_warehouse(con: duckdb.DuckDBPyConnection, project: Project, scratch: Path) -> DuckdbFile:
    """Attach the target's file to `con`, read-only. Raises SmeltError if it isn't there or cannot be read."""
    path = project.warehouse
    if not path.is_file():
        raise SmeltError(
            f"there is no warehouse {path}", "load the sources first, or give --target or --profiles-dir"
        )
    # The views in it name their tables by it.
    alias = path.name.split(".")[0]
    if alias.lower() in ("temp", "system", "memory", _OWN, ""):
        alias = f"{_OWN}_warehouse"
    try:
        attach(con, _copy(path, scratch) if path.stat().st_size <= _COPIED_BYTES else path, alias)
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise SmeltError(f"{path} cannot be read: {error}", "build it anew") from error
        raise SmeltError(
            f"another program is writing {path}", "wait until it has ended, such as a build, then look again"
        ) from error
    except (duckdb.Error, OSError) as error:
        raise SmeltError(f"{path} cannot be read: {error}", "build it anew, or restore it") from error
    return DuckdbFile(con, alias)


def attach(con: duckdb.DuckDBPyConnection, path: Path, alias: str) -> None:
    """Attach a DuckDB file read-only. Raises duckdb.Error."""
    con.execute(f"attach {duck.literal(str(path))} as {duck.quote(alias)} (read_only)")


def _copy(path: Path, scratch: Path) -> Path:
    copy = scratch / path.name
    log = path.with_name(path.name + ".wal")
    # A reader's lock: nobody can write while the file is copied.
    with duckdb.connect(str(path), read_only=True):
        shutil.copyfile(path, copy)
        if log.is_file():
            shutil.copyfile(log, copy.with_name(copy.name + ".wal"))
    return copy


def _counted_at_once(con: duckdb.DuckDBPyConnection, tables: Sequence[Found]) -> dict[tuple[str, str], int]:
    """Rows by schema and table; those that could not be counted together with others are left out."""
    # In groups: a union of thousands is too deep for DuckDB.
    counts: dict[tuple[str, str], int] = {}
    for start in range(0, len(tables), 200):
        part = tables[start : start + 200]
        sql = " union all ".join(f"select {n}, count(*) from {one.sql}" for n, one in enumerate(part))
        try:
            counts |= {part[n].place: rows for n, rows in con.execute(sql).fetchall()}
        except duckdb.Error:
            # Whose fault it was shows when each is counted by itself.
            continue
    return counts


def _counted(con: duckdb.DuckDBPyConnection, relation: Found) -> Found:
    if relation.error is not None:
        return relation
    try:
        rows = con.execute(f"select count(*) from {relation.sql}").fetchall()[0][0]
    except duckdb.Error as error:
        return broken(relation, error)
    return replace(relation, rows=rows)
