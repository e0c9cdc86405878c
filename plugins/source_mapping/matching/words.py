"""The words of a column's name: `custBillAddrLine1` is customer, bill, address, line, 1.

Names are split at case, digits and signs; what is written together is cut where common words meet;
abbreviations are written out, and words of other languages become English ones where the lexicon knows them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from simplemma import is_known, lemmatize

from plugins.core.embeddings.static import vocabulary
from plugins.source_mapping.matching.lexicon import load_lexicon

_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+|[%#$€£]")
_IDEOGRAPH = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
# Shorter than this is one word or an abbreviation, never several written together.
_LEAST_TOGETHER = 6
_LONGEST_WORD = 20
_LEAST_WORD = 2
# Of the letters of a name that is cut, the share that words make up.
_LEAST_KNOWN = 0.7


@dataclass(frozen=True)
class Words:
    """raw: the pieces as written, in lower case. full: with abbreviations written out and words in base form."""

    raw: tuple[str, ...]
    full: tuple[str, ...]

    @property
    def text(self) -> str:
        """The words as a phrase."""
        return " ".join(self.full)


@cache
def words_of(name: str) -> Words:
    """The words of a column's name, or of any short text."""
    raw = tuple(word for piece in _PIECE.findall(without_accents(name)) for word in _cut(piece))
    full = tuple(word for piece in raw for word in _written_out(piece))
    return Words(raw, full)


def without_accents(name: str) -> str:
    """Full-width letters and accents as ASCII where there is an equivalent; other scripts stay."""
    # Before the accents go: German writes ä as ae and ß as ss where it has only ASCII.
    text = unicodedata.normalize("NFKC", name).translate(_GERMAN)
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)) or text


def _cut(piece: str) -> list[str]:
    if _IDEOGRAPH.search(piece):
        return _longest_known(piece)
    piece = piece.lower()
    if len(piece) < _LEAST_TOGETHER or _is_word(piece):
        return [piece]
    cut = _cheapest(piece)
    known = sum(len(word) for word in cut if len(word) > _LEAST_WORD and _is_word(word))
    if len(cut) >= len(piece) / 3 + 1 or known < _LEAST_KNOWN * len(piece):
        return [piece]
    # German joins words with an s: `Rechnung-s-datum`.
    return [word for place, word in enumerate(cut) if word != "s" or place in (0, len(cut) - 1)]


def _is_word(piece: str) -> bool:
    return piece in load_lexicon().meanings or _cost(piece) < _KNOWN or is_known(piece, lang="en")


def _longest_known(text: str) -> list[str]:
    """Text without spaces: the longest words that the lexicon has, other characters one by one."""
    meanings = load_lexicon().meanings
    cut: list[str] = []
    start = 0
    while start < len(text):
        ends = range(min(len(text), start + 6), start, -1)
        end = next((end for end in ends if text[start:end] in meanings), start + 1)
        cut.append(text[start:end])
        start = end
    return cut


@cache
def _costs() -> dict[str, float]:
    """How surprising a word is, by its place in a list ordered by frequency (Zipf's law)."""
    known = [word for word in vocabulary() if word.isascii() and word.isalpha() and len(word) > 1]
    scale = math.log(len(known))
    # Word pieces of two letters are mostly no words; in names these are.
    short = {
        "id",
        "of",
        "to",
        "in",
        "on",
        "at",
        "by",
        "is",
        "no",
        "or",
        "an",
        "as",
        "up",
        "us",
        "uk",
        "eu",
        "ip",
        "tz",
    }
    costs = {
        word: math.log((rank + 1) * scale)
        for rank, word in enumerate(known)
        if len(word) > _LEAST_WORD or word in short
    }
    lexicon = load_lexicon()
    for word in (*lexicon.meanings, *lexicon.concepts, *lexicon.kinds):
        if word.isascii() and word.isalpha() and len(word) > _LEAST_WORD:
            costs[word] = min(costs.get(word, math.inf), math.log(1_000 * scale))
    return costs


_UNKNOWN = 14.0
# A word of the dictionary that is not among the frequent ones; shorter ones are mostly accidents.
_RARE, _LEAST_RARE = 12.4, 5
_KNOWN = 12.5


@cache
def _cost(word: str) -> float:
    # An unknown stretch costs by its length, so that it is not cut into many.
    cost = _costs().get(word)
    if cost is None:
        is_rare = len(word) >= _LEAST_RARE and is_known(word, lang="en")
        cost = _RARE if is_rare else _UNKNOWN + 4.0 * len(word)
    return cost


def _cheapest(text: str) -> list[str]:
    """The cut into words that is least surprising (Viterbi over unigrams)."""
    best = [0.0] + [math.inf] * len(text)
    starts = [0] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - _LONGEST_WORD), end):
            cost = best[start] + _cost(text[start:end])
            if cost < best[end]:
                best[end], starts[end] = cost, start
    cut: list[str] = []
    end = len(text)
    while end:
        cut.insert(0, text[starts[end] : end])
        end = starts[end]
    return cut


def _written_out(piece: str) -> tuple[str, ...]:
    lexicon = load_lexicon()
    if piece in lexicon.meanings:
        return lexicon.meanings[piece]
    return (_base(piece),)


@cache
def _base(word: str) -> str:
    return lemmatize(word, "en").lower() if word.isascii() and len(word) > 3 else word
