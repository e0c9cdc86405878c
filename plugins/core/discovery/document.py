"""Profiles as plain dicts and lists, to be written as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from plugins.core.discovery.profile import (
    ColumnProfile,
    Dependency,
    Finding,
    ForeignKey,
    Key,
    SourceProfile,
    StreamProfile,
)


def document(source: SourceProfile, name: str) -> dict[str, Any]:
    """What was discovered of a source, for JSON."""
    return {
        "source": name,
        "streams": [_stream(stream) for stream in source.streams],
        "foreign_keys": [_foreign_key(one) for one in source.foreign_keys],
    }


def _stream(stream: StreamProfile) -> dict[str, Any]:
    return {
        "name": stream.name,
        "parent": stream.parent,
        "view_of": stream.view_of,
        "rows": stream.rows,
        "sampled": stream.sampled,
        "columns": [_column(column) for column in stream.columns],
        "keys": [_key(key) for key in stream.keys],
        "dependencies": [_dependency(one) for one in stream.dependencies],
        "children": [_stream(child) for child in stream.children],
        "notes": list(stream.notes),
    }


def _column(column: ColumnProfile) -> dict[str, Any]:
    return {
        "name": column.name,
        "path": list(column.path),
        "type": column.data_type,
        "casts_to": column.casts_to,
        "nullable": column.nullable,
        "null_share": round(column.null_share, 6),
        "distinct": column.distinct,
        "semantic": _finding(column.semantic),
        "runners_up": [_finding(one) for one in column.runners_up],
        "pii": _finding(column.pii) if column.pii else None,
        "format": column.format,
        "zone": column.zone,
        "unit": column.unit,
        "values": list(column.values),
        "placeholders": list(column.placeholders),
        "minimum": column.minimum,
        "maximum": column.maximum,
        "mean_length": round(column.mean_length, 1),
        "examples": list(column.examples),
        "variants": [asdict(one) for one in column.variants],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {"type": one.value, "confidence": one.confidence, "evidence": one.evidence}


def _key(key: Key) -> dict[str, Any]:
    return {
        "columns": list(key.columns),
        "primary": key.is_primary,
        "confidence": key.confidence,
        "evidence": key.evidence,
    }


def _dependency(one: Dependency) -> dict[str, Any]:
    return asdict(one) | {"columns": list(one.columns)}


def _foreign_key(one: ForeignKey) -> dict[str, Any]:
    return {
        "from": one.stream,
        "columns": list(one.columns),
        "to": one.to_stream,
        "to_columns": list(one.to_columns),
        "confidence": one.confidence,
        "evidence": one.evidence,
    }
