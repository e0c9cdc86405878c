"""Names that say opposite things of a row: `is_deleted` is not `is_active`, however near both are."""

from __future__ import annotations

from plugins.source_mapping.matching.lexicon import load_lexicon
from plugins.source_mapping.matching.words import words_of

_NOT = frozenset({"not", "no", "non"})
_SILENT = frozenset({"is", "has", "was", "are", "flag"}) | _NOT


def are_opposite(one: str, other: str) -> bool:
    """Whether one name says what the other denies, by the lexicon's opposites and by `not`."""
    ours, theirs = words_of(one).raw, words_of(other).raw
    is_denied = bool(_NOT & set(ours)) != bool(_NOT & set(theirs))
    if any(
        (_has(ours, first) and _has(theirs, second)) or (_has(ours, second) and _has(theirs, first))
        for first, second in load_lexicon().opposites
    ):
        return not is_denied
    return is_denied and set(ours) - _SILENT == set(theirs) - _SILENT


def _has(words: tuple[str, ...], phrases: frozenset[tuple[str, ...]]) -> bool:
    return any(words[place : place + len(phrase)] == phrase for phrase in phrases for place in range(len(words)))
