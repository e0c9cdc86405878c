"""Names of paths, parameters and properties as words: split, singular, plural."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from plugins.connectors.inference.vocabulary import vocabulary

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_IRREGULAR = {
    "person": "people", "child": "children", "man": "men", "woman": "women", "datum": "data", "medium": "media",
    "criterion": "criteria", "index": "indices", "foot": "feet", "mouse": "mice",
}  # fmt: skip
_SAME = vocabulary("words", "same")
_SINGULAR = {plural: singular for singular, plural in _IRREGULAR.items()}
# Endings in s that are no plural.
_NO_PLURAL = re.compile(r"(ss|us|is|ics|[aeiou]s)$")
_KNOWN_PLURAL = frozenset(["aliases", "menus", "buses", "statuses"])


@lru_cache(maxsize=20_000)
def words(name: str) -> tuple[str, ...]:
    """The lower-case words in a name: `last_edit.time[gt]` → last, edit, time, gt."""
    plain = unicodedata.normalize("NFKD", name[:200]).encode("ascii", "ignore").decode()
    return tuple(part for part in re.split(r"[^a-z0-9]+", _BOUNDARY.sub("_", plain).lower()) if part)


def snake(name: str) -> str:
    """A name in snake_case, of letters, digits and underscores alone; begins with a letter."""
    joined = "_".join(words(name))[:80].strip("_")
    return joined if joined[:1].isalpha() else f"s_{joined}" if joined else "stream"


def singular(word: str) -> str:
    """The singular of an English noun, as far as endings tell."""
    if word in _SAME or len(word) < 3:
        return word
    if word in _SINGULAR:
        return _SINGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(ss|sh|ch|x|z)es$", word) or word in _KNOWN_PLURAL:
        return word[:-2]
    if word.endswith("s") and not re.search(r"(ss|us|is)$", word):
        return word[:-1]
    return word


def plural(word: str) -> str:
    """The plural of an English noun; one that looks plural stays."""
    if word in _SAME or word in _SINGULAR or singular(word) != word:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    if re.search(r"(s|sh|ch|x|z)$", word):
        return word + "es"
    return word + "s"


def is_plural(name: str) -> bool:
    """Whether the last word of a name is a plural."""
    parts = words(name)
    return bool(parts) and (parts[-1] in _SINGULAR or singular(parts[-1]) != parts[-1])


def singular_name(name: str) -> str:
    """A name in snake_case with its last word in the singular."""
    parts = words(name)
    return "_".join((*parts[:-1], singular(parts[-1]))) if parts else ""


@lru_cache(maxsize=20_000)
def segments(path: str) -> tuple[str, ...]:
    """The parts of a path, without a format's ending: `/a/{id}/b.json` → a, {id}, b."""
    return tuple(re.sub(r"\.(json|xml)$", "", part) for part in path.strip("/").split("/") if part)


def is_parameter(segment: str) -> bool:
    """Whether a part of a path is, or holds, a parameter."""
    return "{" in segment


def parameter_in(segment: str) -> str:
    """The parameter's name in a part of a path."""
    found = re.search(r"{([^{}]+)}", segment)
    return found[1] if found else ""
