"""What each part of the planner is good for: the same questions without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from bench.questions import Asked, Question, ask
from plugins.core.embeddings import encode
from plugins.nl_models import answering, linking
from plugins.nl_models.catalog import database
from plugins.nl_models.catalog.schema import Join
from plugins.nl_models.linking import Linker
from plugins.nl_models.ranking.readings import Reading
from plugins.nl_models.ranking.trial import Tried, try_readings


def ablation(questions: Sequence[Question]) -> Iterator[tuple[str, list[Asked]]]:
    """By what is left out, the answers."""
    for name, (owner, attribute, other) in _PARTS.items():
        with _replaced(owner, attribute, other):
            yield name, ask(questions)


@contextmanager
def _replaced(owner: object, name: str, other: Callable[..., object]) -> Iterator[None]:
    kept = getattr(owner, name)
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, kept)


def _first_only(readings: Sequence[Reading], *others: Any) -> list[Tried]:
    plain = [reading for reading in readings if reading.what is None and not reading.evidence["joined"]]
    return try_readings(plain[:1], *others)


_PARTS: dict[str, tuple[object, str, Callable[..., object]]] = {
    "values": (Linker, "_values_of", lambda *_: []),
    "meaning (embeddings)": (linking, "_encode", lambda texts: np.zeros_like(encode(texts))),
    "joins that nobody declared": (
        database,
        "find_joins",
        lambda _con, _tables, declared: tuple(Join(*ends) for ends in declared),
    ),
    "other readings, tried and ranked": (answering, "try_readings", _first_only),
}
