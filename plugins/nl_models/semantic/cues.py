"""The lexicon of questions about metrics: what words do, apart from naming things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML


@dataclass(frozen=True)
class Cues:
    """What is in cues.yaml, by words in lower case.

    cues: by phrase, what it does. units: by phrase, the unit. aliases: by phrase, others for the same thing.
    things: by word, others for the same kind of thing. verbs: by lemma, names of metrics that it may be about.
    telling: those of them that say what is measured, also beside a metric. short: by word, what it is short for.
    wrapping: of what stands around a question.
    longest: words of a phrase.
    """

    cues: Mapping[tuple[str, ...], str]
    fillers: frozenset[str]
    verbs: Mapping[str, tuple[str, ...]]
    units: Mapping[tuple[str, ...], str]
    aliases: Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]]
    things: Mapping[str, tuple[str, ...]]
    telling: frozenset[str]
    short: Mapping[str, str]
    wrapping: tuple[re.Pattern[str], ...]
    longest: int


@cache
def cues() -> Cues:
    """The lexicon that is shipped."""
    text = (files("plugins.nl_models.semantic") / "cues.yaml").read_text(encoding="utf-8")
    document = YAML(typ="safe").load(text)
    found = {tuple(phrase.split()): cue for cue, phrases in document["cues"].items() for phrase in phrases}
    units = {tuple(phrase.split()): unit for unit, phrases in document["units"].items() for phrase in phrases}
    groups = [[tuple(phrase.split()) for phrase in group] for group in document["aliases"]]
    aliases = {phrase: tuple(other for other in group if other != phrase) for group in groups for phrase in group}
    verbs = {verb: tuple(names) for verb, names in document["verbs"].items()}
    things = {word: tuple(o for o in group if o != word) for group in document["things"] for word in group}
    fillers, telling = frozenset(document["fillers"]), frozenset(document["telling"])
    wrapping = tuple(re.compile(pattern, re.IGNORECASE) for pattern in document["wrapping"])
    longest = max(map(len, found))
    return Cues(found, fillers, verbs, units, aliases, things, telling, document["short"], wrapping, longest)
