"""Turns of phrase, each rewritten as one that the parser reads: `oldest first`, `highest and lowest`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plugins.nl_models.catalog.names import words_of
from plugins.nl_models.linking import Chunk
from plugins.nl_models.words.lexicon import lexicon

_LISTED = frozenset({"AND", "COMMA", "ALL"})
_ENDS = frozenset({"adjective", "MOST", "LEAST"})
_AGGREGATES = frozenset({"MAX", "MIN", "AVG", "SUM"})


def reword(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The chunks with all turns of phrase rewritten."""
    found = list(chunks)
    if found and found[0].kind == "RELATIVE":
        # "In which rooms": a question, not a clause.
        found[0] = replace(found[0], kind="COMMAND")
    for rewrite in (_without_table_words, _with_ranges, _merged, _with_directions, _with_measures, _with_extremes):
        found = rewrite(found)
    return found


def _without_table_words(chunks: list[Chunk]) -> list[Chunk]:
    """Of "in the cars table", the cars."""
    return [
        chunk
        for n, chunk in enumerate(chunks)
        if not (chunk.kind == "word" and chunk.text.lower() in ("table", "tables", "database") and n > 0)
    ]


def _merged(chunks: list[Chunk]) -> list[Chunk]:
    """Neighbours that mean the same column are one chunk."""
    merged: list[Chunk] = []
    for chunk in chunks:
        last = merged[-1] if merged else None
        if last is not None and last.kind == chunk.kind == "column":
            second = {column.place: score for column, score in chunk.found}
            both = [(c, (s + second[c.place]) / 2 + 0.2) for c, s in last.found if c.place in second]
            if both:
                ranked = tuple(sorted(both, key=lambda pair: -pair[1]))
                merged[-1] = Chunk("column", last.start, chunk.end, f"{last.text} {chunk.text}", found=ranked)
                continue
        # "did each player score": a guess by meaning behind what was done.
        is_done = bool({"do", "does", "did"} & {other.text.lower() for other in merged}) and chunk.lemma != ""
        is_verb = chunk.text.endswith(("ed", "ing")) or (is_done and bool(chunk.found) and chunk.found[0][1] < 0.6)
        is_owner = last is not None and last.text.endswith(("'s", "s'", "’s", "s’"))
        if last is not None and last.kind == chunk.kind == "table" and not is_verb and not is_owner:
            # Of "car models", the models.
            merged.pop()
        merged.append(chunk)
    return merged


def _with_directions(chunks: list[Chunk]) -> list[Chunk]:
    """`oldest first` and `from oldest to youngest` say how to sort."""
    found: list[Chunk] = []
    at = 0
    while at < len(chunks):
        chunk, end = chunks[at], 0
        if _is_superlative(chunk) and _kinds(chunks, at + 1)[:1] == ["adjective"] and _is_first(chunks, at + 1):
            end = at + 2
        elif chunk.text.lower() in ("from", "from the") and (second := _second_end(chunks, at)):
            chunk = next(other for other in chunks[at:] if other.kind in _ENDS)
            end = second
        elif chunk.kind in ("MOST", "LEAST") and (ranked := _ranked_first(chunks, at)):
            end = ranked
        if end:
            is_reversed = chunk.is_reversed or chunk.kind == "LEAST"
            found.append(replace(chunk, kind="SORTED", end=chunks[end - 1].end, is_reversed=is_reversed))
            at = end
            continue
        found.append(chunks[at])
        at += 1
    return found


def _is_superlative(chunk: Chunk) -> bool:
    return chunk.kind == "adjective" and chunk.degree == "most" and chunk.lemma not in ("first", "last")


def _is_first(chunks: list[Chunk], at: int) -> bool:
    """Whether `first` stands here, and nothing that it would be the first of."""
    return chunks[at].text.lower() == "first" and _kinds(chunks, at + 1)[:1] in ([], ["COMMA"], ["AND"])


def _second_end(chunks: list[Chunk], at: int) -> int | None:
    """Behind `from A to B`, of two adjectives; None if it is not that."""
    kept = [n for n in range(at + 1, len(chunks)) if chunks[n].kind not in ("ALL", "column", "table")][:3]
    kinds = [chunks[n].kind for n in kept]
    is_range = len(kinds) == 3 and kinds[0] in _ENDS and kinds[1] == "IN" and kinds[2] in _ENDS
    return kept[2] + 1 if is_range else None


