"""Columns of a few values, of which there are probably no others: sure enough to be told when another comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from plugins.core.editing.yaml_text import Flow
from plugins.source_mapping.document import EntityMapping
from plugins.source_mapping.planning.expressions import text_of
from plugins.source_mapping.streams import SourceStream

_LEAST_ROWS = 500
# A value that comes ten times in a thousand rows leaves little room for one that never came.
_LEAST_TIMES = 10
_MOST_VALUES = 12
_LEAST_CONFIDENCE = 0.8


def closed_sets(stream: SourceStream, mapping: EntityMapping) -> dict[str, tuple[str, ...]]:
    """By target column of a new entity, all of its values, where discovery saw enough rows of each of them.

    Only text that is staged as it is, only what is called or behaves like a status, and nothing personal.
    """
    found: dict[str, tuple[str, ...]] = {}
    for one in mapping.columns:
        if len(one.columns) != 1 or one.status in ("question", "rejected"):
            continue
        profile = stream.profile.column(one.columns[0])
        is_enum = profile.semantic.value == "enum" and profile.semantic.confidence >= _LEAST_CONFIDENCE
        is_text = profile.data_type == "VARCHAR" and one.expression in ("", text_of(profile))
        if not is_enum or not is_text or profile.pii is not None or not 2 <= profile.distinct <= _MOST_VALUES:
            continue
        counts = Counter(value.strip() for value in stream.table.by_name[profile.name].values if value)
        known = {value.strip() for value in profile.values} - set(profile.placeholders) - {""}
        is_seen = counts.total() >= _LEAST_ROWS and all(counts[value] >= _LEAST_TIMES for value in known)
        if is_seen and known >= counts.keys() - set(profile.placeholders) - {""}:
            found[one.target] = tuple(sorted(known))
    return found


def accepted_values(values: Sequence[str]) -> dict[str, object]:
    """The test that tells of another value: sources invent statuses, which is no reason to stop a build."""
    return {"accepted_values": {"arguments": Flow(values=list(values)), "config": Flow(severity="warn")}}
