"""Links the words of a question to what they name, and to what they do: a question as chunks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from plugins.nl_models.catalog.keys import display, key
from plugins.nl_models.catalog.names import words_of
from plugins.nl_models.catalog.schema import Catalog, Column, Table
from plugins.nl_models.chunks import Chunk, as_verb
from plugins.nl_models.words.dates import date_bounds
from plugins.nl_models.words.lexicon import lexicon
from plugins.nl_models.words.shortening import shortened, unglued
from plugins.nl_models.words.tokens import Token, spoken

if TYPE_CHECKING:
    from plugins.core.embeddings import Vectors

_NOISE = frozenset(
    {
        "of",
        "the",
        "a",
        "an",
        "and",
        "in",
        "on",
        "by",
        "to",
        "for",
        "is",
        "id",
        "list",
        "data",
        "dim",
        "fct",
        "tbl",
        "reference",
    }
)
_LONGEST = 7
_LEAST_SIMILARITY = {"table": 0.62, "column": 0.5, "value": 0.7}
# Values of columns that have no more are also found by their meaning.
_MOST_MEANINGS = 200
# What is as near as that is worth asking about.
_LEAST_CLOSE, _MOST_CLOSEST = 0.35, 3
# Values of a column that has no more are states of a thing more likely than they are a part of a name.
_FEW, _FEWEST = 20, 3
# What is written is meant rather than what it may mean in another column: Italy, Italian.
_PER_ALIAS = 0.8
# Of names that only have a word among others.
_PARTIAL = 0.7
# What each further piece of a reading costs.
_PER_PIECE = 0.001
# A name that is short for a word is not as sure as one that is the word.
_PER_SHORT = 0.94
# Whatever else explains a word comes before a name that is short for it.
_MOST_SHORT, _MOST_SHORT_ALONE = 0.8, 0.55
# A word that begins like a name's word is more likely to be meant by it: director, directed.
_LEAST_PREFIX, _PREFIX_BONUS = 5, 0.3


@dataclass
class Linker:
    """Names of a catalog, indexed by their words."""

    catalog: Catalog
    _tables: dict[tuple[str, ...], list[tuple[Table, float]]] = field(default_factory=lambda: defaultdict(list))
    _columns: dict[tuple[str, ...], list[tuple[Column, float]]] = field(default_factory=lambda: defaultdict(list))
    _values: dict[str, list[tuple[Column, str]]] = field(default_factory=lambda: defaultdict(list))
    _shortened: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in self.catalog.tables.values():
            for label in (table.name.split(".")[-1], *table.synonyms):
                self._add(self._tables, table, _content(words_of(label)))
            if identifier := key(table):
                self._columns[("id",)].append((identifier, 0.9))
            if table.columns and words_of(display(table).name)[-1].endswith("name"):
                self._columns[("name",)].append((display(table), 0.95))
            for column in table.columns.values():
                if column.kind == "time":
                    self._columns[("date",)].append((column, 0.6))
        for column in self.catalog.columns:
            own = set(words_of(column.table.split(".")[-1])) | lexicon().sets["units"]
            for label in (column.name, *column.synonyms):
                words = tuple(word for word in words_of(label) if word not in ("of", "the", "in"))
                self._add(self._columns, column, words, own)
                if rest := unglued(words, words_of(column.table.split(".")[-1])):
                    self._columns[rest].append((column, 0.95))
            for value in column.values or ():
                self._values[spoken(value)].append((column, value))

    def _add(self, index: dict, item: Any, words: tuple[str, ...], own: Iterable[str] = ()) -> None:
        """Under all its words, and with less score under a part of them."""
        scores = {words: 1.0}
        for size in range(len(words) - 1, 0, -1):
            for start in range(len(words) - size + 1):
                part = words[start : start + size]
                left = [word for word in (*words[:start], *words[start + size :]) if word not in own]
                score = 0.95 if not left else 0.45 + 0.4 * size / len(words)
                if set(part) - _NOISE:
                    scores.setdefault(part, score)
        for part, score in scores.items():
            index[part].append((item, score))

    @cached_property
    def _words(self) -> frozenset[str]:
        """All words of names."""
        tables = {word for name in self._tables for word in name}
        return frozenset(tables | {word for name in self._columns for word in name})

    def _as_named(self, word: str) -> str:
        """A word as names have it: what they have for short, where none has the word itself."""
        if word in self._words or not word.isalpha() or (word,) in lexicon().cues or word in lexicon().adjectives:
            return word
        if word not in self._shortened:
            self._shortened[word] = shortened(word, self._words) or word
        return self._shortened[word]

    @cached_property
    def _names(self) -> tuple[list[Any], Vectors]:
        # What only links tables is never asked for by another name than its own.
        links = self.catalog.links - self.catalog.roles
        telling = [column for column in self.catalog.columns if column.place not in links]
        items: list[Any] = [*self.catalog.tables.values(), *telling]
        return items, _encode([" ".join(_content(words_of(item.name.split(".")[-1]))) for item in items])

    def link(self, tokens: Sequence[Token]) -> list[Chunk]:
        """The chunks that explain the most of the tokens, in order; words that nothing explains are `word`."""
        best: list[tuple[float, Chunk | None]] = [(0.0, None)] * (len(tokens) + 1)
        for start in range(len(tokens) - 1, -1, -1):
            best[start] = (best[start + 1][0], None)
            for end in range(start + 1, min(start + _LONGEST, len(tokens)) + 1):
                for chunk, score in self._readings(tokens, start, end):
                    # Of readings that explain as much, the one of fewer pieces: a full name, not two halves.
                    total = score * (end - start) - _PER_PIECE + best[end][0]
                    if total > best[start][0]:
                        best[start] = (total, chunk)
        chunks: list[Chunk] = []
        at = 0
        while at < len(tokens):
            chunk = best[at][1] or self._by_meaning(tokens[at], at)
            # "currently live": what stands before the adverb.
            telling = [other for other in chunks if not (other.kind == "word" and other.text.endswith("ly"))]
            # "and which city": asked for, not said of what stands before.
            is_asked = [other.text.lower() for other in telling[-2:]] == ["and", "which"]
            chunks.append(as_verb(chunk, tokens[at], telling[-1]) if telling and not is_asked else chunk)
            at = chunk.end
        return chunks

    def _readings(self, tokens: Sequence[Token], start: int, end: int) -> Iterable[tuple[Chunk, float]]:
        span = tokens[start:end]
        text = " ".join(token.text for token in span)
        first = tokens[start]
        if end - start == 1 and first.kind == "quoted":
            yield Chunk("quoted", start, end, text, found=self._exact(text)), 3.0
            return
        if any(token.kind == "quoted" for token in span):
            return
        lower: tuple[str, ...] = tuple(token.lower for token in span)
        cue = lexicon().cues.get(lower)
        if cue:
            yield Chunk(cue, start, end, text), 0.92 + 0.01 * (end - start) if cue != "IN" else 0.7
        if end - start == 1:
            yield from self._single(tokens, start)
        if end - start == 2 and lower[0] == "how" and lower[1] in lexicon().adjectives:
            yield Chunk("adjective", start, end, text, lemma=lower[1], degree="asked"), 0.96
        if end - start == 2 and lower[0] in ("most", "least", "more", "less"):
            stems = (span[1].lemma, lower[1], lower[1].removesuffix("ly"))
            stem = next((word for word in stems if word in lexicon().adjectives), None)
            if stem:
                degree = "most" if lower[0] in ("most", "least") else "more"
                is_reversed = lower[0] in ("least", "less")
                yield (
                    Chunk("adjective", start, end, text, lemma=stem, degree=degree, is_reversed=is_reversed),
                    0.96,
                )
        if bounds := date_bounds(span):
            yield Chunk("date", start, end, text, bounds=bounds), 1.1
        if any(token.kind == "comma" for token in span):
            return
        yield from self._names_of(span, start, end, text, bool(cue))
        values = self._values_of(lower, span)
        if values and not cue and not (len(lower) == 1 and first.kind == "number"):
            capital = any(token.text[:1].isupper() for token in span) and start > 0
            is_state = values[0][0][0].distinct <= _FEW
            score = 1.05 if capital else 0.75 if len(lower) > 1 else 0.68 if is_state else 0.6
            yield Chunk("value", start, end, text, found=tuple((v, score * likely) for v, likely in values)), score

    def _values_of(self, lower: Sequence[str], span: Sequence[Token]) -> list[tuple[tuple[Column, str], float]]:
        """Values that are written like the span, or almost: without spaces, in the plural, as an adjective; less
        those that only mean the same."""
        forms = [tuple(lower), (*lower[:-1], span[-1].lemma)]
        aliases = [alias for form in forms for alias in lexicon().aliases.get(form, ()) if self._is_value(alias)]
        if len(lower) > 1:
            forms.append(("".join(lower),))
        elif len(lower[0]) > 5:
            forms += [(lower[0][:-cut],) for cut in (1, 2, 3) if len(lower[0]) - cut > 4]
        found = next((pairs for form in forms if (pairs := self._values.get(" ".join(form)))), [])
        others = next((pairs for alias in aliases if (pairs := self._values.get(" ".join(alias)))), [])
        likely = 1.0 - _PER_ALIAS * bool(found)
        return [*((pair, 1.0) for pair in found), *((pair, likely) for pair in others if pair not in found)]

    def _is_value(self, alias: tuple[str, ...]) -> bool:
        """Whether a value may be meant by another word: a letter only where all of the column are letters."""
        if len("".join(alias)) > 1:
            return True
        columns = [column for column, _ in self._values.get(" ".join(alias), ()) if column.distinct <= _FEWEST]
        return any(all(len(value) == 1 for value in column.values or ()) for column in columns)

    def _single(self, tokens: Sequence[Token], start: int) -> Iterable[tuple[Chunk, float]]:
        words = lexicon()
        token = tokens[start]
        following, after = (
            (tokens[start + 1].lower, tokens[start + 1].lemma) if start + 1 < len(tokens) else ("", "")
        )
        number = float(token.lower.replace(",", "")) if token.kind == "number" else words.numbers.get(token.lower)
        before = tokens[start - 1].lower if start else ""
        is_again = before in lexicon().sets["before pronouns"] and (
            following in lexicon().sets["after pronouns"] or (after != following and not following.endswith("s"))
        )
        is_referring = before in ("the", "which", "this", "that") or not following or is_again
        is_pronoun = token.lower == "one" and is_referring
        if number is not None and not is_pronoun:
            yield Chunk("number", start, start + 1, token.text, number=float(number)), 0.95
        if token.lemma in words.adjectives and token.lemma != token.lower:
            degree = "most" if token.lower.endswith("st") else "more"
            yield Chunk("adjective", start, start + 1, token.text, lemma=token.lemma, degree=degree), 0.94
        elif token.lower in ("first", "last", "recent", "top") and following not in words.sets["after adverbs"]:
            yield Chunk("adjective", start, start + 1, token.text, lemma=token.lower, degree="most"), 0.9

    def _names_of(
        self, span: Sequence[Token], start: int, end: int, text: str, is_cue: bool
    ) -> Iterable[tuple[Chunk, float]]:
        if span[0].lower in _NOISE - {"id"} or span[-1].lower in _NOISE - {"id"}:
            return
        lemmas = tuple(self._as_named(token.lemma) for token in span if token.lower not in ("of", "the", "in"))
        is_short = lemmas != tuple(token.lemma for token in span if token.lower not in ("of", "the", "in"))
        lowers = tuple(token.lower for token in span if token.lower not in ("of", "the", "in"))
        is_degree = len(span) == 1 and lemmas != lowers and lemmas[:1] and lemmas[0] in lexicon().adjectives
        discount = 0.4 if is_cue or is_degree else 0.0
        initials = ("".join(word[0] for word in lowers),)
        is_named = not any((word,) in lexicon().cues for word in lowers)
        if len(lowers) > 2 and is_named and initials in self._columns and self._columns[initials][0][1] == 1.0:
            yield Chunk("column", start, end, text, found=tuple(self._columns[initials])), 0.95
        # "The maximum number of guests" may be `max_guests`.
        fewer = tuple(word for word in lemmas if word != "number")
        is_numbered = 1 < len(fewer) < len(lemmas) or (len(fewer) == 1 and lemmas[1:] == ("number",))
        whole = [pair for pair in self._columns.get(fewer, ()) if pair[1] >= 0.95] if is_numbered else []
        if not whole and lemmas[:1] == ("number",) and len(lemmas) == 2:
            others = lexicon().synonyms.get(lemmas[1], ())
            whole = [pair for word in others for pair in self._columns.get(("number", word), ()) if pair[1] == 1.0]
        for kind, index in (("table", self._tables), ("column", self._columns)):
            found = index.get(lemmas) or index.get(lowers) or (whole if kind == "column" else [])
            if found:
                ranked = _ranked(found)
                if len(span) == 1 and ranked[0][1] < _PARTIAL:
                    ranked = self._rather(ranked, kind, lexicon().synonyms.get(span[0].lemma, ()))
                if is_short:
                    ranked = tuple((item, score * _PER_SHORT) for item, score in ranked)
                # A name of one word that is all of a table's is more likely the table than a part of a column's.
                score = ranked[0][1] + (kind == "table") * 0.01 - discount
                if is_short:
                    score = min(score, _MOST_SHORT if len(span) > 1 else _MOST_SHORT_ALONE)
                yield Chunk(kind, start, end, text, found=ranked), score

    def _by_meaning(self, token: Token, at: int) -> Chunk:
        """A word that no name has: what is nearest in meaning, if anything is near."""
        plain = Chunk("word", at, at + 1, token.text, lemma=token.lemma)
        if token.kind != "word" or len(token.lower) < 3:
            return plain
        said = (*lexicon().synonyms.get(token.lemma, ()), *lexicon().verbs.get(token.lemma, ()))
        if (named := self._by_synonyms(said)) is not None:
            return Chunk(named[0], at, at + 1, token.text, lemma=token.lemma, found=named[1])
        if token.lemma in ("person", "people", "everyone", "somebody"):
            people = [
                t for t in self.catalog.tables.values() if lexicon().people.intersection(words_of(t.name)[-1:])
            ]
            if people:
                return Chunk("table", at, at + 1, token.text, found=tuple((table, 0.7) for table in people))
        ranked = self._near(token)
        if token.text[0].isupper() and at > 0 and (pairs := self._values_by_meaning(token.lower)):
            return Chunk("value", at, at + 1, token.text, found=pairs)
        if not ranked:
            return plain
        kind = "table" if isinstance(ranked[0][0], Table) else "column"
        same = tuple((item, 0.6 * score) for item, score in ranked if isinstance(item, Table) == (kind == "table"))
        return Chunk(kind, at, at + 1, token.text, lemma=token.lemma, found=same)

    def _rather(
        self, ranked: tuple[tuple[Any, float], ...], kind: str, said: Iterable[str]
    ) -> tuple[tuple[Any, float], ...]:
        """What has a word in its name; before it, what is called by another word for the same."""
        named = self._by_synonyms(said)
        if named is None or named[0] != kind or named[1][0][1] < _PARTIAL:
            return ranked
        return _ranked([*named[1], *ranked])

    def _by_synonyms(self, said: Iterable[str]) -> tuple[str, tuple[tuple[Any, float], ...]] | None:
        """The kind of what other words for the same name, and all of that kind, best first."""
        kind, found = "", []
        for n, synonym in enumerate(said):
            words = tuple(map(self._as_named, words_of(synonym)))
            for other, index in (("table", self._tables), ("column", self._columns)):
                if (named := index.get(words)) and kind in ("", other):
                    kind = other
                    found += [(item, (0.9 - 0.02 * min(n, 5)) * score) for item, score in named]
                    break
        return (kind, _ranked(found)) if found else None

    def _near(self, token: Token) -> list[tuple[Table | Column, float]]:
        """Names that are near to a word in meaning, best first; those that begin like it are nearer."""
        items, vectors = self._names
        likeness = vectors @ _encode([token.lemma])[0]
        begin = token.lower[:_LEAST_PREFIX]
        if len(begin) == _LEAST_PREFIX:
            is_alike = (any(w.startswith(begin) for w in item.name.lower().split("_")) for item in items)
            likeness[[n for n, alike in enumerate(is_alike) if alike]] += _PREFIX_BONUS
        return [
            (items[n], float(likeness[n]))
            for n in (-likeness).argsort()[:5]
            if likeness[n] >= _LEAST_SIMILARITY["table" if isinstance(items[n], Table) else "column"]
        ]

    def closest(self, word: str) -> list[tuple[Table | Column, float]]:
        """Names that are nearest in meaning to a word that none is called by, best first."""
        items, vectors = self._names
        likeness = vectors @ _encode([word.lower()])[0]
        ranked = (-likeness).argsort()[:_MOST_CLOSEST]
        return [(items[n], float(likeness[n])) for n in ranked if likeness[n] >= _LEAST_CLOSE]

    @cached_property
    def _meanings(self) -> tuple[list[tuple[Column, str]], Vectors]:
        few = [c for c in self.catalog.columns if c.values and c.distinct <= _MOST_MEANINGS]
        pairs = [(column, value) for column in few for value in column.values or () if value[:1].isupper()]
        return pairs, _encode([value for _, value in pairs])

    def _values_by_meaning(self, word: str) -> tuple[tuple[tuple[Column, str], float], ...]:
        """Values that a name is near to: French, France."""
        pairs, vectors = self._meanings
        if not pairs:
            return ()
        likeness = vectors @ _encode([word])[0]
        best = (-likeness).argsort()[:3]
        return tuple((pairs[n], float(likeness[n])) for n in best if likeness[n] >= _LEAST_SIMILARITY["value"])

    def _exact(self, text: str) -> tuple[tuple[tuple[Column, str], float], ...]:
        pairs = self._values.get(spoken(text), [])
        return tuple((pair, 1.0) for pair in pairs)


def _ranked(found: Iterable[tuple[Any, float]]) -> tuple[tuple[Any, float], ...]:
    """Each once, with its best score; best first."""
    best: dict[int, tuple[Any, float]] = {}
    for item, score in found:
        if id(item) not in best or best[id(item)][1] < score:
            best[id(item)] = (item, score)
    return tuple(sorted(best.values(), key=lambda pair: -pair[1]))


def _encode(texts: Sequence[str]) -> Vectors:
    # Imported here: numpy takes its time, and most words have a name.
    from plugins.core.embeddings import encode

    return encode(texts)


def _content(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in _NOISE) or words
