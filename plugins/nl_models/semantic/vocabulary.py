"""What the words of a semantic layer name: metrics, dimensions, entities, and values of dimensions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from plugins.nl_models.catalog.names import lemma
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.layer import Metric, SemanticLayer, SemanticModel

Words = tuple[str, ...]

# Names are the same with and without these, and begin and end with none of the others.
_ARTICLES = frozenset({"of", "the", "in", "a", "an"})
LINKING = _ARTICLES | {"per", "and", "by", "for", "to"}
# Values of dimensions that have more are only found by two words and more, or in capitals.
_MOST_PLAIN_VALUES = 200
# Values of dimensions that have no more are also said together with what they are values of: new customers.
_MOST_KINDS = 12


@dataclass(frozen=True)
class Named:
    """All that some words may name. dimensions: own names, without entities. values: (dimension, value)."""

    metrics: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    values: tuple[tuple[str, str | bool], ...] = ()
    is_large: bool = False


def base(word: str) -> str:
    """A word without a plural's ending; verbs keep theirs: returned is not returning."""
    lower = word.lower()
    return lemma(lower) if lower.endswith("s") and not lower.endswith("ss") else lower


def plain(words: Iterable[str]) -> Words:
    """Words as they are looked up."""
    return tuple(base(word) for word in words if word not in _ARTICLES) or tuple(base(word) for word in words)


def split(text: str) -> list[str]:
    """The words of a label or a value."""
    return re.findall(r"[a-z0-9]+(?:['’.][a-z0-9]+)*", text.lower().replace("_", " "))


@dataclass(frozen=True)
class Vocabulary:
    """Names of one layer, indexed. catalog: gives entities the synonyms of their tables."""

    layer: SemanticLayer
    values: Mapping[tuple[str, str], tuple[str, ...]]
    catalog: Catalog
    longest: int = field(default=8)

    def find(self, words: Sequence[str]) -> Named | None:
        """What some words name; None if nothing is called so."""
        return self._index.get(plain(words))

    def ranked_by_words(self, stems: set[str]) -> list[tuple[str, int]]:
        """Metrics by how many of some words their names have, the most first."""
        scores = {name: len(stems & words) for name, words in self._metric_stems.items()}
        return sorted(((n, s) for n, s in scores.items() if s), key=lambda pair: -pair[1])

    def in_unit(self, metric: str, unit: str) -> str | None:
        """The same metric in another unit; itself if it has that one."""
        found = self.layer.metrics[metric]
        if found.unit == unit:
            return metric
        family = [m.name for m in self.layer.metrics.values() if _family(m) == _family(found) and m.unit == unit]
        return family[0] if len(family) == 1 else None

    def units_of(self, metric: str) -> list[str]:
        """Units that the same metric is kept in."""
        found = self.layer.metrics[metric]
        return [m.unit for m in self.layer.metrics.values() if _family(m) == _family(found) and m.unit]

    def counting(self, entity: str) -> str | None:
        """The metric that counts different ones of an entity."""
        for metric in self.layer.metrics.values():
            if metric.kind == "simple" and len(metric.measures) == 1 and not metric.document.get("filter"):
                measure = self.layer.measures[metric.measures[0]]
                own = self.layer.models[measure.model].entities.get(entity)
                if measure.agg == "count_distinct" and own is not None and own[1] == measure.expr:
                    return metric.name
        return None

    def display(self, entity: str) -> str | None:
        """The dimension that people know an entity by, as `entity__dimension`: its name, if it has one."""
        for model in self.layer.models.values():
            if model.primary == entity:
                for label, kind, _, description in model.dimensions:
                    says_name = re.match(r"(full |display )?(name|title)\b", description.lower())
                    if kind == "categorical" and (label in ("name", "title", f"{entity}_name") or says_name):
                        return f"{entity}__{label}"
        return None

    def primary_table(self, entity: str) -> str | None:
        """The relation of the model that an entity identifies."""
        return next((m.relation for m in self.layer.models.values() if m.primary == entity), None)

    @cached_property
    def entities(self) -> frozenset[str]:
        """All entities."""
        return frozenset(entity for model in self.layer.models.values() for entity in model.entities)

    @cached_property
    def _metric_stems(self) -> dict[str, set[str]]:
        return {
            metric.name: {lemma(word) for phrase in _phrases(metric) for word in split(phrase)} - LINKING
            for metric in self.layer.metrics.values()
        }

    @cached_property
    def _index(self) -> dict[Words, Named]:
        metrics: dict[Words, list[str]] = defaultdict(list)
        dimensions: dict[Words, list[str]] = defaultdict(list)
        values: dict[Words, list[tuple[str, str | bool]]] = defaultdict(list)
        large: set[Words] = set()
        for metric in self.layer.metrics.values():
            for phrase in _phrases(metric):
                metrics[plain(split(phrase))].append(metric.name)
        for label, phrase in self._dimension_phrases():
            dimensions[plain(split(phrase))].append(label)
        for label, value, words, is_large in self._value_phrases():
            values[words].append((label, value))
            if is_large:
                large.add(words)
        return {
            words: Named(
                tuple(dict.fromkeys(metrics.get(words, ()))),
                tuple(dict.fromkeys(dimensions.get(words, ()))),
                tuple(dict.fromkeys(values.get(words, ()))),
                words in large,
            )
            for words in {*metrics, *dimensions, *values} - {()}
        }

    def _dimension_phrases(self) -> Iterator[tuple[str, str]]:
        for model in self.layer.models.values():
            for label, kind, _, _ in model.dimensions:
                if kind == "categorical":
                    yield label, re.sub(r"^(is|has|was)_", "", label)
            for entity, (_, expr) in model.entities.items():
                yield entity, entity
                if expr.isidentifier():
                    yield entity, expr
            if model.primary is not None and model.relation in self.catalog.tables:
                for synonym in self.catalog.tables[model.relation].synonyms:
                    yield model.primary, synonym

    def _value_phrases(self) -> Iterator[tuple[str, str | bool, Words, bool]]:
        for (model, label), found in self.values.items():
            nouns = self._nouns(self.layer.models[model])
            for value in found:
                words = split(value)
                is_large = len(found) > _MOST_PLAIN_VALUES
                if set(found) <= {"true", "false"}:
                    # Whether something is so: said by its name, not by its value.
                    about = split(re.sub(r"^(is|has|was)_", "", label))
                    if value == "true":
                        yield label, True, plain(about), False
                        yield from ((label, True, plain([*about, noun]), False) for noun in nouns)
                    continue
                if not words:
                    continue
                phrases = [tuple(words), *cues().aliases.get(tuple(words), ())]
                yield from ((label, value, plain(phrase), is_large) for phrase in phrases)
                if len(found) <= _MOST_KINDS:
                    yield from ((label, value, plain([*words, noun]), False) for noun in nouns)

    def _nouns(self, model: SemanticModel) -> set[str]:
        """What rows of a model are, or belong to: new customers, new orders."""
        return {word for entity in model.entities for word in split(entity)[-1:]}


def _phrases(metric: Metric) -> list[str]:
    label = re.sub(r"\s*[(,].*", "", metric.label)
    return [metric.name, label, *metric.synonyms]


def _family(metric: Metric) -> str:
    """What a metric is apart from its unit."""
    return re.sub(r"\s*\(.*\)", "", metric.label).lower()
