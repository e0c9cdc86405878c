"""How alike the values of columns are: what they are, which they share, how they are written and distributed.

Each measure is a matrix of shape (source columns, target columns) with values in 0..1, and 0 where one of the
columns has no values; `values_known` says where both have some.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plugins.core.embeddings import encode
from plugins.source_mapping.matching.columns import SAMPLE_ROWS, Column, Table
from plugins.source_mapping.matching.names import said_kind
from plugins.source_mapping.matching.words import words_of

Matrix = NDArray[np.floating]

# Of a column's different values, how many are compared, looked at for their form, and read for their meaning.
_COMPARED = 400
_LOOKED_AT = 60
_READ = 24
_MATCHED = 20
_LONGEST = 60
_GRAM_BUCKETS = 4096
_QUANTILES = np.linspace(0.05, 0.95, 9)

KINDS = (
    "integer",
    "number",
    "flag",
    "date",
    "time",
    "url",
    "email",
    "uuid",
    "code",
    "word",
    "phrase",
    "long",
    "json",
)
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("flag", r"(?:true|false|yes|no|y|n|t|f)$"),
        ("date", r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})$"),
        ("time", r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})[T ,]+\d{1,2}:\d{2}"),
        ("time", r"\d{1,2}:\d{2}(?::\d{2})?$"),
        ("integer", r"[-+]?\d{1,3}(?:,\d{3})+$|[-+]?\d+(?:\.0)?$"),
        ("number", r"[-+]?[$€£¥]?\s?\d*[.,]?\d+(?:e[-+]?\d+)?\s?%?$"),
        ("url", r"(?:https?://|www\.|/[\w-]+/)\S*$"),
        ("email", r"[^@\s]+@[^@\s]+\.\w+$"),
        ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
        ("json", r"[\[{].*[\]}]$"),
        ("code", r"(?=.*\d)[\w./:#+-]{1,40}$"),
        ("word", r"\S{1,25}$"),
        ("phrase", r".{1,60}$"),
    )
)
_BROAD = {"integer": 0, "number": 0, "flag": 1, "date": 2, "time": 2, "url": 3, "email": 3, "uuid": 4, "code": 4}
_MISSING = frozenset({"", "null", "none", "nan", "\\n", "n/a", "na", "-", "not reported", "unknown"})


@dataclass(frozen=True)
class Contents:
    """What the sample of one column holds."""

    distinct: tuple[str, ...]
    present: float
    unique: float
    kinds: Matrix
    shape: Matrix
    quantiles: Matrix | None


def contents_of(column: Column) -> Contents:
    """Look at a column's sample."""
    rows = column.values[:SAMPLE_ROWS]
    # Values repeat: each is looked at once.
    cleaned = {value: value.strip().lower() for value in dict.fromkeys(rows) if value is not None}
    kept = [text for value in rows if value is not None and (text := cleaned[value]) not in _MISSING]
    distinct = tuple(dict.fromkeys(kept))
    looked_at = _spread(distinct, _LOOKED_AT)
    kinds, shape = _kinds(looked_at), _shape(looked_at)
    numeric = kinds[0] + kinds[1] > 0.8
    return Contents(
        _spread(distinct, _COMPARED),
        len(kept) / len(rows) if rows else 0.0,
        len(distinct) / len(kept) if kept else 0.0,
        kinds,
        shape,
        _quantiles(kept) if numeric else None,
    )


