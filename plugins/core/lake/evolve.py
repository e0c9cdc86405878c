"""Columns of a bronze table: how a source's types land, widen, or start a new version beside the old.

Iceberg widens int → long, float → double and decimal precision in place. Any other change of type
starts a column `<name>__v2` (`__v3`, …): what landed before stays as it was, and staging coalesces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException, ResolveError
from pyiceberg.io.pyarrow import _pyarrow_to_schema_without_ids, schema_to_pyarrow
from pyiceberg.schema import promote
from pyiceberg.table import Table
from pyiceberg.types import DecimalType, IcebergType, PrimitiveType
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from plugins.core.lake.catalog import Lake

_VERSION = re.compile(r"^(?P<base>.+)__v(?P<n>\d+)$")


@dataclass(frozen=True)
class BronzeColumn:
    """Where one source column lands: `source` name, `name` and Arrow `type` in bronze."""

    source: str
    name: str
    type: pa.DataType


@dataclass(frozen=True)
class _Plan:
    columns: list[BronzeColumn]
    added: dict[str, pa.DataType]
    widened: dict[str, IcebergType]


@retry(
    retry=retry_if_exception_type(CommitFailedException),
    wait=wait_random_exponential(multiplier=0.05, max=2),
    stop=stop_after_attempt(30),
    reraise=True,
)
def ensure_columns(lake: Lake, identifier: str, incoming: pa.Schema) -> list[BronzeColumn]:
    """Make room for `incoming` (a source's columns as Arrow) in the table, created if absent.

    Returns, for each incoming column and in its order, where it lands. Changes only ever add or widen.
    """
    table = lake.find(identifier)
    if table is None:
        names = _unique_names(incoming.names)
        table = lake.create(
            identifier, pa.schema([pa.field(n, f.type) for n, f in zip(names, incoming, strict=True)])
        )
    plan = _plan(table, incoming)
    if plan.added or plan.widened:
        with table.update_schema() as update:
            for name, kind in plan.widened.items():
                update.update_column((name,), field_type=kind)  # type: ignore[arg-type]
            if plan.added:
                update.union_by_name(pa.schema(list(plan.added.items())))
    return plan.columns


def placed_columns(table: Table, incoming: pa.Schema) -> list[BronzeColumn]:
    """Where `ensure_columns` puts, or once put, each of `incoming`, in its order; changes nothing.

    A column that the table has no room for yet is placed where it would be added.
    """
    return _plan(table, incoming).columns


def bronze_columns(table: Table) -> dict[str, pa.DataType]:
    """Columns of `table` and their Arrow types, in order."""
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    return {field.name: field.type for field in schema}


def _unique_names(names: Sequence[str]) -> list[str]:
    """Column names that differ in more than case, as DuckDB and most catalogs need: `A`, `a` → `A`, `a_2`."""
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, n = name, 1
        while candidate.lower() in taken:
            n += 1
            candidate = f"{name}_{n}"
        taken.add(candidate.lower())
        unique.append(candidate)
    return unique


def _plan(table: Table, incoming: pa.Schema) -> _Plan:
    columns: list[BronzeColumn] = []
    added: dict[str, pa.DataType] = {}
    widened: dict[str, IcebergType] = {}
    present = {name.lower(): (name, kind) for name, kind in bronze_columns(table).items()}
    for field, wanted in zip(incoming, _unique_names(incoming.names), strict=True):
        for name, kind in _versions(wanted, present):
            landed = _fit(kind, field.type)
            if landed is not None:
                columns.append(BronzeColumn(field.name, name, landed))
                if landed != kind:
                    widened[name] = _iceberg_type(landed)
                break
        else:
            name = _next_version(wanted, present)
            added[name] = field.type
            present[name.lower()] = (name, field.type)
            columns.append(BronzeColumn(field.name, name, field.type))
    return _Plan(columns, added, widened)


def _versions(name: str, present: dict[str, tuple[str, pa.DataType]]) -> list[tuple[str, pa.DataType]]:
    """The column called `name` and its `__v<n>` siblings, newest first."""
    found = [(0, present[name.lower()])] if name.lower() in present else []
    for key, column in present.items():
        match = _VERSION.match(key)
        if match and match["base"] == name.lower():
            found.append((int(match["n"]), column))
    return [column for _, column in sorted(found, key=lambda pair: -pair[0])]


def _next_version(name: str, present: dict[str, tuple[str, pa.DataType]]) -> str:
    if name.lower() not in present:
        return name
    n = 2
    while f"{name}__v{n}".lower() in present:
        n += 1
    return f"{name}__v{n}"


def _fit(column: pa.DataType, value: pa.DataType) -> pa.DataType | None:
    """The type in which `column` can hold `value` (perhaps widened), or None if it cannot."""
    if column == value:
        return column
    old, new = _iceberg_type(column), _iceberg_type(value)
    if str(_without_ids(old)) == str(_without_ids(new)):
        return column
    if not (isinstance(old, PrimitiveType) and isinstance(new, PrimitiveType)):
        return None
    # pyiceberg also lets string and binary stand for each other, and ignores a decimal's scale: bronze does not.
    if {"string", "binary"} & {str(old), str(new)}:
        return None
    if isinstance(old, DecimalType) and isinstance(new, DecimalType) and old.scale != new.scale:
        return None
    for narrow, wide, kind in ((old, new, value), (new, old, column)):
        try:
            promote(narrow, wide)
        except ResolveError:
            continue
        return kind
    return None


def _iceberg_type(kind: pa.DataType) -> IcebergType:
    return _pyarrow_to_schema_without_ids(pa.schema([pa.field("x", kind)])).fields[0].field_type


def _without_ids(kind: IcebergType) -> pa.DataType | IcebergType:
    if isinstance(kind, PrimitiveType):
        return kind
    return schema_to_pyarrow(kind, include_field_ids=False)
