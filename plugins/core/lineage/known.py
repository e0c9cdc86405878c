"""Columns of tables as the outside knows them: the warehouse, dbt's catalog.json, and the header of a seed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb

from plugins.core.lineage.project import Columns
from plugins.core.project.resources import Manifest, Resource


def known_columns(
    manifest: Manifest, folder: Path | None = None, catalog: Path | None = None, warehouse: Path | None = None
) -> dict[str, Columns]:
    """Columns by node id, from the best that is there; nothing is missing: what isn't known is inferred.

    folder: the project's, for the headers of seeds. catalog: a catalog.json. warehouse: a DuckDB file, which
    is read only if no build holds it.
    """
    known: dict[str, Columns] = {}
    for resource in manifest.resources.values():
        if resource.is_contracted and resource.columns:
            known[resource.id] = dict(resource.columns)
        elif resource.kind == "seed" and folder is not None:
            known |= _seed_header(resource, folder)
    if catalog is not None and catalog.is_file():
        known |= _from_catalog(catalog)
    if warehouse is not None and warehouse.is_file():
        known |= _from_duckdb(manifest, warehouse)
    return known


def _seed_header(resource: Resource, folder: Path) -> dict[str, Columns]:
    path = folder / resource.path
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError):
        return {}
    return {resource.id: {name: resource.columns.get(name) for name in header}}


def _from_catalog(path: Path) -> dict[str, Columns]:
    try:
        document = json.loads(path.read_bytes())
        nodes = {**document.get("nodes", {}), **document.get("sources", {})}
        return {
            node: {c["name"]: c["type"] for c in sorted(entry["columns"].values(), key=lambda c: c["index"])}
            for node, entry in nodes.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # A catalog that can't be read is as good as none: columns are then inferred.
        return {}


def _from_duckdb(manifest: Manifest, path: Path) -> dict[str, Columns]:
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            return columns_of_database(manifest, con, con.execute("select current_database()").fetchall()[0][0])
    except duckdb.Error:
        return {}


def columns_of_database(manifest: Manifest, con: duckdb.DuckDBPyConnection, database: str) -> dict[str, Columns]:
    """Columns of the project's relations in one database that `con` has open."""
    rows = con.execute(
        "select lower(schema_name), lower(table_name), column_name, data_type from duckdb_columns() "
        "where not internal and database_name = ? order by table_oid, column_index",
        [database],
    ).fetchall()
    tables: dict[tuple[str, str], dict[str, str | None]] = {}
    for schema, table, column, data_type in rows:
        tables.setdefault((schema, table), {})[column] = data_type
    return {
        resource.id: tables[resource.relation[1:]]
        for resource in manifest.resources.values()
        if resource.relation is not None and resource.relation[1:] in tables
    }