def _ranked_first(chunks: list[Chunk], at: int) -> int | None:
    """Behind `the most frequent first`; None if it is not that."""
    return at + 2 if _kinds(chunks, at + 1)[:1] == ["adjective"] and _is_first(chunks, at + 1) else None


def _with_ranges(chunks: list[Chunk]) -> list[Chunk]:
    """`from 1901 to 2000` is a range."""
    found = list(chunks)
    for n, chunk in enumerate(chunks[:-3]):
        kinds = [other.kind for other in chunks[n + 1 : n + 4]]
        is_range = (
            kinds in (["number", "IN", "number"], ["date", "IN", "date"]) and chunks[n + 2].text.lower() == "to"
        )
        if chunk.text.lower() == "from" and is_range:
            found[n] = replace(chunk, kind="BETWEEN")
    return found


def _with_measures(chunks: list[Chunk]) -> list[Chunk]:
    """Of "the average number of pages", the average; of a table, there is nothing but to count."""
    found: list[Chunk] = []
    for n, chunk in enumerate(chunks):
        is_number_of = chunk.kind == "COUNT" and chunk.text.lower().removeprefix("the ").startswith(
            ("number", "total number")
        )
        after = next((other for other in chunks[n + 1 :] if other.kind not in ("ALL", "IN")), None)
        is_amount = after is not None and after.kind == "column" and _is_amount(after)
        if is_number_of and is_amount and found and found[-1].kind in (*_AGGREGATES, "EACH"):
            continue
        if is_number_of and is_amount and chunk.text.lower().endswith("total number of"):
            found.append(replace(chunk, kind="SUM"))
            continue
        found.append(chunk)
    return found


def _is_amount(chunk: Chunk) -> bool:
    column = chunk.found[0][0]
    return column.kind == "number" and not {"id", "code", "key"} & set(words_of(column.name))


def _with_extremes(chunks: list[Chunk]) -> list[Chunk]:
    """`highest` in a list with another extreme, or with an aggregate, is an aggregate itself."""
    found = list(chunks)
    for n, chunk in enumerate(chunks):
        if not (
            chunk.kind == "adjective"
            and chunk.degree == "most"
            and chunk.lemma in lexicon().sets["high end"] | lexicon().sets["low end"]
        ):
            continue
        around = [_neighbour(chunks, n, -1), _neighbour(chunks, n, 1)]
        is_listed = any(other is not None and _is_measure(other) for other in around)
        if is_listed or _is_of_groups(chunks, n):
            found[n] = replace(
                chunk, kind="MAX" if (chunk.lemma in lexicon().sets["high end"]) != chunk.is_reversed else "MIN"
            )
    return found


def _is_of_groups(chunks: list[Chunk], at: int) -> bool:
    """Whether an extreme that is asked for is one of each group: `for each team, show the highest score`."""
    kinds = [chunk.kind for chunk in chunks[:at] if chunk.kind != "ALL"]
    is_asked = kinds[-1:] in (["AND"], ["COMMAND"], ["COMMA"]) and _kinds(chunks, at + 1)[:1] == ["column"]
    return is_asked and "EACH" in kinds[:2] and _is_amount(chunks[at + 1])


def _neighbour(chunks: list[Chunk], at: int, step: int) -> Chunk | None:
    """What is listed next before or behind; None if nothing is listed."""
    other = at + step
    while 0 <= other < len(chunks) and chunks[other].kind in _LISTED:
        other += step
    return chunks[other] if 0 <= other < len(chunks) and abs(other - at) > 1 else None


def _is_measure(chunk: Chunk) -> bool:
    is_extreme = (
        chunk.kind == "adjective"
        and chunk.degree == "most"
        and chunk.lemma in lexicon().sets["high end"] | lexicon().sets["low end"]
    )
    return is_extreme or chunk.kind in _AGGREGATES


def _kinds(chunks: list[Chunk], at: int) -> list[str]:
    return [chunk.kind for chunk in chunks[at:]]
