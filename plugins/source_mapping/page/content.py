"""What the page shows: the mapping, and of each column its type, description and a few masked sample values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from plugins.core.privacy import mask_value
from plugins.source_mapping.document import ColumnMapping, EntityMapping, SourceMapping, StreamMapping
from plugins.source_mapping.matching import Column, Table
from plugins.source_mapping.page.personal import Personal, is_called_personal

SAMPLES = 5
_LONGEST_SAMPLE = 80
_LONGEST_DESCRIPTION = 1_000
# Values that are looked at until enough different ones are found.
_LOOKED_AT = 200

# Of a new entity a column is read in the same way for any target.
ANY_TARGET = "*"
# By stream and entity, then by target and source column: the SQL that makes the one of the other, if it needs any.
Readings = Mapping[tuple[str, str], Mapping[str, Mapping[str, str]]]


def review_document(
    mapping: SourceMapping,
    sources: Mapping[str, Table],
    targets: Mapping[str, Table],
    readings: Readings | None = None,
    personal: Personal | None = None,
) -> dict[str, Any]:
    """The page's JSON. sources: tables by stream; targets: by entity; either may lack some.

    readings: the expressions by which a column that somebody chooses is read. personal: columns known to be so.

    Columns of a table that the mapping does not name are in it too, as undecided and without a proposal. Of values
    there are at most five per column, shortened, and none with personal data: of a column that is known to hold
    such or called so, or that is mapped to or from one that is, only placeholders such as `[EMAIL]` are shown.
    """
    masked = (personal or Personal()).with_partners(mapping)
    return {
        "source": mapping.source,
        "streams": [
            {
                "name": stream.stream,
                "description": _shortened(sources[stream.stream].description) if stream.stream in sources else "",
                "columns": [
                    _shown(column, masked.sources.get(stream.stream, frozenset()))
                    for column in source_columns(stream, sources.get(stream.stream))
                ],
                "entities": [
                    _entity(
                        entity,
                        targets.get(entity.entity),
                        (readings or {}).get((stream.stream, entity.entity), {}),
                    )
                    for entity in stream.entities
                ],
                "unmapped": [{"column": one.column, "because": one.because} for one in stream.unmapped],
            }
            for stream in mapping.streams
        ],
        "targets": {
            entity.entity: _target(
                entity, targets.get(entity.entity), masked.targets.get(entity.entity, frozenset())
            )
            for stream in mapping.streams
            for entity in stream.entities
        },
    }


def source_columns(stream: StreamMapping, table: Table | None) -> tuple[Column, ...]:
    """A stream's columns: the table's, then what only the mapping names."""
    known = {column.name: column for column in table.columns} if table else {}
    for name in _named(stream):
        known.setdefault(name, Column(name))
    return tuple(known.values())


def target_columns(entity: EntityMapping, table: Table | None) -> tuple[str, ...]:
    """An entity's columns: those of the mapping, then what only the table has."""
    names = [column.target for column in entity.columns] + [c.name for c in (table.columns if table else ())]
    return tuple(dict.fromkeys(names))


def _named(stream: StreamMapping) -> Iterator[str]:
    for entity in stream.entities:
        for column in entity.columns:
            yield from column.columns
            yield from (one.column for one in column.runners_up)
    yield from (one.column for one in stream.unmapped)


def _entity(
    entity: EntityMapping, table: Table | None, readings: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    listed = {column.target: column for column in entity.columns}
    # Most targets read the columns in one of a few ways, which are written once.
    ways: dict[tuple[tuple[str, str], ...], int] = {}
    names = target_columns(entity, table)
    way = {
        name: ways.setdefault(tuple(readings.get(name, readings.get(ANY_TARGET, {})).items()), len(ways))
        for name in names
    }
    return {
        "entity": entity.entity,
        "confidence": entity.confidence,
        "status": entity.status,
        "reviewer": entity.reviewer,
        "is_new": entity.is_new,
        "is_decided": entity.status in ("approved", "rejected") or entity.reviewer is not None,
        "columns": [
            _column(listed.get(name) or ColumnMapping(target=name, confidence=0.0), name in listed, way[name])
            for name in names
        ],
        "readings": list(map(dict, ways)),
    }


def _column(column: ColumnMapping, is_listed: bool, reading: int) -> dict[str, Any]:
    return {
        "target": column.target,
        "columns": list(column.columns),
        "expression": column.expression,
        "confidence": column.confidence,
        "status": column.status,
        "evidence": column.evidence,
        "runners_up": [[one.column, one.confidence] for one in column.runners_up],
        "reviewer": column.reviewer,
        "is_decided": column.is_decided,
        "is_listed": is_listed,
        "reading": reading,
    }


def _target(entity: EntityMapping, table: Table | None, personal: Collection[str]) -> dict[str, Any]:
    known = table.by_name if table else {}
    columns = [known.get(name) or Column(name) for name in target_columns(entity, table)]
    return {
        "description": _shortened(table.description) if table else "",
        "columns": [_shown(column, personal) for column in columns],
    }


def _shown(column: Column, personal: Collection[str]) -> dict[str, Any]:
    is_personal = column.name in personal or is_called_personal(column.name)
    samples = (mask_value(value, column.name, is_personal) for value in _distinct(column.values))
    return {
        "name": column.name,
        "type": column.data_type,
        "description": _shortened(column.description),
        # Masking makes one of several.
        "samples": [_cut(sample, _LONGEST_SAMPLE) for sample in dict.fromkeys(samples)],
        "is_masked": is_personal,
        "is_key": column.is_key,
    }


def _distinct(values: Iterable[str | None]) -> list[str]:
    """The first few different values; of long ones the beginning, or masking documents would take its time."""
    found: dict[str, None] = {}
    for place, value in enumerate(values):
        if place >= _LOOKED_AT or len(found) == SAMPLES:
            break
        if value:
            # Longer than what is shown, so that nothing personal is cut in two before it is masked.
            found[str(value)[: 4 * _LONGEST_SAMPLE]] = None
    return list(found)


def _shortened(text: str) -> str:
    return _cut(text.strip(), _LONGEST_DESCRIPTION)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