def _spread(values: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """Up to `limit` values from all over the sample: files are often sorted."""
    if len(values) <= limit:
        return values
    return tuple(values[place] for place in np.linspace(0, len(values) - 1, limit).astype(int))


def _kinds(values: Sequence[str]) -> Matrix:
    shares = np.zeros(len(KINDS), dtype=np.float32)
    for value in values:
        kind = next((kind for kind, form in _FORMS if form.match(value)), "long")
        shares[KINDS.index(kind)] += 1
    return shares / max(1, len(values))


def _shape(values: Sequence[str]) -> Matrix:
    """Shares of classes of characters, and the lengths, on a scale of their own."""
    text = "".join(values)
    if not text:
        return np.zeros(8, dtype=np.float32)
    points = np.array([ord(c) for c in text[:4_000]])
    lengths = np.array([len(value) for value in values])
    classes = [
        ((points >= 48) & (points <= 57)).mean(),
        ((points >= 97) & (points <= 122)).mean(),
        (points > 0x2E80).mean(),
        np.isin(points, (32, 95)).mean(),
        np.isin(points, (45, 46, 47, 58)).mean(),
    ]
    return np.array(
        [*classes, np.log1p(lengths.mean()) / 6, np.log1p(lengths.std()) / 6, np.log1p(lengths.max()) / 8],
        dtype=np.float32,
    )


def _quantiles(values: Sequence[str]) -> Matrix | None:
    try:
        numbers = np.array(values, dtype=np.float64)
    except ValueError:
        numbers = np.array([number for value in values if (number := _number(value)) is not None])
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return None
    return np.quantile(finite, _QUANTILES).astype(np.float32)


def _number(value: str) -> float | None:
    try:
        return float(value.replace(",", "").strip("$€£¥% "))
    except ValueError:
        return None


def value_measures(source: Table, target: Table) -> Mapping[str, Matrix]:
    """Measures of values."""
    ours = [contents_of(column) for column in source.columns]
    theirs = [contents_of(column) for column in target.columns]
    known = np.outer([bool(c.distinct) for c in ours], [bool(c.distinct) for c in theirs]).astype(np.float32)
    our_kinds, their_kinds = np.stack([c.kinds for c in ours]), np.stack([c.kinds for c in theirs])
    our_meaning, their_meaning = _read(ours), _read(theirs)
    jaccard, contained, containing = _shared(ours, theirs)
    measures = {
        "values_known": known,
        "values_jaccard": jaccard,
        "values_contained": contained,
        "values_containing": containing,
        **_best_values(ours, theirs),
        "values_contradict": known * _contradict(our_kinds, their_kinds),
        "values_kind": np.minimum(our_kinds[:, None, :], their_kinds[None, :, :]).sum(axis=2),
        "values_broad_kind": np.minimum(_broad(our_kinds)[:, None], _broad(their_kinds)[None]).sum(axis=2),
        "values_shape": known * _near([c.shape for c in ours], [c.shape for c in theirs]),
        "values_grams": known * _gram_cosine(ours, theirs),
        "values_meaning": known * np.clip(our_meaning @ their_meaning.T, 0, 1),
        "values_range": _range_overlap(ours, theirs),
        "values_unique": known
        * (1 - np.abs(np.subtract.outer([c.unique for c in ours], [c.unique for c in theirs]))),
        "values_present": known
        * (1 - np.abs(np.subtract.outer([c.present for c in ours], [c.present for c in theirs]))),
        "kind_of_name": _said_of_values(source, target, our_kinds, their_kinds),
        "name_in_values": _named_by_values(source, target, our_meaning, their_meaning),
    }
    return {name: np.asarray(matrix, dtype=np.float32) for name, matrix in measures.items()}


# Kinds that are unmistakable: a column of mail addresses holds no telephone numbers.
_PLAIN_KINDS = ("url", "email", "uuid", "date", "time")
_DISJOINT = 0.1
_PLAIN = 0.8


def _contradict(ours: Matrix, theirs: Matrix) -> Matrix:
    """1 where one side is nearly all of an unmistakable kind, and the other has next to nothing of the sort."""
    common = np.minimum(_broad(ours)[:, None], _broad(theirs)[None]).sum(axis=2)
    places = [KINDS.index(kind) for kind in _PLAIN_KINDS]
    plain = np.maximum.outer(ours[:, places].sum(axis=1), theirs[:, places].sum(axis=1)) > _PLAIN
    # Days and times are written as numbers, too.
    numbers = [KINDS.index(kind) for kind in ("integer", "number")]
    moments = [KINDS.index(kind) for kind in ("date", "time")]
    dated = np.outer(ours[:, moments].sum(axis=1), theirs[:, numbers].sum(axis=1))
    dated += np.outer(ours[:, numbers].sum(axis=1), theirs[:, moments].sum(axis=1))
    return (common < _DISJOINT) & plain & (dated < _DISJOINT)


def _broad(kinds: Matrix) -> Matrix:
    groups = np.zeros((len(kinds), 6), dtype=np.float32)
    for place, kind in enumerate(KINDS):
        groups[:, _BROAD.get(kind, 5)] += kinds[:, place]
    return groups


def _shared(ours: Sequence[Contents], theirs: Sequence[Contents]) -> tuple[Matrix, Matrix, Matrix]:
    """Jaccard, the share of our values among theirs, and of theirs among ours; what many columns have weighs
    less.
    """
    holders: dict[str, list[int]] = defaultdict(list)
    for place, contents in enumerate(theirs):
        for value in contents.distinct:
            holders[value].append(place)
    telling = _telling([contents.distinct for contents in (*ours, *theirs)])
    common = np.zeros((len(ours), len(theirs)), dtype=np.float32)
    for row, contents in enumerate(ours):
        found = [value for value in contents.distinct if value in holders]
        if found:
            places = np.concatenate([holders[value] for value in found])
            weights = np.repeat([telling[value] for value in found], [len(holders[value]) for value in found])
            common[row] = np.bincount(places, weights, minlength=len(theirs))
    our_sizes = np.array([[len(c.distinct)] for c in ours], dtype=np.float32)
    their_sizes = np.array([len(c.distinct) for c in theirs], dtype=np.float32)
    union = np.maximum(our_sizes + their_sizes - common, 1)
    return common / union, common / np.maximum(our_sizes, 1), common / np.maximum(their_sizes, 1)


def _best_values(ours: Sequence[Contents], theirs: Sequence[Contents]) -> dict[str, Matrix]:
    """For each of our values the most alike of theirs, by spelling and by meaning, on average.

    A value that many columns have (`yes`) says little of any of them: it weighs less, as what we look for and as
    what is found.
    """
    our_texts = [_texts_of(contents) for contents in ours]
    their_texts = [_texts_of(contents) for contents in theirs]
    our_values = list(dict.fromkeys(value for values in our_texts for value in values))
    their_values = list(dict.fromkeys(value for values in their_texts for value in values))
    nothing = np.zeros((len(ours), len(theirs)), dtype=np.float32)
    if not our_values or not their_values:
        return {"values_best": nothing, "values_best_meaning": nothing}
    telling = _telling([*our_texts, *their_texts])
    our_weights = _value_weights(our_texts, our_values, telling)
    held = np.array([telling[value] for value in their_values], dtype=np.float32)
    spelled = _value_grams(our_values) @ _value_grams(their_values).T
    meant = np.clip(encode(our_values) @ encode(their_values).T, 0, 1)
    return {
        "values_best": our_weights @ _best_by_column(spelled * held, their_texts, their_values),
        "values_best_meaning": our_weights @ _best_by_column(meant * held, their_texts, their_values),
    }


def _texts_of(contents: Contents) -> tuple[str, ...]:
    """Values that are words: of numbers and times the distribution is compared."""
    numeric = contents.kinds[[KINDS.index(kind) for kind in ("integer", "number", "date", "time", "uuid")]].sum()
    return () if numeric > 0.5 else tuple(value[:_LONGEST] for value in _spread(contents.distinct, _MATCHED))


def _telling(columns: Sequence[Sequence[str]]) -> dict[str, float]:
    """How telling a value is, 0..1, by the number of columns that have it."""
    holders: dict[str, int] = defaultdict(int)
    for values in columns:
        for value in values:
            holders[value] += 1
    return {
        value: (_LITTLE if value in _FLAGS else 1.0) / (1 + np.log2(number)) for value, number in holders.items()
    }


# Every flag has these: that two columns share them says next to nothing.
_FLAGS = frozenset(["true", "false", "yes", "no", "y", "n", "t", "f", "0", "1"])
_LITTLE = 0.25


def _value_weights(
    columns: Sequence[Sequence[str]], vocabulary: Sequence[str], telling: Mapping[str, float]
) -> Matrix:
    places = {value: place for place, value in enumerate(vocabulary)}
    weights = np.zeros((len(columns), len(vocabulary)), dtype=np.float32)
    for row, values in enumerate(columns):
        for value in values:
            weights[row, places[value]] = telling[value]
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)


