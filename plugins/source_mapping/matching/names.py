"""How alike the names of columns are: words, meanings, spelling, what kind of thing they say a column holds.

Each measure is a matrix of shape (source columns, target columns) with values in 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler, LCSseq

from plugins.core.embeddings import encode
from plugins.source_mapping.matching.columns import Column, Table
from plugins.source_mapping.matching.lexicon import load_lexicon
from plugins.source_mapping.matching.words import Words, words_of

Matrix = NDArray[np.floating]

_SAME_CONCEPT = 0.8
_PREFIX = 0.85
_DESCRIBED = 0.9
_LEAST_PREFIX = 3
# Below this, static embeddings only say that both are words.
_UNRELATED = 0.25
_TELLING_LENGTH = 3
# Names that say nothing without their table's.
_BARE = frozenset({"id", "name", "code", "number", "type", "status", "date", "key", "description"})


def name_measures(source: Table, target: Table) -> Mapping[str, Matrix]:
    """Measures of names and descriptions."""
    ours, theirs = _named(source), _named(target)
    measures = {
        **_spelling(source.columns, target.columns),
        **_words(ours, theirs),
        **_meaning(source.columns, target.columns, ours, theirs),
        **_said_kinds(ours, theirs),
    }
    if any(column.description for column in (*source.columns, *target.columns)):
        told = _words(_told(source, ours), _told(target, theirs))
        told["name_meaning"] = measures["text_meaning"]
        # What a name doesn't say, its description may: it counts as a name, a little less.
        measures |= {name: np.maximum(measures[name], _DESCRIBED * told[name]) for name in told}
    return {name: np.asarray(matrix, dtype=np.float32) for name, matrix in measures.items()}


def _told(table: Table, named: Sequence[Words]) -> list[Words]:
    """The words of each description without those that say nothing, or of the name where there is none."""
    return [
        Words(told.raw, tuple(word for word in told.full if word not in _LINKING)) if told.full else words
        for words, told in zip(named, (words_of(column.description) for column in table.columns), strict=True)
    ]


def _named(table: Table) -> list[Words]:
    """The words of each column; a bare `id` is the table's, where that has a name."""
    words = [words_of(column.name) for column in table.columns]
    if not table.name:
        return words
    of_table = words_of(table.name)
    return [
        Words(of_table.raw + one.raw, of_table.full + one.full)
        if len(one.full) == 1 and one.full[0] in _BARE
        else one
        for one in words
    ]


def _spelling(source: Sequence[Column], target: Sequence[Column]) -> dict[str, Any]:
    ours, theirs = _joined(source), _joined(target)

    def compare(scorer: Any, scale: float = 1.0) -> Matrix:
        return process.cdist(ours, theirs, scorer=scorer, dtype=np.float32) / scale

    equal = np.array([[a == b for b in theirs] for a in ours], dtype=np.float32)
    shortest = np.minimum.outer([len(a) for a in ours], [len(b) for b in theirs])
    common = compare(LCSseq.similarity) / np.maximum(shortest, 1)
    return {
        "name_equal": equal,
        "name_ratio": compare(fuzz.ratio, 100),
        # One letter is in nearly every name.
        "name_partial": compare(fuzz.partial_ratio, 100) * np.minimum(1, shortest / _TELLING_LENGTH),
        "name_jaro_winkler": compare(JaroWinkler.similarity),
        "name_subsequence": common * np.minimum(1, shortest / _TELLING_LENGTH),
        "name_grams": _cosine(_grams(ours), _grams(theirs)),
    }


def _joined(columns: Sequence[Column]) -> list[str]:
    return ["".join(c for c in column.name.lower() if c.isalnum()) or column.name for column in columns]


def _grams(texts: Sequence[str], size: int = 3, buckets: int = 4096) -> Matrix:
    """Counts of character n-grams, hashed."""
    counts = np.zeros((len(texts), buckets), dtype=np.float32)
    for row, text in enumerate(texts):
        padded = f"^{text}$"
        for start in range(max(1, len(padded) - size + 1)):
            gram = padded[start : start + size]
            counts[row, hash_of(gram) % buckets] += 1
    return counts


def hash_of(text: str) -> int:
    """FNV-1a: the same in every process, unlike `hash`."""
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def _cosine(ours: Matrix, theirs: Matrix) -> Matrix:
    def unit(rows: Matrix) -> Matrix:
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    return np.clip(unit(ours) @ unit(theirs).T, 0, 1)


def _words(ours: Sequence[Words], theirs: Sequence[Words]) -> dict[str, Any]:
    """Soft containment of one name's words in the other's, each word weighing by how telling it is."""
    our_words = sorted({word for words in ours for word in words.full})
    their_words = sorted({word for words in theirs for word in words.full})
    if not our_words or not their_words:
        nothing = np.zeros((len(ours), len(theirs)), dtype=np.float32)
        return dict.fromkeys(("words_ours_found", "words_theirs_found", "words_both", "words_exact"), nothing)
    alike = _alike(our_words, their_words)
    exact = (alike >= 0.99).astype(np.float32)
    our_weights, their_weights = _weights(ours, our_words), _weights(theirs, their_words)

    def found(similarity: Matrix) -> tuple[Matrix, Matrix]:
        best_of_ours = _best_by_name(similarity, _places(theirs, their_words))
        best_of_theirs = _best_by_name(similarity.T, _places(ours, our_words))
        return our_weights @ best_of_ours, (their_weights @ best_of_theirs).T

    ours_found, theirs_found = found(alike)
    exact_ours, exact_theirs = found(exact)
    return {
        "words_ours_found": ours_found,
        "words_theirs_found": theirs_found,
        "words_both": 2 * ours_found * theirs_found / np.maximum(ours_found + theirs_found, 1e-6),
        "words_exact": 2 * exact_ours * exact_theirs / np.maximum(exact_ours + exact_theirs, 1e-6),
    }


