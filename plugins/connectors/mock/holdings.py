"""What the mock holds: the records of each stream, and which parent each belongs to.

A stream with parents has as many records as any other; they are spread over the records of its parents: half of
them belong to the first (so that it takes several pages), the others to one each in turn, and some parents have
none.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugins.connectors.mock.endpoints import Endpoint, Specification
from plugins.connectors.mock.labels import Labels, Parent, Stream
from plugins.connectors.mock.records import RecordMaker
from plugins.core.errors import SmeltError

Values = Mapping[str, str]


@dataclass(frozen=True)
class Partition:
    """The parameters that ask for one parent's records, and the numbers of these records."""

    values: Values
    indexes: tuple[int, ...]


class Holdings:
    """The records of all labelled streams, each made when it is first asked for."""

    def __init__(
        self, specification: Specification, labels: Labels, count: int | Mapping[str, int], seed: int
    ) -> None:
        self._labels = labels
        self._endpoints = {endpoint.path: endpoint for endpoint in specification.endpoints}
        self._maker = RecordMaker(specification, seed)
        self._counts = count
        self._records: dict[str, list[Any]] = {}
        self._partitions: dict[tuple[str, tuple[Parent, ...]], list[Partition]] = {}
        self._by_values: dict[tuple[str, tuple[Parent, ...]], dict[frozenset[tuple[str, str]], Partition]] = {}
        self._lock = threading.RLock()
        self._check()

    def records(self, stream: Stream) -> list[Any]:
        """All records of a stream."""
        with self._lock:
            if stream.path not in self._records:
                unique = self._unique_fields(stream)
                endpoint = self._endpoints[stream.path]
                self._records[stream.path] = [
                    self._maker.record(stream, endpoint, index, unique) for index in range(self.count(stream))
                ]
            return self._records[stream.path]

    def count(self, stream: Stream) -> int:
        """How many records a stream has."""
        return self._counts if isinstance(self._counts, int) else self._counts.get(stream.path, 137)

    def partitions(self, stream: Stream, parents: tuple[Parent, ...] | None = None) -> list[Partition]:
        """One partition for each parent record, or each pair if a stream has two parents; one if it has none.

        `parents` are others than those of the label, such as an accepted alternative.
        """
        links = stream.parent if parents is None else parents
        with self._lock:
            if (stream.path, links) not in self._partitions:
                found = list(self._parent_values(stream, links))
                owned: list[list[int]] = [[] for _ in found]
                for index in range(self.count(stream)):
                    owned[_owner(index, self.count(stream), len(found))].append(index)
                self._partitions[stream.path, links] = [
                    Partition(values, tuple(indexes)) for values, indexes in zip(found, owned, strict=True)
                ]
            return self._partitions[stream.path, links]

    def partition(self, stream: Stream, parents: tuple[Parent, ...], given: Values) -> Partition | None:
        """The partition that a request's parameters ask for, None if there is no such parent."""
        with self._lock:
            key = (stream.path, parents)
            if key not in self._by_values:
                found = self.partitions(stream, parents)
                self._by_values[key] = {frozenset(part.values.items()): part for part in found}
            names = {name for part in self.partitions(stream, parents)[:1] for name in part.values}
            asked = frozenset((name, given[name]) for name in names if name in given)
            return self._by_values[key].get(asked)

    def variants(self, stream: Stream) -> list[tuple[Parent, ...]]:
        """The ways a stream may be asked for, the label's own first; of two with the same parameters the first."""
        chosen: dict[frozenset[tuple[str, str]], tuple[Parent, ...]] = {}
        for links in (stream.parent, *stream.also.parent):
            chosen.setdefault(frozenset((one.path, one.parameter) for one in links), links)
        return list(chosen.values())

    def envelope(self, endpoint: Endpoint) -> Any:
        """An answer of an endpoint as the specification describes it, for what is around the records."""
        return self._maker.body(endpoint)

    def _parent_values(self, stream: Stream, links: tuple[Parent, ...]) -> list[dict[str, str]]:
        wanted = set(self._endpoints[stream.path].names)
        choices = []
        for path, group in itertools.groupby(links, key=lambda link: link.path):
            parent, fields = self._stream(path), tuple(group)
            records = self.records(parent)
            choices.append(
                [
                    {name: value for name, value in partition.values.items() if name in wanted}
                    | {link.parameter: str(_field(records[index], link.field)) for link in fields}
                    for partition in self.partitions(parent)
                    for index in partition.indexes
                ]
            )
        return [_joined(values) for values in itertools.product(*choices)]

    def _unique_fields(self, stream: Stream) -> list[str]:
        links = [
            link
            for other in self._labels.streams
            for links in self.variants(other)
            for link in links
            if link.path == stream.path
        ]
        return list(dict.fromkeys([*(stream.primary_key or ()), *(link.field for link in links)]))

    def _stream(self, path: str) -> Stream:
        stream = self._labels.stream(path)
        if stream is None:
            raise SmeltError(
                f"{self._labels.spec}: {path!r} is named as a parent, but is no labelled stream",
                "label it as a stream",
            )
        return stream

    def _check(self) -> None:
        for stream in self._labels.streams:
            if stream.path not in self._endpoints:
                raise SmeltError(
                    f"{self._labels.spec}: the labelled path {stream.path!r} is not in the specification",
                    "take the path as it is written there",
                )
            for links in self.variants(stream):
                for link in links:
                    self._above(self._stream(link.path), (stream.path,))

    def _above(self, stream: Stream, below: tuple[str, ...]) -> None:
        if stream.path in below:
            raise SmeltError(
                f"{self._labels.spec}: {stream.path!r} is a parent of itself",
                "remove one of the parents on the way",
            )
        for link in stream.parent:
            self._above(self._stream(link.path), (*below, stream.path))


def _owner(index: int, count: int, partitions: int) -> int:
    half = (count + 1) // 2
    return 0 if partitions < 2 or index < half else 1 + (index - half) % (partitions - 1)


def _joined(parts: tuple[dict[str, str], ...]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for part in parts:
        joined |= part
    return joined


def _field(record: Any, name: str) -> Any:
    for key in name.split("."):
        record = record.get(key) if isinstance(record, Mapping) else None
    return record
