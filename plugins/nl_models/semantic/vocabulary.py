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
from plugins.nl_models.words.lexicon import lexicon

Words = tuple[str, ...]

# Of embeddings: shops are near to stores, channels to nothing that a shop splits by.
_LEAST_NEAR = 0.6

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
    lower = text.lower().replace("_", " ").replace("%", " percent ")
    return ["percent" if word == "pct" else word for word in re.findall(r"[^\W_]+(?:['’.][^\W_]+)*", lower)]


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
        for metric in self._told:
            if metric.kind == "simple" and len(metric.measures) == 1 and not metric.document.get("filter"):
                measure = self.layer.measures[metric.measures[0]]
                own = self.layer.models[measure.model].entities.get(entity)
                if measure.agg == "count_distinct" and own is not None and own[1] == measure.expr:
                    return metric.name
        return None

    def display(self, entity: str) -> str | None:
        """The own name of the dimension that people know an entity by: its name, if it has one."""
        for model in self.layer.models.values():
            if model.primary == entity and self.layer.is_inferred:
                return model.known_by
            if model.primary == entity:
                for label, kind, _, description in model.dimensions:
                    says_name = re.match(r"(full |display )?(name|title)\b", description.lower())
                    if kind == "categorical" and (label in ("name", "title", f"{entity}_name") or says_name):
                        return label
        return None

    def owner(self, text: str, labels: Sequence[str]) -> str:
        """The entity whose name stands before that of its dimension: a store's city; "" if none does."""
        words = plain(split(text))
        for model in self.layer.models.values() if self.layer.is_inferred else ():
            own = [label for label, *_ in model.dimensions if label in labels]
            if model.primary and any(words == plain(split(f"{model.primary} {label}")) for label in own):
                return model.primary
        return ""

    def primary_table(self, entity: str) -> str | None:
        """The relation of the model that an entity identifies."""
        return next((m.relation for m in self.layer.models.values() if m.primary == entity), None)

    @cached_property
    def entities(self) -> frozenset[str]:
        """All entities."""
        return frozenset(entity for model in self.layer.models.values() for entity in model.entities)

    @cached_property
    def _told(self) -> list[Metric]:
        """Metrics that have a name of their own; the twins of others are called as those are."""
        twins = {twin for some in self.layer.twins.values() for twin in some}
        return [metric for metric in self.layer.metrics.values() if metric.name not in twins]

    @cached_property
    def _metric_stems(self) -> dict[str, set[str]]:
        return {
            metric.name: {lemma(word) for phrase in _phrases(metric) for word in split(phrase)} - LINKING
            for metric in self._told
        }

    @cached_property
    def _index(self) -> dict[Words, Named]:
        metrics: dict[Words, list[str]] = defaultdict(list)
        dimensions: dict[Words, list[str]] = defaultdict(list)
        values: dict[Words, list[tuple[str, str | bool]]] = defaultdict(list)
        large: set[Words] = set()
        for metric in self._told:
            for phrase in _phrases(metric):
                metrics[plain(split(phrase))].append(metric.name)
        for words, name in self._short_names(set(metrics)):
            metrics[words].append(name)
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

    def _short_names(self, taken: set[Words]) -> Iterator[tuple[Words, str]]:
        """What only one metric may be called for short: AOV, or gross profit for that of orders."""
        found: dict[Words, set[str]] = defaultdict(set)
        for metric in self._told:
            for phrase in _phrases(metric):
                words = plain(split(phrase))
                if len(words) > 2:
                    found[("".join(word[0] for word in words),)].add(metric.name)
                    found[words[1:]].add(metric.name)
        for words, names in found.items():
            begins_as_cue = words[0] in ("after", "before") or words[0] in cues().fillers
            if len(names) == 1 and words not in taken and not begins_as_cue:
                yield words, names.pop()

    def near(self, word: str) -> str | None:
        """The dimension or entity that a word means though it has another name: a synonym, or near in meaning."""
        labels = list(dict.fromkeys(label for label, _ in self._dimension_phrases()))
        for synonym in (*cues().things.get(lemma(word), ()), *lexicon().synonyms.get(lemma(word), ())):
            named = self.find(split(synonym))
            if named is not None and named.dimensions:
                return named.dimensions[0]
        if not labels:
            return None
        # Imported here: numpy takes its time, and most words have a name.
        from plugins.core.embeddings import encode

        likeness = encode([" ".join(split(label)) for label in labels]) @ encode([lemma(word)])[0]
        best = int(likeness.argmax())
        return labels[best] if likeness[best] >= _LEAST_NEAR else None

    @cached_property
    def words(self) -> frozenset[str]:
        """All words of names, and of values that are few: what a misspelt word may have been."""
        return frozenset(word for words, named in self._index.items() for word in words if not named.is_large)

    def _dimension_phrases(self) -> Iterator[tuple[str, str]]:
        for model in self.layer.models.values():
            for label, kind, expr, _ in model.dimensions:
                if kind == "categorical":
                    yield label, re.sub(r"^(is|has|was)_", "", label)
                    if self.layer.is_inferred and expr.isidentifier():
                        yield from ((label, expr), (label, f"{model.primary} {label}"))
                        # Of several countries the first is meant: a fact's own, then what there is most of.
                        yield label, label.rpartition("_")[2]
            for entity, (_, expr) in model.entities.items():
                yield entity, entity
                yield entity, re.sub(r"_(id|key|sk)$", "", entity)
                if self.layer.is_inferred and model.primary not in (None, entity):
                    # "by track genre"
                    yield entity, f"{model.primary} {entity}"
                if expr.isidentifier():
                    yield entity, expr
            if model.primary is not None and self.layer.is_inferred:
                yield model.primary, re.sub(r"^(dim|fct|fact)_", "", model.relation.rpartition(".")[2])
            if model.primary is not None and model.relation in self.catalog.tables:
                for synonym in self.catalog.tables[model.relation].synonyms:
                    yield model.primary, synonym

    def _value_phrases(self) -> Iterator[tuple[str, str | bool, Words, bool]]:
        for (model, label), found in self.values.items():
            nouns = self._nouns(self.layer.models[model])
            is_large, is_boolean = len(found) > _MOST_PLAIN_VALUES, set(found) <= {"true", "false"}
            for value in found:
                words = split(value)
                if is_boolean:
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
