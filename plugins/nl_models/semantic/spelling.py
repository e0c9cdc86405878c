"""Words that are spelled almost like one that is known."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import replace

from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.words.english import english
from plugins.nl_models.words.tokens import Token

_SHORTEST = 5
_LEAST_ALIKE = 0.8


def corrected(tokens: Sequence[Token], names: Collection[str]) -> tuple[list[Token], list[str]]:
    """The tokens with misspelt words as they were meant, and what was taken for what.

    names: words of what may be asked. English words are never taken for others.
    """
    known = {*names, *cues().fillers, *(word for phrase in cues().cues for word in phrase)}
    found, changes = [], []
    for token in tokens:
        meant = _meant(token, known)
        if meant is not None:
            changes.append(f"“{token.text}” is read as “{meant}”")
            token = replace(token, text=meant)
        found.append(token)
    return found, changes


def _meant(token: Token, known: Collection[str]) -> str | None:
    word = token.lower
    is_misspelt = token.kind == "word" and len(word) >= _SHORTEST and word.isalpha() and word not in known
    if not is_misspelt or token.lemma in known or english().is_word(word):
        return None
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=_LEAST_ALIKE)
    if near:
        return near[0]
    singular = difflib.get_close_matches(word.rstrip("s"), list(known), n=1, cutoff=_LEAST_ALIKE)
    return f"{singular[0]}s" if singular else None
