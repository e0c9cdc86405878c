"""Whether a word of a question is a verb, by its form and by what stands before it."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.nl_models.words.lexicon import lexicon
from plugins.nl_models.words.tokens import Token

# What a verb follows; nouns don't.
_BEFORE = frozenset(
    "who that which to did does do not never was were been they ever we people \"don't\" \"doesn't\" \"didn't\"".split()
)
_PARTICIPLES = ("ed", "ing")


def is_verb(tokens: Sequence[Token], at: int) -> bool:
    """Whether the token is one, as far as its neighbours tell: `published in`, `who live`, `were born`."""
    token = tokens[at]
    before = tokens[at - 1].lower if at > 0 else ""
    if before in ("the", "a", "an", "of", "their", "its", "all", "and"):
        return False
    if token.lower.endswith(_PARTICIPLES) and at > 0:
        return True
    return before in _BEFORE or (token.lemma in lexicon().verbs and at > 1)
