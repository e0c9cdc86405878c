"""What a bronze table has already of a source's fields."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from ingest.load.types import AUDIT_TYPES, bronze_type
from ingest.mongo.documents import CHANGE_TYPES
from plugins.core.lake import Lake, bronze_columns


def source_types(lake: Lake, identifier: str, con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """DuckDB types of the table's columns by the source's name, the newest version first; {}: none yet."""
    table = lake.find(identifier)
    ours = {*AUDIT_TYPES, *CHANGE_TYPES}
    found = {name: kind for name, kind in bronze_columns(table).items() if name not in ours} if table else {}
    kinds = con.from_arrow(pa.schema(list(found.items())).empty_table()).types if found else []
    known: dict[str, list[str]] = {}
    for name, kind in zip(found, kinds, strict=True):
        base, _, version = name.rpartition("__v")
        source = base if base in found and version.isdigit() else name
        known.setdefault(source, []).insert(0, bronze_type(kind))
    return known