def _best_by_column(alike: Matrix, columns: Sequence[Sequence[str]], vocabulary: Sequence[str]) -> Matrix:
    places = {value: place for place, value in enumerate(vocabulary)}
    best = np.zeros((alike.shape[0], len(columns)), dtype=np.float32)
    for column, values in enumerate(columns):
        if values:
            best[:, column] = alike[:, [places[value] for value in values]].max(axis=1)
    return best


def _value_grams(values: Sequence[str], buckets: int = 1024) -> Matrix:
    """Unit vectors of the character 3-grams of each value."""
    counts = np.zeros((len(values), buckets), dtype=np.float32)
    for row, value in enumerate(values):
        data = np.frombuffer(f" {value} ".encode(), dtype=np.uint8).astype(np.uint32)
        hashed = (((data[:-2] << 16) | (data[1:-1] << 8) | data[2:]) * np.uint32(2654435761)) >> np.uint32(22)
        np.add.at(counts[row], hashed, 1)
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-9)


def _near(ours: Sequence[Matrix], theirs: Sequence[Matrix]) -> Matrix:
    distance = np.abs(np.stack(ours)[:, None, :] - np.stack(theirs)[None, :, :]).mean(axis=2)
    return np.clip(1 - 3 * distance, 0, 1)


def _gram_cosine(ours: Sequence[Contents], theirs: Sequence[Contents]) -> Matrix:
    """Cosine of the values' character 3-grams, of which a frequent one weighs little (TF-IDF)."""
    alike = np.zeros((len(ours), len(theirs)), dtype=np.float32)
    # Columns without values would be rows of zeros, in wide tables most of them.
    rows = [place for place, contents in enumerate(ours) if contents.distinct]
    columns = [place for place, contents in enumerate(theirs) if contents.distinct]
    if not rows or not columns:
        return alike
    counts = np.stack([_grams(one) for one in (*(ours[row] for row in rows), *(theirs[one] for one in columns))])
    holding = (counts > 0).sum(axis=0)
    rarity = np.log1p((len(ours) + len(theirs)) / np.maximum(holding, 1)).astype(np.float32)
    weighted = np.log1p(counts) * rarity
    unit = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-9)
    alike[np.ix_(rows, columns)] = np.clip(unit[: len(rows)] @ unit[len(rows) :].T, 0, 1)
    return alike


