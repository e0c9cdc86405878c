"""Columns of change events: those of the source in bronze types, and what bronze says of each event."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from ingest.cdc.events import Changes, Truncation
from ingest.cdc.relations import Relation
from ingest.cdc.values import arrays_as_json, expression, extra_expression
from plugins.core.duck import quote

# Beside what every bronze row has. unchanged: JSON list of columns whose value was not sent, as it did not change.
CHANGE_TYPES = {
    "_smelt_commit_lsn": pa.string(),
    "_smelt_sequence": pa.int64(),
    "_smelt_committed_at": pa.timestamp("us", tz="UTC"),
    "_smelt_xid": pa.int64(),
    "_smelt_unchanged": pa.string(),
}
_NUMBERS = ("lsn", "sequence", "committed", "xid")


def source_columns(relation: Relation) -> list[str]:
    """SQL over the columns of `arrow_table`: the source's, the event's place, and what fits no bronze type.

    The place is fixed-width text that sorts in log order: commit LSN (hexadecimal), place in the transaction.
    """
    return [
        *(f"{expression(column)} as {quote(column.alias)}" for column in relation.columns),
        "format('{:016X}.{:012d}', _smelt_lsn, _smelt_sequence) as _smelt_source_position",
        f"{extra_expression(relation.columns)} as _smelt_extra",
    ]


def change_columns() -> list[str]:
    """SQL over the columns of `arrow_table`: the operation, and the columns of `CHANGE_TYPES`."""
    return [
        "_smelt_op::varchar as _smelt_op",
        "format('{:X}/{:X}', _smelt_lsn >> 32, _smelt_lsn & 4294967295) as _smelt_commit_lsn",
        "_smelt_sequence",
        "make_timestamptz(_smelt_committed) as _smelt_committed_at",
        "_smelt_xid",
        "_smelt_unchanged",
    ]


def arrow_table(changes: Changes) -> pa.Table:
    """The events as text (columns by alias) and `_smelt_…` columns, as the functions above expect them."""
    columns: dict[str, pa.Array] = {}
    for column in changes.relation.columns:
        values = changes.values[column.alias]
        is_array = column.kind == "a" and column.alias not in changes.relation.composites
        columns[column.alias] = arrays_as_json(column, values) if is_array else values
    columns["_smelt_op"] = changes.op
    for name in _NUMBERS:
        columns[f"_smelt_{name}"] = pa.array(getattr(changes, name), pa.int64())
    columns["_smelt_unchanged"] = _unchanged(changes)
    return pa.table(columns)


def emptied(found: Truncation) -> pa.Table:
    """One event without values, which says of a Truncation what `arrow_table` says of changes."""
    columns: dict[str, pa.Array] = {c.alias: pa.nulls(1, pa.large_string()) for c in found.relation.columns}
    columns["_smelt_op"] = pa.array(["d"])
    for name in _NUMBERS:
        columns[f"_smelt_{name}"] = pa.array([getattr(found, name)], pa.int64())
    columns["_smelt_unchanged"] = pa.nulls(1, pa.string())
    return pa.table(columns)


def _unchanged(changes: Changes) -> pa.Array:
    """JSON lists of the columns that an event left unsent; null where it left out none."""
    if not changes.unchanged:
        return pa.nulls(len(changes), pa.string())
    names: list[list[str]] = [[] for _ in range(len(changes))]
    for name, rows in changes.unchanged.items():
        for row in np.flatnonzero(rows):
            names[row].append(name)
    return pa.array([json.dumps(found) if found else None for found in names], pa.string())
