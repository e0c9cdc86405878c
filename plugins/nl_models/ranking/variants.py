"""Other readings of the same words: another column or table of the name, or a weak guess left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plugins.nl_models.linking import Chunk

# Links that are this much worse than the best of a chunk are no alternatives.
_FARTHEST = 0.36
_MOST_OTHERS = 3
_MOST = 10
# A link that is no better is left out in one variant.
_WEAK = 0.75
_FORCED = 2.0


@dataclass(frozen=True)
class Variant:
    """chunks: of the question. what: which chunk is read otherwise, as what; None of the first reading."""

    chunks: tuple[Chunk, ...]
    what: tuple[Chunk, Any] | None = None
    is_joined: bool = False


def variants(chunks: Sequence[Chunk]) -> Iterator[Variant]:
    """The first reading, then others, the likeliest first; no more than a handful."""
    first = tuple(chunks)
    yield Variant(first)
    yield Variant(first, is_joined=True)
    others = sorted(_others(first), key=lambda pair: -pair[0])
    for _, variant in others[:_MOST]:
        yield variant


def _others(chunks: tuple[Chunk, ...]) -> Iterator[tuple[float, Variant]]:
    for n, chunk in enumerate(chunks):
        if not chunk.found:
            continue
        best = chunk.found[0][1]
        for item, score in chunk.found[:_MOST_OTHERS]:
            if best - score <= _FARTHEST and len(chunk.found) > 1:
                forced = replace(chunk, found=((item, best + _FORCED), *chunk.found))
                yield score - best, Variant((*chunks[:n], forced, *chunks[n + 1 :]), (chunk, item))
        if best <= _WEAK and chunk.kind in ("column", "table", "verb"):
            left_out = replace(chunk, kind="IN", found=())
            yield -best, Variant((*chunks[:n], left_out, *chunks[n + 1 :]), (chunk, None))