def _grams(contents: Contents) -> Matrix:
    text = "\n".join(value[:_LONGEST] for value in contents.distinct[:_LOOKED_AT])
    data = np.frombuffer(f"\n{text}\n".encode(), dtype=np.uint8).astype(np.uint32)
    # Three bytes as one number, mixed (Knuth's multiplicative hash) into the buckets.
    grams = (data[:-2] << 16) | (data[1:-1] << 8) | data[2:] if len(data) > 2 else data[:0]
    hashed = (grams * np.uint32(2654435761)) >> np.uint32(20)
    return np.bincount(hashed, minlength=_GRAM_BUCKETS).astype(np.float32)


def _read(columns: Sequence[Contents]) -> Matrix:
    """One vector a column: the mean meaning of some of its values."""
    texts = [[value[:_LONGEST] for value in _spread(contents.distinct, _READ)] for contents in columns]
    flat = encode([value for values in texts for value in values] or [""])
    vectors = np.zeros((len(columns), flat.shape[1]), dtype=np.float32)
    start = 0
    for row, values in enumerate(texts):
        if values:
            vectors[row] = flat[start : start + len(values)].mean(axis=0)
            start += len(values)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _range_overlap(ours: Sequence[Contents], theirs: Sequence[Contents]) -> Matrix:
    """How near the quantiles of two columns of numbers are, on a logarithmic scale."""
    overlap = np.zeros((len(ours), len(theirs)), dtype=np.float32)
    places = [place for place, c in enumerate(theirs) if c.quantiles is not None]
    if not places:
        return overlap
    scaled = _logarithmic(np.stack([c.quantiles for c in theirs if c.quantiles is not None]))
    for row, contents in enumerate(ours):
        if contents.quantiles is not None:
            distance = np.abs(scaled - _logarithmic(contents.quantiles)).mean(axis=1)
            overlap[row, places] = np.exp(-distance)
    return overlap


def _logarithmic(numbers: Matrix) -> Matrix:
    return np.sign(numbers) * np.log1p(np.abs(numbers))


# What values of a kind may be, when a name says it.
_MAY_BE = {
    "id": ("integer", "uuid", "code"),
    "date": ("date", "time"),
    "flag": ("flag",),
    "number": ("integer", "number"),
    "amount": ("integer", "number"),
    "text": ("word", "phrase", "long"),
    "code": ("word", "code", "phrase", "integer"),
    "url": ("url",),
    "contact": ("email", "code", "phrase"),
}


def _said_of_values(source: Table, target: Table, ours: Matrix, theirs: Matrix) -> Matrix:
    """The share of one column's values that are of the kind which the other column's name says."""
    allowed = {kind: np.isin(KINDS, kinds).astype(np.float32) for kind, kinds in (_MAY_BE | {"": KINDS}).items()}
    their_said = np.stack([allowed[said_kind(words_of(column.name))] for column in target.columns])
    our_said = np.stack([allowed[said_kind(words_of(column.name))] for column in source.columns])
    fits_theirs = np.where(ours.sum(axis=1, keepdims=True) > 0, ours @ their_said.T, 0.5)
    fits_ours = np.where(theirs.sum(axis=1) > 0, our_said @ theirs.T, 0.5)
    return (fits_theirs + fits_ours) / 2


def _named_by_values(source: Table, target: Table, ours: Matrix, theirs: Matrix) -> Matrix:
    """The name of one column near the values of the other (`tumor` beside `Tumor`, `Normal`)."""
    our_names = encode([column.name.replace("_", " ") for column in source.columns])
    their_names = encode([column.name.replace("_", " ") for column in target.columns])
    return np.clip(np.maximum(our_names @ theirs.T, ours @ their_names.T), 0, 1)
