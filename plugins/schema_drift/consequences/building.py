"""A column of another type, and the models that then no longer build: DuckDB binds their SQL over empty tables.

`date_trunc('month', ordered_on)` takes no text, while `max(ordered_on)` takes it and is wrong: only who resolves
the functions can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

import duckdb
import sqlglot
from sqlglot.errors import SqlglotError

from plugins.core.duck import quote
from plugins.core.lineage import Columns
from plugins.core.project import Manifest
from plugins.core.project.resources import Resource
from plugins.schema_drift.change import Change, Fact, Severity
from plugins.schema_drift.consequences.models import Models

_LONGEST = 160
_CONFINED: dict[str, Any] = {"enable_external_access": "false", "autoinstall_known_extensions": "false"}


def by_types(change: Change, models: Models) -> Change:
    """Breaking if a model that took the old type does not take the new one."""
    manifest = models.compiled
    resource = manifest.resources.get(change.table) if manifest is not None else None
    if manifest is None or resource is None:
        return change
    below = [one for one in _parents_first(manifest, models.below(change.table)) if one.sql is not None]
    known = models.columns(manifest)
    old = known.get(change.table)
    if old is None:
        return change
    new = {n: change.detail["type_after"] if n.lower() == change.before[0].lower() else t for n, t in old.items()}
    took = _errors(manifest, known, below)
    takes = _errors(manifest, {**known, change.table: new}, below)
    first = next((one for one in below if one.id in takes and one.id not in took), None)
    if first is None:
        return change
    text = f"`{first.name}` ({first.path}) does not build with it: {takes[first.id]}"
    return replace(change, severity=Severity.BREAKING, facts=(*change.facts, Fact("build", text)))


def _errors(manifest: Manifest, known: Mapping[str, Columns], below: Sequence[Resource]) -> dict[str, str]:
    """What DuckDB says of models that it cannot bind, by node; those below such a one see the columns of now."""
    with duckdb.connect(config=_CONFINED) as con:
        tables = _Tables(con)
        for node in _inputs(manifest, below):
            tables.put(node, known.get(node.id, {}))
        errors = {}
        for node in below:
            # An incremental model may read itself.
            tables.put(node, known.get(node.id, {}))
            try:
                tables.put(node, _bound(con, manifest, node))
            except (duckdb.Error, SqlglotError) as error:
                errors[node.id] = str(error).strip().splitlines()[0][:_LONGEST]
        return errors


def _inputs(manifest: Manifest, below: Sequence[Resource]) -> Iterator[Resource]:
    inside = {node.id for node in below}
    parents = dict.fromkeys(parent for node in below for parent in node.parents if parent not in inside)
    yield from (manifest.resources[one] for one in parents if one in manifest.resources)


def _bound(con: duckdb.DuckDBPyConnection, manifest: Manifest, node: Resource) -> dict[str, str | None]:
    """The columns that a model gives. Raises duckdb.Error, and SqlglotError for what DuckDB's SQL cannot say."""
    sql = (node.sql or "").strip().rstrip(";")
    if manifest.dialect != "duckdb":
        sql = sqlglot.transpile(sql, read=manifest.dialect, write="duckdb")[0]
    return {row[0]: row[1] for row in con.execute(f"describe {sql}").fetchall()}


@dataclass
class _Tables:
    """Empty tables, where the models' SQL looks for them."""

    con: duckdb.DuckDBPyConnection
    _made: set[str] = field(default_factory=lambda: {"memory", "memory.main"})

    def put(self, node: Resource, columns: Columns) -> None:
        """A table with these columns, if their types are known to DuckDB."""
        if node.relation is None or not columns or not all(columns.values()):
            return
        database, schema, name = node.relation
        if database not in self._made:
            self.con.execute(f"attach ':memory:' as {quote(database)}")
            self._made |= {database, f"{database}.main"}
        if f"{database}.{schema}" not in self._made:
            self.con.execute(f"create schema {quote(database)}.{quote(schema)}")
            self._made.add(f"{database}.{schema}")
        listed = ", ".join(f"{quote(column)} {kind}" for column, kind in columns.items())
        try:
            self.con.execute(f"create or replace table {quote(database)}.{quote(schema)}.{quote(name)} ({listed})")
        except duckdb.Error:
            # A type of another warehouse: models that read the table can't be bound before either.
            return


def _parents_first(manifest: Manifest, nodes: set[str]) -> list[Resource]:
    known = {one: manifest.resources[one] for one in nodes if one in manifest.resources}
    try:
        order = TopologicalSorter({key: [p for p in one.parents if p in known] for key, one in known.items()})
        return [known[one] for one in order.static_order()]
    except CycleError:
        return []
