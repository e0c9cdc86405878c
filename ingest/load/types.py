"""DuckDB types that Iceberg lacks, and the types in which their values land without loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from plugins.core.duck import quote
from plugins.core.errors import SmeltError

AUDIT_TYPES = {
    "_smelt_batch_id": pa.string(),
    "_smelt_loaded_at": pa.timestamp("us", tz="UTC"),
    "_smelt_source_position": pa.string(),
    "_smelt_op": pa.string(),
    "_smelt_extra": pa.string(),
}
_FROM_EXTRACTORS = {"_smelt_source_position", "_smelt_extra"}

_KEPT = {"boolean", "integer", "bigint", "float", "double", "varchar", "blob", "date", "time", "timestamp"}
_MOVED = {
    "tinyint": "integer",
    "smallint": "integer",
    "utinyint": "integer",
    "usmallint": "integer",
    "uinteger": "bigint",
    "ubigint": "decimal(20, 0)",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp_ns": "timestamp",
    "timestamp with time zone": "timestamptz",
}


@dataclass(frozen=True)
class Column:
    """A column of a pull: its name at the source and the DuckDB type in which bronze takes it."""

    name: str
    type: str


@dataclass(frozen=True)
class Shape:
    """The columns of a pull, and which of the audit columns the extractor fills itself."""

    columns: list[Column]
    has_position: bool
    has_extra: bool


def shape_of(con: duckdb.DuckDBPyConnection, relation: str) -> Shape:
    """Columns of `relation` in bronze types; binds the query and reads no row."""
    bound = con.sql(relation)
    names = dict(zip(bound.columns, bound.types, strict=True))
    reserved = [name for name in names if name.lower() in AUDIT_TYPES and name not in _FROM_EXTRACTORS]
    if reserved:
        raise SmeltError(
            f"the source has a column named {reserved[0]}, a name that Smelt keeps for itself",
            "rename the column at the source, or read it through a view",
        )
    columns = [Column(n, bronze_type(t)) for n, t in names.items() if n not in _FROM_EXTRACTORS]
    return Shape(columns, "_smelt_source_position" in names, "_smelt_extra" in names)


def bronze_type(kind: Any) -> str:
    """The DuckDB type (as SQL) in which values of `kind` land; nested types keep their shape."""
    name = str(kind).lower()
    family = kind.id
    if family == "decimal" or name in _KEPT:
        return name
    if name in _MOVED:
        return _MOVED[name]
    if family in {"list", "array"}:
        return f"{bronze_type(kind.children[0][1])}[]"
    if family == "struct":
        return "struct(" + ", ".join(f"{quote(n)} {bronze_type(t)}" for n, t in kind.children) + ")"
    if family == "map":
        (_, key), (_, value) = kind.children
        return f"map({bronze_type(key)}, {bronze_type(value)})"
    return "varchar"


def arrow_schema(con: duckdb.DuckDBPyConnection, columns: list[Column]) -> pa.Schema:
    """The columns as Arrow fields."""
    if not columns:
        return pa.schema([])
    nulls = ", ".join(f"null::{column.type} as {quote(column.name)}" for column in columns)
    return con.sql(f"select {nulls} limit 0").to_arrow_table().schema