def _places(names: Sequence[Words], vocabulary: Sequence[str]) -> list[list[int]]:
    places = {word: place for place, word in enumerate(vocabulary)}
    return [[places[word] for word in words.full] for words in names]


def _best_by_name(similarity: Matrix, names: Sequence[Sequence[int]]) -> Matrix:
    """For each word (row) and name (column), how alike the most alike word of the name is."""
    best = np.zeros((similarity.shape[0], len(names)), dtype=np.float32)
    for column, places in enumerate(names):
        if places:
            best[:, column] = similarity[:, places].max(axis=1)
    return best


def _weights(names: Sequence[Words], vocabulary: Sequence[str]) -> Matrix:
    """One row a name: its words' shares. A word that is in many names of its table tells little of each."""
    places = {word: place for place, word in enumerate(vocabulary)}
    counts = np.zeros(len(vocabulary))
    for words in names:
        for word in set(words.full):
            counts[places[word]] += 1
    telling = np.log1p(len(names) / np.maximum(counts, 1)) * np.array([_general(word) for word in vocabulary])
    weights = np.zeros((len(names), len(vocabulary)), dtype=np.float32)
    for row, words in enumerate(names):
        for word in words.full:
            weights[row, places[word]] = telling[places[word]]
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)


_LINKING = frozenset(
    [
        "of",
        "the",
        "at",
        "on",
        "in",
        "by",
        "is",
        "has",
        "for",
        "to",
        "from",
        "a",
        "an",
        "and",
        "or",
        "with",
        "was",
        "this",
    ]
)


def _general(word: str) -> float:
    """Words that only say what kind of thing a column is tell less than what it is of."""
    if word in _LINKING:
        return 0.2
    return 0.5 if word in load_lexicon().kinds else 1.0


def _alike(ours: Sequence[str], theirs: Sequence[str]) -> Matrix:
    """Words against words: the same, spelled alike, one concept, or near in meaning."""
    spelled = process.cdist(ours, theirs, scorer=JaroWinkler.similarity, dtype=np.float32)
    spelled = np.where(spelled > 0.9, spelled - 0.1, 0)
    meaning = np.clip((encode(ours) @ encode(theirs).T - _UNRELATED) / (1 - _UNRELATED), 0, 1) * 0.9
    alike = np.maximum(spelled, meaning)
    concepts = load_lexicon().concepts
    for row, word in enumerate(ours):
        groups = concepts.get(word, frozenset())
        for column, other in enumerate(theirs):
            if word == other:
                alike[row, column] = 1.0
            elif groups and groups & concepts.get(other, frozenset()):
                alike[row, column] = max(alike[row, column], _SAME_CONCEPT)
            elif min(len(word), len(other)) >= _LEAST_PREFIX and (
                word.startswith(other) or other.startswith(word)
            ):
                alike[row, column] = max(alike[row, column], _PREFIX)
    return alike


def _meaning(
    source: Sequence[Column], target: Sequence[Column], ours: Sequence[Words], theirs: Sequence[Words]
) -> dict[str, Any]:
    our_names, their_names = encode([words.text for words in ours]), encode([words.text for words in theirs])
    our_texts = encode([_described(column, words) for column, words in zip(source, ours, strict=True)])
    their_texts = encode([_described(column, words) for column, words in zip(target, theirs, strict=True)])
    return {
        "name_meaning": np.clip(our_names @ their_names.T, 0, 1),
        "text_meaning": np.clip(our_texts @ their_texts.T, 0, 1),
    }


def _described(column: Column, words: Words) -> str:
    return f"{words.text} {column.description}" if column.description else words.text


def _said_kinds(ours: Sequence[Words], theirs: Sequence[Words]) -> dict[str, Any]:
    """Whether the names say that both hold dates, flags, identifiers …; or different things."""
    our_kinds, their_kinds = [said_kind(words) for words in ours], [said_kind(words) for words in theirs]
    same = [[float(bool(a) and a == b) for b in their_kinds] for a in our_kinds]
    differ = [[float(bool(a) and bool(b) and a != b) for b in their_kinds] for a in our_kinds]
    return {"kind_said_same": same, "kind_said_differs": differ}


def said_kind(words: Words) -> str:
    """The last word that names a kind decides; of a question (`is_active`) the first."""
    kinds = load_lexicon().kinds
    if words.full and kinds.get(words.full[0]) == "flag":
        return "flag"
    return next((kinds[word] for word in reversed(words.full) if word in kinds), "")
