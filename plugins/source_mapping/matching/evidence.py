"""Why a pair of columns is likely, in words: what their names share, and what their values do.

Of names only their words are told, which hold nothing but letters and digits; of values only what kind they are
and how many are shared. So the text is safe wherever it is printed, and tells no row.
"""

from __future__ import annotations

from itertools import product

from plugins.source_mapping.matching.columns import Column
from plugins.source_mapping.matching.lexicon import load_lexicon
from plugins.source_mapping.matching.matcher import Matching
from plugins.source_mapping.matching.values import KINDS, contents_of
from plugins.source_mapping.matching.words import Words, words_of

_CALLED = {
    "integer": "whole numbers", "number": "numbers", "flag": "yes or no", "date": "dates", "time": "times",
    "url": "links", "email": "e-mail addresses", "uuid": "UUIDs", "code": "codes", "word": "words",
    "phrase": "short texts", "long": "long texts", "json": "JSON",
}  # fmt: skip
# Kinds of which a shared value says little: there are only two of them.
_FEW = {"flag"}
# What a name says by these words, nearly every name says.
_SAYS_LITTLE = frozenset({"of", "the", "at", "on", "in", "by", "is", "has", "for", "to", "a", "an", "and", "or"})
_MOST_WORDS = 4
_LONGEST_WORD = 30
_SPELLED_ALIKE = 0.8
_NEAR = 0.55
_LIKE_RANGE = 0.8
_MOSTLY = 0.6


def explain(matching: Matching, source: int, target: int) -> str:
    """What speaks for a pair, and against it; source, target: places in their tables. Empty for an empty table."""
    if not matching.measures:
        return ""
    ours, theirs = matching.source.columns[source], matching.target.columns[target]
    measured = {name: float(matrix[source, target]) for name, matrix in matching.measures.items()}
    said = [*_of_names(ours, theirs, measured), *_of_values(ours, theirs, measured)]
    return "; ".join(said) if said else "a guess: names and values have little in common"


def _of_names(ours: Column, theirs: Column, measured: dict[str, float]) -> list[str]:
    if measured["name_equal"] == 1:
        return ["the same name"]
    our_words, their_words = words_of(ours.name), words_of(theirs.name)
    shared = [
        word for word in dict.fromkeys(their_words.full) if word in our_words.full and word not in _SAYS_LITTLE
    ]
    said = []
    if our_words.full == their_words.full and shared:
        said.append(f"the same name, written out: {_quoted(shared)}")
    elif shared:
        said.append(f"names share {_quoted(shared)}")
    said += [f"`{_cut(a)}` can mean `{_cut(b)}`" for a, b in _synonyms(our_words, their_words)[:2]]
    if not said and measured["name_ratio"] >= _SPELLED_ALIKE:
        said.append("names are spelled alike")
    elif not said and measured["name_meaning"] >= _NEAR:
        said.append("names are near in meaning")
    if (ours.description or theirs.description) and measured["text_meaning"] >= max(
        _NEAR, measured["name_meaning"]
    ):
        said.append("so are the descriptions" if said else "descriptions are near in meaning")
    return said


def _synonyms(ours: Words, theirs: Words) -> list[tuple[str, str]]:
    concepts = load_lexicon().concepts
    return [
        (a, b)
        for a, b in product(dict.fromkeys(ours.full), dict.fromkeys(theirs.full))
        if a not in theirs.full
        and b not in ours.full
        and not {a, b} & _SAYS_LITTLE
        and concepts.get(a, frozenset()) & concepts.get(b, frozenset())
    ]


def _of_values(ours: Column, theirs: Column, measured: dict[str, float]) -> list[str]:
    if not measured["values_known"]:
        return ["no values to compare"]
    our_kind, their_kind = _kind(ours), _kind(theirs)
    our_values, their_values = _distinct(ours), _distinct(theirs)
    found = len(our_values & their_values)
    if found and not {our_kind, their_kind} & _FEW:
        return [f"{found:,} of {len(our_values):,} values found"]
    if not our_kind or not their_kind:
        return []
    if our_kind == their_kind:
        alike = our_kind in ("integer", "number") and measured["values_range"] >= _LIKE_RANGE
        return [
            f"both {'are ' if our_kind == 'flag' else ''}{_CALLED[our_kind]}{' of like size' if alike else ''}"
        ]
    return (
        [f"but {_CALLED[our_kind]} against {_CALLED[their_kind]}"] if measured["values_broad_kind"] < 0.5 else []
    )


def _kind(column: Column) -> str:
    """What most of its values are; empty if they are of many kinds."""
    shares = contents_of(column).kinds
    most = int(shares.argmax())
    return KINDS[most] if shares[most] >= _MOSTLY else ""


def _distinct(column: Column) -> set[str]:
    return {text for value in column.values if value is not None and (text := value.strip().lower())}


def _quoted(words: list[str]) -> str:
    more = f" and {len(words) - _MOST_WORDS} more" if len(words) > _MOST_WORDS else ""
    return ", ".join(f"`{_cut(word)}`" for word in words[:_MOST_WORDS]) + more


def _cut(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…"
