"""Finds stored values that are written like a text, or mean the same."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from plugins.core.embeddings import encode
from plugins.nl_models.language.bounds import Bounds
from plugins.nl_models.language.literals import normal
from plugins.nl_models.language.naming import resolve
from plugins.nl_models.language.personal import Marked, is_personal, is_personal_dimension
from plugins.nl_models.subject import Subject

# Values of columns that have no more are found by their meaning too.
_MOST_MEANINGS = 500
_LEAST_LIKENESS, _LEAST_MEANING = 0.55, 0.6
# Beyond that many candidates a word says nothing.
_MOST_CANDIDATES = 5_000


@dataclass(frozen=True)
class Place:
    """Where values are stored. name: `table.column`, or the dimension's. label: the column's own name."""

    name: str
    label: str
    is_personal: bool
    values: tuple[str, ...]


@dataclass(frozen=True)
class Values:
    """The values of one subject that are known, indexed by their words."""

    places: Mapping[str, Place]
    bounds: Bounds

    @classmethod
    def of(cls, subject: Subject, marked: Marked, bounds: Bounds) -> Values:
        """All columns and dimensions whose values the catalog keeps."""
        return cls({place.name: place for place in _places(subject, marked)}, bounds)

    def like(self, text: str, names: Sequence[str]) -> dict[tuple[str, str, bool], list[str]]:
        """(name, label, whether it is personal) → values, the likest first; of the named places, or of all."""
        wanted = {place.name for name in names if (place := resolve(name, self.places))} if names else None
        scores = self._scores(text, wanted)
        best = sorted(scores, key=lambda pair: (-scores[pair], pair))
        found: dict[tuple[str, str, bool], list[str]] = {}
        for name, value in best:
            place = self.places[name]
            if (key := (name, place.label, place.is_personal)) in found or len(found) < self.bounds.found_places:
                found.setdefault(key, []).append(value)
        return {key: values[: self.bounds.found_values] for key, values in found.items()}

    def _scores(self, text: str, wanted: set[str] | None) -> dict[tuple[str, str], float]:
        """(place, value) → likeness, of those that are like enough."""
        target = normal(text)
        candidates: set[tuple[str, str]] = set()
        for word in target.split():
            for form in _forms(word):
                pairs = self._index.get(form, ())
                candidates |= {pair for pair in pairs[:_MOST_CANDIDATES] if wanted is None or pair[0] in wanted}
        scores = {pair: _likeness(target, normal(pair[1])) for pair in candidates}
        for name in wanted or ():
            for value, score in self._by_meaning(name, text):
                scores[name, value] = max(score, scores.get((name, value), 0.0))
        return {pair: score for pair, score in scores.items() if score >= _LEAST_LIKENESS}

    def _by_meaning(self, name: str, text: str) -> Iterator[tuple[str, float]]:
        values = self.places[name].values
        if len(values) <= _MOST_MEANINGS:
            likeness = encode(values) @ encode([text])[0]
            for row in np.flatnonzero(likeness >= _LEAST_MEANING):
                yield values[row], float(likeness[row])

    @cached_property
    def _index(self) -> Mapping[str, list[tuple[str, str]]]:
        index: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for place in self.places.values():
            for value in place.values:
                for form in {form for word in normal(value).split() for form in _forms(word)}:
                    index[form].append((place.name, value))
        return index


def _forms(word: str) -> tuple[str, ...]:
    """A word, and how it begins: `norwegian` is looked for near `norway`."""
    return (word, f"{word[:4]}…") if len(word) > 4 else (word,)


def _likeness(text: str, value: str) -> float:
    """1.0: the same words; nearly that where one holds the other; else how many letters they share."""
    if text == value:
        return 1.0
    if text and set(text.split()) <= set(value.split()):
        return 0.9
    return 0.89 * difflib.SequenceMatcher(None, text, value).ratio()


def _places(subject: Subject, marked: Marked) -> Iterator[Place]:
    for column in subject.catalog.columns:
        if column.values:
            hidden = is_personal(column.table, column.name, marked)
            yield Place(f"{column.table}.{column.name}", column.name, hidden, column.values)
    for dimension in subject.layer.all_dimensions.values() if subject.layer is not None else ():
        if values := subject.values.get((dimension.model, dimension.label)):
            hidden = is_personal_dimension(dimension.name, subject, marked)
            yield Place(dimension.name, dimension.label, hidden, values)
