"""What words of a question do, apart from naming things: cues, comparing adjectives, numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeVar

from ruamel.yaml import YAML

_Said = TypeVar("_Said", str, tuple[str, ...])


@dataclass(frozen=True)
class Adjective:
    """up: words of columns that are greater where there is more of it. down: of those that are smaller."""

    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    is_up: bool = True


@dataclass(frozen=True)
class Lexicon:
    """cues: by phrase (words in lower case), its cue. synonyms: by word, others that say the same.
    verbs: by base form, words of what it says of a row. asks: by question word, words of what it asks for.
    people: nouns that `who` may ask for. roles: by word, names that a reference to another table may have.
    aliases: by phrase, the same value in other words. truths: by what affirms, what denies. months: by name,
    their number. sets: of words, by what is done with them. longest: words of the longest
    phrase."""

    cues: Mapping[tuple[str, ...], str]
    adjectives: Mapping[str, Adjective]
    numbers: Mapping[str, int]
    synonyms: Mapping[str, tuple[str, ...]]
    verbs: Mapping[str, tuple[str, ...]]
    asks: Mapping[str, tuple[str, ...]]
    people: frozenset[str]
    roles: Mapping[str, tuple[str, ...]]
    aliases: Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]]
    truths: Mapping[str, str]
    months: Mapping[str, int]
    sets: Mapping[str, frozenset[str]]
    longest: int


@cache
def lexicon() -> Lexicon:
    """The lexicon of English that is shipped."""
    document = YAML(typ="safe").load(
        (files("plugins.nl_models.words") / "lexicon.yaml").read_text(encoding="utf-8")
    )
    cues: dict[tuple[str, ...], str] = {}
    for cue, phrases in document["cues"].items():
        for phrase in phrases:
            cues.setdefault(tuple(phrase.split()), cue)
    adjectives = {
        word: Adjective(tuple(entry.get("up", ())), tuple(entry.get("down", ())), next(iter(entry)) == "up")
        for word, entry in document["adjectives"].items()
    }
    phrases = [[tuple(phrase.split()) for phrase in group] for group in document["aliases"]]
    return Lexicon(
        cues,
        adjectives,
        document["numbers"],
        _others(document["synonyms"]),
        _tuples(document["verbs"]),
        _tuples(document["asks"]),
        frozenset(document["people"]),
        _tuples(document["roles"]),
        _others(phrases),
        document["truths"],
        document["months"],
        {name: frozenset(words) for name, words in document["sets"].items()},
        max(map(len, cues)),
    )


def _others(groups: Iterable[Sequence[_Said]]) -> dict[_Said, tuple[_Said, ...]]:
    """By each member of the groups, all that share a group with it, those of the first group first."""
    found: dict[_Said, tuple[_Said, ...]] = {}
    for group in groups:
        for said in group:
            others = tuple(other for other in group if other != said)
            found[said] = tuple(dict.fromkeys((*found.get(said, ()), *others)))
    return found


def _tuples(document: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {word: tuple(names) for word, names in document.items()}
