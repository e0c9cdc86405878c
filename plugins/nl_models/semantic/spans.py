"""A question about metrics as spans: what each of its words is, the longest reading first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from plugins.nl_models.semantic.cues import cues
from plugins.nl_models.semantic.times import Said, Times
from plugins.nl_models.semantic.vocabulary import LINKING, Named, Vocabulary
from plugins.nl_models.words.lexicon import lexicon
from plugins.nl_models.words.tokens import Token, tokenise

_NUMBER = re.compile(r"(\d+(?:[.,]\d+)*)(k|m|bn|thousand|million)?$")
_AMOUNT = re.compile(r"([£€$¥])\s*(\d(?:[\d,.]*\d)?(?:\s*(?:k|m|bn|thousand|million|billion)\b)?)", re.IGNORECASE)
_SIGNS = {"%": "percent", "&": "and", "€": "euros", "£": "pounds", "$": "dollars", "¥": "yen"}
_SCALE = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "hundred": 1e2, "billion": 1e9}


@dataclass(frozen=True)
class Span:
    """Some words. kind: `time`, `named`, `unit`, `number`, `quoted`, `verb`, `filler`, `unknown`, or a cue."""

    kind: str
    start: int
    end: int
    text: str
    named: Named | None = None
    said: Said | None = None
    number: float | None = None
    unit: str = ""


def tokens_of(question: str) -> list[Token]:
    """The tokens; signs of money and hyphens between words are words of their own."""
    for pattern in cues().wrapping:
        question = pattern.sub(" ", question)
    question = re.sub(r"(?<=[A-Za-z])\.?\s*['’](\d\d)\b", r" 20\1", question)
    text = _AMOUNT.sub(lambda amount: f"{amount[2]} {amount[1]} ", question)
    for sign, word in _SIGNS.items():
        text = text.replace(sign, f" {word} ")
    text = re.sub(r"(?<=[A-Za-z])[-/](?=[A-Za-z])|(?<=\b\d)-(?=(day|week|month|quarter|year))", " ", text)
    found = tokenise(re.sub(r"(?<=\d)(?=(k|m|bn)\b)", "", text))
    return [token for token in found if token.text.strip()]


def spans_of(tokens: Sequence[Token], vocabulary: Vocabulary, now: date) -> list[Span]:
    """Every token in one span, from left to right."""
    tokens = [_in_full(token, vocabulary) for token in tokens]
    words = [token.lower if token.kind != "quoted" else "\0" for token in tokens]
    times = Times(words, now)
    spans: list[Span] = []
    at = 0
    while at < len(tokens):
        readings = list(_readings(tokens, words, at, vocabulary, times))
        # The first of the longest.
        best = max(readings, key=lambda span: span.end)
        spans.append(best)
        at = best.end
    return spans


def _in_full(token: Token, vocabulary: Vocabulary) -> Token:
    """A word that is cut short as it is in full, unless something is called so."""
    full = cues().short.get(token.lower) if token.kind == "word" else None
    return token if full is None or vocabulary.find([token.lower]) is not None else replace(token, text=full)


def _readings(
    tokens: Sequence[Token], words: Sequence[str], at: int, vocabulary: Vocabulary, times: Times
) -> Iterator[Span]:
    token, word = tokens[at], words[at]
    if token.kind == "quoted":
        yield Span("quoted", at, at + 1, token.text)
        return
    said = times.at(at)
    if said is not None:
        yield Span("time", at, said.end, " ".join(words[at : said.end]), said=said)
    yield from _named(tokens, words, at, vocabulary)
    for end in range(min(at + cues().longest, len(words)), at, -1):
        phrase = tuple(words[at:end])
        if phrase in cues().units:
            yield Span("unit", at, end, " ".join(phrase), unit=cues().units[phrase])
        if phrase in cues().cues:
            yield Span(cues().cues[phrase], at, end, " ".join(phrase))
    yield from _numbers(tokens, words, at, is_time=said is not None)
    if word in cues().verbs or token.lemma in cues().verbs:
        yield Span("verb", at, at + 1, token.lemma if token.lemma in cues().verbs else word)
    if token.kind == "comma":
        yield Span("COMMA", at, at + 1, word)
    yield Span("filler" if word in cues().fillers else "unknown", at, at + 1, token.text)


def _named(tokens: Sequence[Token], words: Sequence[str], at: int, vocabulary: Vocabulary) -> Iterator[Span]:
    """Names that begin here, also with words between theirs that say nothing: units (were) returned."""
    if words[at] in LINKING:
        return
    content: list[str] = []
    for end in range(at + 1, min(at + vocabulary.longest, len(words)) + 1):
        word = words[end - 1]
        if tokens[end - 1].kind in ("comma", "quoted"):
            return
        if word in LINKING:
            content.append(word)
            continue
        whole = words[at:end]
        named = vocabulary.find(whole)
        if named is not None and not _is_doubtful(named, tokens[at:end]):
            yield Span("named", at, end, " ".join(whole), named=named)
        if word not in ("were", "was", "did", "we", "have", "been", "are", "is", "our"):
            content.append(word)
            close = vocabulary.find(content)
            if len(content) < end - at and close is not None and close.metrics:
                yield Span("named", at, end, " ".join(content), named=Named(close.metrics))


def _is_doubtful(named: Named, tokens: Sequence[Token]) -> bool:
    """A single plain word is seldom one of very many values."""
    if len(tokens) == 1 and tokens[0].lower in cues().fillers and not tokens[0].text.isupper():
        # "us" is seldom a country.
        return True
    only_values = not named.metrics and not named.dimensions
    return only_values and named.is_large and len(tokens) == 1 and not tokens[0].text.isupper()


def _follows_act(tokens: Sequence[Token], at: int) -> bool:
    before = [token for token in tokens[max(0, at - 3) : at] if token.lower not in cues().fillers]
    return any(token.lemma in cues().verbs or (token.lower,) in cues().cues for token in before)


def _numbers(tokens: Sequence[Token], words: Sequence[str], at: int, *, is_time: bool) -> Iterator[Span]:
    word = words[at]
    found = _NUMBER.match(word)
    following = words[at + 1] if at + 1 < len(words) else ""
    if found:
        number = float(found[1].replace(",", "")) * _SCALE.get(found[2] or "", 1)
    elif word in ("once", "twice") and not _follows_act(tokens, at):
        # "once" is a number of times only where something was done that often.
        return
    elif word in lexicon().numbers:
        number = float(lexicon().numbers[word])
    else:
        return
    is_scaled = following in ("thousand", "million", "billion", "hundred", "k", "m")
    end = at + 2 if is_scaled else at + 1
    number *= _SCALE[following] if is_scaled else 1
    money = () if is_time else tuple(words[end : end + 1])
    if unit := cues().units.get(money, ""):
        # 500 euros are an amount: they don't say in what revenue is to be shown.
        yield Span("number", at, end + 1, " ".join(words[at : end + 1]), number=number, unit=unit)
    yield Span("number", at, end, " ".join(words[at:end]), number=number)
