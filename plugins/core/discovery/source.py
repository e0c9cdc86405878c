"""All streams of a source, and the references between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugins.core.discovery.foreign_keys import find_foreign_keys, with_foreign_keys
from plugins.core.discovery.look import Look
from plugins.core.discovery.profile import SourceProfile, StreamProfile
from plugins.core.discovery.stream import look_at_stream
from plugins.core.discovery.views import find_views

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def discover_source(
    samples: Mapping[str, pa.Table | Sequence[dict[str, Any]]],
    all_rows: Mapping[str, duckdb.DuckDBPyRelation] | None = None,
) -> SourceProfile:
    """What is known of a source by samples of its streams, by name.

    all_rows: by name, whole streams, as far as DuckDB has them; keys and references are then verified on them.
    """
    whole = all_rows or {}
    streams = []
    looks: dict[str, Sequence[Look]] = {}
    for name, sample in samples.items():
        stream, theirs = look_at_stream(name, sample, whole.get(name))
        streams.append(stream)
        looks |= theirs
    views = find_views(streams, looks)
    streams = [_said_view(stream, views.get(stream.name)) for stream in streams]
    found = find_foreign_keys(streams, looks, whole)
    return SourceProfile(tuple(with_foreign_keys(stream, found) for stream in streams), found)


def _said_view(stream: StreamProfile, of: str | None) -> StreamProfile:
    if of is None:
        return stream
    note = f"all of its rows are rows of {of}, column by column: a view or a copy of that"
    return replace(stream, view_of=of, notes=(*stream.notes, note))
