"""The one question that would settle what was meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugins.nl_models.catalog.names import table_words
from plugins.nl_models.catalog.schema import Column, Table
from plugins.nl_models.linking import Chunk
from plugins.nl_models.planner import Planner
from plugins.nl_models.ranking.coverage import unknown_splits
from plugins.nl_models.ranking.evidence import unknown_nouns
from plugins.nl_models.ranking.trial import Tried
from plugins.nl_models.render.sentence import to_sentence
from plugins.nl_models.words.lexicon import lexicon
from plugins.nl_models.words.tokens import tokenise

_MOST_TABLES = 10


def ask_back(best: Tried, others: Sequence[Tried], planner: Planner) -> str:
    """What to ask where the best reading is not sure: what is missing, or which of two things a word means."""
    missing = [*unknown_nouns(best.reading.chunks), *unknown_splits(best.reading.chunks)]
    if missing:
        return _missing(missing[0], planner)
    for other in others:
        chunk, item = other.reading.what or best.reading.what or (None, None)
        if chunk is not None and item is not None and other.result is not None:
            taken = _taken(chunk, item)
            if taken is not None:
                return f"does “{chunk.text}” mean {_described(taken)} or {_described(item)}?"
    unknown = [word for word in best.reading.doubts if _is_unknown(word, best.reading.chunks)]
    if unknown:
        return _missing(unknown[0], planner)
    sentence = to_sentence(best.reading.plan)
    return f"is this what you mean: {sentence[:1].lower()}{sentence[1:]}?"


def what_is_missing(question: str, planner: Planner) -> str:
    """What to ask where nothing was understood."""
    words = [token.text for token in tokenise(question) if token.kind == "word" and len(token.text) > 3]
    known = ", ".join(sorted(" ".join(table_words(name)) for name in planner.catalog.tables)[:_MOST_TABLES])
    closest = [(word, near) for word in words for near in planner.linker.closest(word)[:1]]
    if closest:
        word, (item, _) = max(closest, key=lambda pair: pair[1][1])
        return f"there is no “{word}” here; the closest is {_described(item)}. There are: {known}"
    return f"nothing of it is in this database; there are: {known}"


def _missing(word: str, planner: Planner) -> str:
    near = planner.linker.closest(word)
    if not near:
        return f"there is no “{word}” here: what should it be?"
    return f"there is no “{word}” here; the closest is {_described(near[0][0])}: is that what you mean?"


def _is_unknown(word: str, chunks: Sequence[Chunk]) -> bool:
    is_small = word.lower() in lexicon().sets["small"]
    return not is_small and any(chunk.kind == "word" and chunk.text == word for chunk in chunks)


def _taken(chunk: Chunk, other: Any) -> Any | None:
    """What a chunk was first taken for, if not for the other."""
    return next((item for item, _ in chunk.found if item != other), None)


def _described(item: Any) -> str:
    """A table, a column or a value in words: the name of the singer."""
    if isinstance(item, Table):
        return f"the {_words(item.name)}"
    if isinstance(item, Column):
        own = _words(item.table)
        words = _words(item.name)
        return f"the {words.removeprefix(own + ' ')} of the {own}"
    column, value = item
    return f"{_described(column)} “{value}”"


def _words(name: str) -> str:
    return " ".join(table_words(name))
