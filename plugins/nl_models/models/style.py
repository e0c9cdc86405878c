"""How a project writes SQL, and a text in that way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# What is no SQL of ours: Jinja, comments and strings.
_OTHER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|--[^\n]*|'(?:[^']|'')*'", re.DOTALL)
_KEYWORDS = (
    "with|as|select|distinct|from|inner|left|full|outer|cross|join|on|where|and|or|not|in|is|null|group by|having|"
    "order by|partition by|over|limit|case|when|then|else|end|cast|between|ilike|like|asc|desc|nulls last|true|"
    "false"
)
_KEYWORD = re.compile(rf"\b(?:{_KEYWORDS})\b")


@dataclass(frozen=True)
class SqlStyle:
    """has_groups: columns stand in groups, `---------- keys`."""

    is_upper: bool = False
    indent: int = 4
    has_groups: bool = True

    def apply(self, text: str) -> str:
        """A text of ours (lower case, four spaces) in this style."""
        if self.is_upper:
            text = _upper(text)
        if self.indent != 4:
            text = re.sub(r"(?m)^(?: {4})+", lambda m: " " * (len(m.group()) // 4 * self.indent), text)
        return text


def learn_style(texts: Iterable[str]) -> SqlStyle:
    """The style of most of a project's SQL."""
    upper = lower = two = four = groups = 0
    for text in texts:
        bare = _OTHER.sub(" ", text)
        upper += len(re.findall(r"\bSELECT\b", bare))
        lower += len(re.findall(r"\bselect\b", bare))
        indents = [len(spaces) for spaces in re.findall(r"(?m)^( +)\S", bare)]
        smallest = min(indents, default=0)
        two, four = two + (smallest == 2), four + (smallest == 4)
        groups += "----------" in text
    return SqlStyle(upper > lower, 2 if two > four else 4, groups > 0)


def _upper(text: str) -> str:
    pieces, end = [], 0
    for other in _OTHER.finditer(text):
        pieces += [_raised(text[end : other.start()]), other.group()]
        end = other.end()
    return "".join([*pieces, _raised(text[end:])])


def _raised(text: str) -> str:
    return _KEYWORD.sub(lambda word: word.group().upper(), text)
