"""Names as databases shorten them: `proc` of procedures, `mgr` of managers, the `pname` of a patient."""

from __future__ import annotations

from collections.abc import Collection, Sequence

_VOWELS = frozenset("aeiou")
# Beginnings that are shorter say too little, longer ones are words; and how much of the word must be left out.
_SHORTEST, _LONGEST, _LEAST_LEFT_OUT = 3, 4, 2
# What the letter of a table is put before.
_GLUED = ("name", "id", "number", "date", "type", "title", "location", "address", "age", "salary")


def shortened(word: str, names: Collection[str]) -> str | None:
    """The one of the words of names that is short for a word: its beginning, or its first consonants."""
    for length in range(_LONGEST, _SHORTEST - 1, -1):
        if len(word) >= length + _LEAST_LEFT_OUT and word[:length] in names:
            return word[:length]
    return next((name for name in sorted(names) if _is_skeleton(name, word)), None)


def _is_skeleton(name: str, word: str) -> bool:
    if not _SHORTEST <= len(name) <= _LONGEST or len(word) < len(name) + _LEAST_LEFT_OUT or name[0] != word[0]:
        return False
    letters = iter(word)
    return not _VOWELS & set(name) and all(letter in letters for letter in name)


def unglued(words: Sequence[str], table: Sequence[str]) -> tuple[str, ...] | None:
    """The words of a column's name without its table's initials: `pname` of `patient`; None without such."""
    if len(words) != 1 or not table:
        return None
    initials = {table[0][:1], table[0][:2], "".join(word[:1] for word in table)}
    return next(
        ((end,) for end in _GLUED if words[0].endswith(end) and words[0].removesuffix(end) in initials), None
    )
