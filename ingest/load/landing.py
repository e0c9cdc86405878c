"""Where a pull's columns land in bronze, under the stream's schema policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ingest.load.types import AUDIT_TYPES, Column, Shape, arrow_schema
from plugins.core.duck import literal, quote
from plugins.core.lake import Lake, bronze_columns, ensure_columns

# Eighteen digits. `lpad` would take as long as a twelfth of the whole load of a PostgreSQL table.
_COUNTED = "substr((1000000000000000000 + nextval('smelt_position'))::varchar, 2)"


@dataclass(frozen=True)
class Landed:
    """A source column, its bronze column and that column's DuckDB type."""

    source: str
    name: str
    type: str


@dataclass(frozen=True)
class Landing:
    """Columns that land, and those that a frozen schema has no room for."""

    columns: list[Landed]
    held: list[Column]


def plan_landing(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    identifier: str,
    shape: Shape,
    policy: str,
    is_first: bool,
    audit: Mapping[str, pa.DataType] = AUDIT_TYPES,
) -> Landing:
    """Make room in the table for the pull's columns and those of `audit`, as far as the policy lets them in.

    Only `freeze` keeps columns out: under `review`, data lands in full, and builds are held back instead.
    A pull without columns (no new file, an emptied one) is without rows, and lands in those of the table.
    """
    held: list[Column] = []
    if policy == "freeze" and not is_first:
        held = _strangers(con, lake, identifier, shape)
    taken = [column for column in shape.columns if column not in held]
    schema = arrow_schema(con, taken)
    audited = pa.schema([*schema, *(pa.field(name, kind) for name, kind in audit.items())])
    placed = ensure_columns(lake, identifier, audited)[: len(taken)]
    sources = {p.name: p.source for p in placed}
    fields = {p.name: p.type for p in placed} or _existing(lake, identifier)
    types = con.from_arrow(pa.schema(list(fields.items())).empty_table()).types if fields else []
    columns = [Landed(sources.get(name, name), name, str(kind)) for name, kind in zip(fields, types, strict=True)]
    return Landing(columns, held)


def _existing(lake: Lake, identifier: str) -> dict[str, pa.DataType]:
    return {n: kind for n, kind in bronze_columns(lake.table(identifier)).items() if n not in AUDIT_TYPES}


def _strangers(con: duckdb.DuckDBPyConnection, lake: Lake, identifier: str, shape: Shape) -> list[Column]:
    """Columns that the table doesn't have, or has in another type."""
    table = lake.find(identifier)
    known = bronze_columns(table) if table else {}
    schema = arrow_schema(con, shape.columns)
    by_name = {name.lower(): str(kind).replace("large_", "") for name, kind in known.items()}
    return [
        column
        for column, field in zip(shape.columns, schema, strict=True)
        if by_name.get(column.name.lower()) != str(field.type).replace("large_", "")
    ]


def pulled_sql(relation: str, shape: Shape, landing: Landing, kept: Sequence[str] = ()) -> str:
    """SELECT of the pull's rows in bronze columns, with `_smelt_source_position` and `_smelt_extra`.

    kept: further columns of `relation`, passed on as they are.
    """
    given = {c.name for c in shape.columns}
    parts = [
        f"{quote(c.source) if c.source in given else 'null'}::{c.type} as {quote(c.name)}" for c in landing.columns
    ]
    position = "_smelt_source_position" if shape.has_position else _COUNTED
    parts.append(f"{position}::varchar as _smelt_source_position")
    parts.append(f"{_extra(shape, landing.held)}::varchar as _smelt_extra")
    return f"select {', '.join([*parts, *kept])} from ({relation})"


def _extra(shape: Shape, held: list[Column]) -> str:
    given = "_smelt_extra" if shape.has_extra else "null::varchar"
    if not held:
        return given
    pairs = ", ".join(f"{literal(c.name)}, {quote(c.name)}" for c in held)
    present = " or ".join(f"{quote(c.name)} is not null" for c in held)
    return (
        f"case when {present} then json_merge_patch(coalesce({given}, '{{}}')::json, json_object({pairs})) "
        f"else {given} end"
    )


def source_sql(rows: str, landing: Landing) -> str:
    """SELECT over landed `rows` under the names that the source uses."""
    names = ", ".join(f"{quote(c.name)} as {quote(c.source)}" for c in landing.columns)
    return f"select {names or '1'} from {rows}"
