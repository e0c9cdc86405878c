"""The tables of a project in a database server, through the project's own dbt adapter: whatever dbt can reach."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from itertools import groupby
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.project import Project
from plugins.core.settings import mask, remember
from plugins.review import connected
from plugins.schema_drift.observing.duckdb_file import own_table
from plugins.schema_drift.observing.found import HASH, Found, Rows, Wanted, broken, plain_type
from plugins.schema_drift.observing.values import with_types
from plugins.schema_drift.table import Column

_BATCH = 20_000
_VIEWS = ("v", "m", "view", "materialized_view")
# Of longer keys, and of rows without one, the first columns tell enough.
_HASHED = 50


@contextmanager
def open_server(con: duckdb.DuckDBPyConnection, project: Project, dialect: str) -> Iterator[ServerTables]:
    """The server of the project's target; rows that are asked for are copied to `con`.

    Raises SmeltError if it cannot be reached.
    """
    for secret in project.secrets:
        remember(secret)
    with connected(project) as adapter:
        tables = ServerTables(con, adapter, dialect, str(project.credentials.get("database") or ""))
        try:
            tables.start()
        # Adapters raise whatever their driver does.
        except Exception as error:
            raise SmeltError(
                f"the warehouse of target {project.target_name} cannot be reached: {mask(str(error).strip())}",
                "start it, or correct profiles.yml",
            ) from error
        yield tables


@dataclass(frozen=True)
class ServerTables:
    """Relations of a server. Values pass as the text that the server makes of them, so that none changes."""

    con: duckdb.DuckDBPyConnection
    adapter: Any
    dialect: str
    database: str

    @property
    def folds_case(self) -> bool:
        """Names are quoted, and exact, but where the server folds them to upper case."""
        return self.dialect not in ("postgres",)

    def start(self) -> None:
        """Ask for something, and in PostgreSQL for nothing to be written. Raises what the driver raises."""
        if self.dialect == "postgres":
            self._ask("set session characteristics as transaction read only")
            self._end()
        self._ask("select 1").fetchall()

    def relations(self, schemas: Collection[str]) -> list[Found]:
        """All tables and views of these schemas."""
        wanted = sorted(schemas) or [self.adapter.config.credentials.schema]
        return self._postgres_relations(wanted) if self.dialect == "postgres" else self._any_relations(wanted)

    def count(self, relations: Sequence[Found]) -> list[Found]:
        """Numbers of rows, at once if all can be read."""
        readable = [one for one in relations if one.error is None]
        if not readable:
            return list(relations)
        sql = " union all ".join(f"select {n}, count(*) from {self._name(o)}" for n, o in enumerate(readable))
        try:
            counts = {int(n): int(rows) for n, rows in self._ask(sql).fetchall()}
        # Whose fault it was shows when each is counted by itself.
        except Exception:  # noqa: BLE001
            self._rollback()
            return [self._counted(one) for one in relations]
        rows = {one.place: counts[n] for n, one in enumerate(readable)}
        return [replace(one, rows=rows.get(one.place)) for one in relations]

    def rows(self, relation: Found, wanted: Wanted) -> Rows:
        """Copy what is wanted of a relation. Raises what the driver raises, or duckdb.Error."""
        names = [column.name for column in relation.columns]
        hashed = self._hash(wanted.key or names)
        values = ", ".join(f"cast({self._quoted(name)} as {self._text}) as c{n}" for n, name in enumerate(names))
        sql = f"select {values}, {hashed} as {HASH} from {self._name(relation)}"
        is_sample = (relation.rows or 0) > wanted.limit
        if is_sample:
            sql = f"select * from ({sql}) smelt_drift_row {self._where(wanted)}"
        staged = own_table(self.con)
        columns = ", ".join(f"c{n} varchar" for n in range(len(names)))
        self.con.execute(f"create temp table {staged} ({columns}, {HASH} varchar)")
        self._copy(sql, staged, len(names) + 1)
        table = own_table(self.con)
        typed = with_types(self.con, staged, relation.columns, self.dialect)
        self.con.execute(f"create temp table {table} as select {typed}, {HASH} from {staged}")
        self.con.execute(f"drop table {staged}")
        return Rows(f"(select * exclude {HASH} from {table})", is_sample, table)

    def _where(self, wanted: Wanted) -> str:
        """The rows of a sample: those with the smallest hashes, or up to one, and those with given hashes."""
        if wanted.up_to is None:
            first = "offset 0 rows fetch next {} rows only" if self.dialect == "tsql" else "limit {}"
            return f"order by {HASH} {first.format(wanted.limit)}"
        parts = [f"{HASH} <= {duck.literal(wanted.up_to)}"]
        if wanted.hashes is not None:
            also = [one for (one,) in self.con.execute(wanted.hashes).fetchall()]
            parts += [f"{HASH} in ({', '.join(map(duck.literal, also))})"] if also else []
        return f"where {' or '.join(parts)}"

    def _copy(self, sql: str, staged: str, width: int) -> None:
        try:
            cursor = self._ask(sql)
            while batch := cursor.fetchmany(_BATCH):
                arrays = [pa.array([_text(v) for v in part], pa.string()) for part in zip(*batch, strict=True)]
                self.con.register("smelt_fetched", pa.table(arrays, names=[f"f{n}" for n in range(width)]))
                self.con.execute(f"insert into {staged} from smelt_fetched")
                self.con.unregister("smelt_fetched")
        except Exception:
            self._rollback()
            raise

    def _counted(self, relation: Found) -> Found:
        if relation.error is not None:
            return relation
        try:
            rows = int(self._ask(f"select count(*) from {self._name(relation)}").fetchall()[0][0])
        # The other tables can still be looked at.
        except Exception as error:  # noqa: BLE001
            self._rollback()
            return broken(relation, error)
        return replace(relation, rows=rows)

    def _postgres_relations(self, schemas: Sequence[str]) -> list[Found]:
        listed = ", ".join(map(duck.literal, schemas))
        folder = resources.files("plugins.schema_drift.observing") / "queries"
        columns = self._ask((folder / "postgres_columns.sql").read_text().replace(":schemas", listed)).fetchall()
        rules = self._ask((folder / "postgres_constraints.sql").read_text().replace(":schemas", listed)).fetchall()
        keys = {(s, t): tuple(json.loads(names)) for s, t, kind, names in rules if kind == "p"}
        unique: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for schema, table, kind, names in rules:
            if kind == "u":
                unique.setdefault((schema, table), []).append(tuple(json.loads(names)))
        found = []
        for (schema, table, kind), group in groupby(columns, key=lambda row: row[:3]):
            is_view = kind in _VIEWS
            described = tuple(
                Column(name, plain_type(of), None if is_view else not required, default)
                for *_, name, of, required, default in group
            )
            place = (schema, table)
            found.append(
                Found(schema, table, described, is_view, keys.get(place, ()), tuple(unique.get(place, ())))
            )
        return found

    def _any_relations(self, schemas: Sequence[str]) -> list[Found]:
        """By what every adapter knows: names and types; neither nullability nor keys."""
        found = []
        for schema in schemas:
            for relation in self.adapter.list_relations(self.database, schema):
                try:
                    columns = self.adapter.get_columns_in_relation(relation)
                # The other tables can still be looked at.
                except Exception as error:  # noqa: BLE001
                    self._rollback()
                    found.append(broken(Found(schema, relation.identifier, ()), error))
                    continue
                described = tuple(Column(one.name, plain_type(one.data_type)) for one in columns)
                is_view = str(relation.type) in _VIEWS
                found.append(Found(relation.schema, relation.identifier, described, is_view))
        return found

    def _hash(self, names: Sequence[str]) -> str:
        parts = [f"coalesce(cast({self._quoted(name)} as {self._text}), '')" for name in names[:_HASHED]]
        return str(self.adapter.execute_macro("hash", kwargs={"field": " || '|' || ".join(parts)})).strip()

    @property
    def _text(self) -> str:
        return self.adapter.Column.translate_type("string")

    def _quoted(self, name: str) -> str:
        # Adapters put names between quotes as they are; one may hold quotes itself.
        return exp.to_identifier(name, quoted=True).sql(self.dialect)

    def _name(self, relation: Found) -> str:
        database = self.database if self.dialect != "postgres" else ""
        parts = [part for part in (database, relation.schema, relation.identifier) if part]
        return ".".join(map(self._quoted, parts))

    def _ask(self, sql: str) -> Any:
        _, cursor = self.adapter.connections.add_query(sql)
        return cursor

    def _end(self) -> None:
        self.adapter.connections.commit_if_has_connection()

    def _rollback(self) -> None:
        self.adapter.connections.rollback_if_open()


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
