"""Whether a word of a question is a verb, by its form and by what stands before it."""

from __future__ import annotations

from plugins.nl_models.words.lexicon import lexicon
from plugins.nl_models.words.tokens import Token

# Kinds of chunks that a participle follows, and kinds that any verb does.
_BEFORE_PARTICIPLES = frozenset(
    {"table", "value", "RELATIVE", "IS", "HAVE", "NOT", "BUT", "word", "quoted", "column"}
)
_BEFORE_VERBS = frozenset({"RELATIVE", "IS", "NOT", "HAVE"})


def is_verb(token: Token, before: str, kind_before: str, at: int) -> bool:
    """Whether a token is one: `published in`, `who live`, `were born`. before: what was said before it."""
    if before in lexicon().sets["persons"] or (
        kind_before == "COMMAND" and before in ("who", "that", "which") and at > (before != "who")
    ):
        return True
    if token.lower.endswith(("ed", "ing")):
        return kind_before in _BEFORE_PARTICIPLES
    if kind_before in _BEFORE_VERBS or (kind_before == "IN" and before == "to"):
        return token.lemma in lexicon().verbs
    return token.lemma in lexicon().verbs and kind_before in ("table", "value", "quoted")
