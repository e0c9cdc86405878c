"""Finds tables, columns, metrics and dimensions by their words, and by what is meant."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from plugins.core.embeddings import encode
from plugins.nl_models.catalog.names import words_of
from plugins.nl_models.subject import Subject

Kind = Literal["metric", "dimension", "table", "column"]

_NOISE = frozenset(
    words_of(
        "a an and are as at be by do does for from give has have how i in is it list many me much of on or show "
        "that the there these to was were what which who with dim fct agg stg int id"
    )
)
# Longer texts say nothing more of what they are about.
_MOST_WORDS, _LONGEST = 60, 1_000
# What a description says counts less than a name; less than this likeness is chance.
_DESCRIPTION, _MEANING, _LEAST_LIKENESS = 0.4, 0.6, 0.45


@dataclass(frozen=True)
class Entry:
    """Something of the catalog. name: as plans have it, a column's with its table. owner: a column's table."""

    kind: Kind
    name: str
    labels: tuple[str, ...]
    description: str = ""
    owner: str = ""


@dataclass(frozen=True)
class Finder:
    """An index of one subject, made once for a question."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, subject: Subject) -> Finder:
        """The index of all that a plan may name."""
        return cls(tuple(_entries(subject)))

    def ranked(self, text: str) -> list[tuple[Entry, float]]:
        """All entries that anything of the text points to, best first; scores are 0 and more."""
        words = list(dict.fromkeys(_content(text)))[:_MOST_WORDS]
        scores: dict[int, float] = defaultdict(float)
        for number, score in self._by_words(words):
            scores[number] += score
        for number, score in self._by_meaning(words):
            scores[number] += score
        order = sorted(scores, key=lambda number: (-scores[number], number))
        return [(self.entries[number], scores[number]) for number in order]

    def _by_words(self, words: list[str]) -> Iterator[tuple[int, float]]:
        whole = sum(self._weight(word) for word in words)
        for word in words:
            for number, share in self._index.get(word, {}).items():
                yield number, share * self._weight(word) / whole

    def _by_meaning(self, words: list[str]) -> Iterator[tuple[int, float]]:
        """Entries whose name is near to a word, where no name has the word itself."""
        strange = [word for word in words if word not in self._named]
        if not strange or not self.entries:
            return
        owners, vectors = self._meanings
        likeness = vectors @ encode(strange).T
        for row in np.flatnonzero(likeness.max(axis=1) >= _LEAST_LIKENESS):
            score = float(likeness[row].max()) * _MEANING / len(words)
            for number in owners[row]:
                yield number, score

    def _weight(self, word: str) -> float:
        """How telling a word is: the fewer entries have it, the more."""
        return math.log(1 + (len(self.entries) + 1) / (1 + len(self._index.get(word, ()))))

    @cached_property
    def _index(self) -> Mapping[str, Mapping[int, float]]:
        """word → entry → how much of it the word is: a part of the name that has it, or less in a description."""
        index: dict[str, dict[int, float]] = defaultdict(dict)
        for number, entry in enumerate(self.entries):
            for word in _content(entry.description)[:_MOST_WORDS]:
                index[word][number] = _DESCRIPTION
            for label in entry.labels:
                words = _content(label)
                for word in words:
                    share = 0.5 + 0.5 / len(words)
                    index[word][number] = max(share, index[word].get(number, 0.0))
        return index

    @cached_property
    def _named(self) -> frozenset[str]:
        return frozenset(word for entry in self.entries for label in entry.labels for word in _content(label))

    @cached_property
    def _meanings(self) -> tuple[list[list[int]], np.ndarray]:
        """Each different label once: the entries that have it, and its vector."""
        owners: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(self.entries):
            for label in entry.labels:
                owners[" ".join(_content(label))].append(number)
        return list(owners.values()), encode(list(owners))


def tables_by_score(ranked: Iterable[tuple[Entry, float]]) -> dict[str, float]:
    """Tables, best first: their own score, and that of their best columns."""
    own: Counter[str] = Counter()
    columns: dict[str, list[float]] = defaultdict(list)
    for entry, score in ranked:
        if entry.kind == "table":
            own[entry.name] = score  # type: ignore[assignment]
        elif entry.kind == "column":
            columns[entry.owner].append(score)
    total = {name: own[name] + 0.6 * sum(columns.get(name, [])[:3]) for name in {*own, *columns}}
    return dict(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))


def _entries(subject: Subject) -> Iterator[Entry]:
    layer = subject.layer
    if layer is not None:
        for metric in layer.metrics.values():
            labels = (metric.name, metric.label, *metric.synonyms)
            yield Entry("metric", metric.name, labels, metric.description)
        for dimension in layer.all_dimensions.values():
            yield Entry("dimension", dimension.name, (dimension.label,), dimension.description)
    for table in subject.catalog.tables.values():
        labels = (table.name.split(".")[-1], *table.synonyms)
        yield Entry("table", table.name, labels, table.description)
        for column in table.columns.values():
            labels = (column.name, *column.synonyms)
            yield Entry("column", f"{table.name}.{column.name}", labels, column.description, table.name)


def _content(text: str) -> list[str]:
    return [word for word in words_of(text[:_LONGEST]) if word not in _NOISE]
