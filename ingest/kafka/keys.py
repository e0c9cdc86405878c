"""Keys of messages: as bronze keeps them, and the columns of the primary key that they say."""

from __future__ import annotations

import pyarrow as pa

from ingest.kafka.messages import as_text
from ingest.spec import StreamSpec
from plugins.core.duck import literal, quote


def as_kept(keys: pa.ChunkedArray, key_format: str) -> pa.ChunkedArray | pa.Array:
    """Keys as they are (`bytes`), or as text."""
    if key_format == "bytes":
        return keys
    try:
        return keys.cast(pa.large_string())
    except pa.ArrowInvalid:
        return pa.array([as_text(key) for key in keys.to_pylist()], pa.large_string())


def key_column(stream: StreamSpec, key_format: str, column: str) -> str | None:
    """SQL over `_smelt_key` of one column of the primary key, as text; None: the key doesn't tell."""
    if key_format == "bytes" or column not in stream.primary_key:
        return None
    is_single = len(stream.primary_key) == 1
    if key_format == "text":
        return "_smelt_key" if is_single else None
    path = literal("$." + '"' + column.replace("\\", "\\\\").replace('"', '\\"') + '"')
    document = "case when json_valid(_smelt_key) then _smelt_key end"
    field = f"json_extract_string({document}, {path})"
    if not is_single:
        return field
    scalar = f"json_extract_string({document}, '$')"
    return f"case when json_type({document}) = 'OBJECT' then {field} else {scalar} end"


def key_columns(stream: StreamSpec, key_format: str, types: dict[str, str]) -> list[str]:
    """SQL of the primary key's columns for messages without a value; `types`: those that are known."""
    found = []
    for column in stream.primary_key:
        told = key_column(stream, key_format, column)
        found.append(f"try_cast({told or 'null'} as {types.get(column, 'varchar')}) as {quote(column)}")
    return found
