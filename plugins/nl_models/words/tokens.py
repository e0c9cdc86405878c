"""A question as tokens: words, numbers, and what stands in quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plugins.nl_models.catalog.names import lemma

_TOKEN = re.compile(
    r"""(?P<quoted>``[^']*''|"[^"]*"|“[^”]*”|(?<!\w)'[^']*'(?!\w)|`[^`]*`)"""
    r"""|(?P<time>\d{1,2}:\d{2}(?::\d{2})?(?!\w))"""
    r"""|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\d+(?![\w-]))"""
    r"""|(?P<word>\w+(?:['’.-]\w+)*)|(?P<comma>[,;])"""
)


@dataclass(frozen=True)
class Token:
    """text: as written. kind: quoted (text without its quotes), number, word or comma."""

    text: str
    kind: str
    start: int

    @property
    def lower(self) -> str:
        """In lower case, without a possessive."""
        return re.sub(r"['’]s$", "", self.text.lower()) if self.kind == "word" else self.text.lower()

    @property
    def lemma(self) -> str:
        """The base form."""
        return lemma(self.lower) if self.kind == "word" else self.lower


def tokenise(question: str) -> list[Token]:
    """The tokens of a question, in order; punctuation other than commas is dropped."""
    found = []
    for match in _TOKEN.finditer(question):
        kind = "word" if match.lastgroup in (None, "time") else match.lastgroup
        text = match.group()
        found.append(Token(text.strip("`'\"“” ") if kind == "quoted" else text, kind, match.start()))
    return found


def spoken(value: str) -> str:
    """A value's words as a question would have them: its tokens in lower case, with spaces between."""
    if value.replace(" ", "").isalnum() and "  " not in value and value[0] != " " != value[-1]:
        # The same, in a twentieth of the time: a thousand tables have some 200,000 values.
        return value.lower()
    return " ".join(token.lower for token in tokenise(value) if token.kind != "comma")
