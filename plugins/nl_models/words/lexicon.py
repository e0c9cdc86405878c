"""What words of a question do, apart from naming things: cues, comparing adjectives, numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML


@dataclass(frozen=True)
class Adjective:
    """up: words of columns that are greater where there is more of it. down: of those that are smaller."""

    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    is_up: bool = True


@dataclass(frozen=True)
class Lexicon:
    """cues: by phrase (words in lower case), its cue. synonyms: by word, others that say the same.
    longest: words of the longest phrase."""

    cues: Mapping[tuple[str, ...], str]
    adjectives: Mapping[str, Adjective]
    numbers: Mapping[str, int]
    synonyms: Mapping[str, tuple[str, ...]]
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
    groups = document["synonyms"]
    synonyms = {word: tuple(other for other in group if other != word) for group in groups for word in group}
    return Lexicon(cues, adjectives, document["numbers"], synonyms, max(map(len, cues)))
