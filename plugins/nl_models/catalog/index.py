"""What was profiled, kept in a file: only tables that changed since are profiled again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
from pydantic import TypeAdapter, ValidationError

from plugins.core.duck import quote
from plugins.nl_models.catalog.database import describe_tables, relation
from plugins.nl_models.catalog.joins import find_joins
from plugins.nl_models.catalog.profile import MOST_VALUES
from plugins.nl_models.catalog.schema import Join, Table
from plugins.nl_models.semantic.layer import SemanticLayer

# Raised when what is kept means something else; older files are then made anew.
_VERSION = 1
# Of all columns together; beyond that those of the columns that have the most are forgotten.
_MOST_IN_ALL = 200_000


@dataclass(frozen=True)
class Profiled:
    """tables by `schema.table`; values of categorical dimensions by (semantic model, dimension).

    unread: why some tables could not be read, by the same names.
    """

    tables: Mapping[str, Table]
    joins: tuple[Join, ...]
    values: Mapping[tuple[str, str], tuple[str, ...]]
    unread: Mapping[str, str]


@dataclass
class _Kept:
    version: int = _VERSION
    fingerprints: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    joined: str = ""
    joins: tuple[Join, ...] = ()
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)


_adapter: TypeAdapter[_Kept] = TypeAdapter(_Kept)


@dataclass(frozen=True)
class CatalogIndex:
    """The file. It is data, never code: a project that came from elsewhere may bring one along."""

    path: Path

    def refresh(
        self,
        con: duckdb.DuckDBPyConnection,
        fingerprints: Mapping[str, str],
        declared: Iterable[tuple[str, str, str, str]],
        layer: SemanticLayer | None,
    ) -> Profiled:
        """Profile what is new or changed, forget what is gone, and return everything."""
        kept = self._read()
        stale = [name for name, mark in fingerprints.items() if kept.fingerprints.get(name) != mark]
        tables = {name: kept.tables[name] for name in fingerprints if name not in set(stale)}
        fresh, unread = describe_tables(con, {name: _place(name) for name in stale})
        tables |= fresh
        # What can't be read now may be the next time, though nothing of it changed.
        fingerprints = {name: mark for name, mark in fingerprints.items() if name not in unread}
        tables = _within_bounds(tables) if stale else tables
        wanted = dict(_dimensions(layer, fingerprints))
        values = {key: kept.values[key] for key in wanted if key in kept.values and wanted[key][1] not in stale}
        for key, (expr, table) in wanted.items():
            if key not in values:
                values[key] = _distinct(con, expr, table)
        declared = sorted(one for one in declared if {one[0], one[2]} <= tables.keys())
        joined = f"{sorted(fingerprints.items())}{declared}"
        joins = kept.joins if joined == kept.joined else find_joins(con, tables, declared)
        now = _Kept(_VERSION, dict(fingerprints), tables, joined, joins, values)
        if now != kept:
            self._write(now)
        pairs = {tuple(key.split("\n")[:2]): found for key, found in values.items()}
        return Profiled(tables, joins, pairs, unread)  # type: ignore[arg-type]

    def _read(self) -> _Kept:
        try:
            kept = _adapter.validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return _Kept()
        return kept if kept.version == _VERSION else _Kept()

    def _write(self, kept: _Kept) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        half = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        half.write_bytes(_adapter.dump_json(kept))
        os.replace(half, self.path)


def _place(name: str) -> tuple[str, str]:
    schema, _, table = name.partition(".")
    return schema, table


def _within_bounds(tables: Mapping[str, Table]) -> dict[str, Table]:
    """The tables with no more values than are kept in all."""
    columns = [column for table in tables.values() for column in table.columns.values() if column.values]
    total, kept = 0, set()
    for column in sorted(columns, key=lambda column: len(column.values or ())):
        total += len(column.values or ())
        if total > _MOST_IN_ALL:
            break
        kept.add(column.place)
    if len(kept) == len(columns):
        return dict(tables)
    return {
        name: replace(
            table,
            columns={
                label: column if not column.values or column.place in kept else replace(column, values=None)
                for label, column in table.columns.items()
            },
        )
        for name, table in tables.items()
    }


def _dimensions(layer: SemanticLayer | None, tables: Mapping[str, str]) -> Iterable[tuple[str, tuple[str, str]]]:
    """By key, (expression, table) of categorical dimensions."""
    for model in layer.models.values() if layer is not None else ():
        if model.relation in tables:
            for label, kind, expr, _ in model.dimensions:
                if kind == "categorical":
                    yield f"{model.name}\n{label}\n{expr}", (expr, model.relation)


def _distinct(con: duckdb.DuckDBPyConnection, expr: str, table: str) -> tuple[str, ...]:
    """The values of a dimension as text; none if there are too many, or if the expression fails."""
    column = quote(expr) if expr.isidentifier() else f"({expr})"
    try:
        rows = con.execute(
            f"select distinct ({column})::varchar as v from {relation(table)} where v is not null "
            f"order by v limit {MOST_VALUES + 1}"
        ).fetchall()
    except duckdb.Error:
        return ()
    return tuple(value for (value,) in rows) if len(rows) <= MOST_VALUES else ()
