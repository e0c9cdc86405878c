"""Which columns of both sides hold personal data: as the project says, as discovery finds, and by their pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from plugins.core.discovery import ColumnProfile, find_personal
from plugins.core.discovery.names import is_birth_name
from plugins.core.privacy import is_pii_name
from plugins.source_mapping.document import SourceMapping
from plugins.source_mapping.matching import Table


@dataclass(frozen=True)
class Personal:
    """Columns that are known to be personal. sources: by stream; targets: by entity."""

    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    targets: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def with_partners(self, mapping: SourceMapping) -> Personal:
        """The same, with the columns that are called like personal data, or mapped to or from one that is."""
        sources, targets = _sets(self.sources), _sets(self.targets)
        for stream in mapping.streams:
            for entity in stream.entities:
                ours = self.sources.get(stream.stream, frozenset())
                theirs = self.targets.get(entity.entity, frozenset())
                for column in entity.columns:
                    if column.target in theirs or is_called_personal(column.target):
                        sources[stream.stream].update(column.columns)
                    if any(name in ours or is_called_personal(name) for name in column.columns):
                        targets[entity.entity].add(column.target)
        return Personal(_frozen(sources), _frozen(targets))


def is_called_personal(column: str) -> bool:
    """Whether a column's name alone speaks of personal data."""
    return is_pii_name(column) or is_birth_name(column)


def personal_sources(columns: Iterable[ColumnProfile], listed: Iterable[str]) -> frozenset[str]:
    """Of a stream's columns those that somebody lists, in any case of letters, or that discovery classified.

    What is within a listed object is as personal as the object.
    """
    names = {name.casefold() for name in listed}
    return frozenset(
        column.name for column in columns if column.pii is not None or not names.isdisjoint(_called(column))
    )


def personal_targets(table: Table, listed: Iterable[str]) -> frozenset[str]:
    """Of an entity's columns those that somebody lists, and those whose sample discovery finds to be personal."""
    names = {name.casefold() for name in listed}
    found = find_personal({column.name: column.values for column in table.columns if any(column.values)})
    return frozenset(one.name for one in table.columns if one.name in found or one.name.casefold() in names)


def _called(column: ColumnProfile) -> set[str]:
    paths = [column.path[:depth] for depth in range(1, len(column.path) + 1)]
    joined = {joint.join(path).casefold() for path in paths for joint in (".", "__")}
    return joined | {column.name.casefold()}


def _sets(columns: Mapping[str, frozenset[str]]) -> defaultdict[str, set[str]]:
    return defaultdict(set, {name: set(found) for name, found in columns.items()})


def _frozen(columns: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(found) for name, found in columns.items()}
