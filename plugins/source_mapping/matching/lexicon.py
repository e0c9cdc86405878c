"""The vocabulary of tables: abbreviations, words of other languages, and groups of words for one thing."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_Phrases = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Lexicon:
    """meanings: words in full, by abbreviation or foreign word. concepts: the groups that a word is in.
    kinds: what a column holds, by a word of its name (`date`, `flag`, `id` …). opposites: phrases of two sides."""

    meanings: Mapping[str, tuple[str, ...]]
    concepts: Mapping[str, frozenset[int]]
    kinds: Mapping[str, str]
    opposites: tuple[tuple[_Phrases, _Phrases], ...]


@cache
def load_lexicon() -> Lexicon:
    """Read lexicon.toml, which ships beside this module."""
    text = (files("plugins.source_mapping.matching") / "lexicon.toml").read_text("utf-8")
    document = tomllib.loads(text)
    meanings = {short: tuple(full.split()) for short, full in document["abbreviations"].items()}
    for words in document["languages"].values():
        for full, foreign in words.items():
            meanings |= {spelled: tuple(full.split()) for word in foreign.split() for spelled in _spellings(word)}
    concepts: dict[str, frozenset[int]] = {}
    for number, group in enumerate(document["synonyms"]["groups"]):
        for word in group.split():
            concepts[word] = concepts.get(word, frozenset()) | {number}
    kinds = {word: kind for kind, words in document["kinds"].items() for word in words.split()}
    opposites = tuple((_phrases(first), _phrases(second)) for first, second in document["opposites"]["pairs"])
    return Lexicon(meanings, concepts, kinds, opposites)


def _phrases(listed: list[str]) -> _Phrases:
    return frozenset(tuple(phrase.split()) for phrase in listed)


def _spellings(word: str) -> set[str]:
    """With and without what ASCII lacks: `währung` is written `waehrung`, and `wahrung`."""
    german = word.translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}))
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return {word, german, plain}
