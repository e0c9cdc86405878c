"""What was approved in the past: the mappings of the project's other sources, as examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from plugins.source_mapping.document import SourceMapping
from plugins.source_mapping.matching.words import words_of

# What one approval is worth: a pair that was right for another source is right again this often, more with more.
_PRIOR = 3.0


@dataclass(frozen=True)
class Past:
    """counts: how often columns of these words were approved for an entity's column."""

    counts: Counter[tuple[str, str, tuple[str, ...]]] = field(default_factory=Counter)

    @classmethod
    def of(cls, mappings: Iterable[SourceMapping]) -> Past:
        """The approved pairs of one column each."""
        counts: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
        for mapping in mappings:
            for stream in mapping.streams:
                for entity in stream.entities:
                    for one in entity.columns:
                        if len(one.columns) == 1 and one.status in ("approved", "proposed"):
                            counts[entity.entity, one.target, words_of(one.columns[0]).full] += 1
        return cls(counts)

    def source_of(self, entity: str, target: str, names: Sequence[str]) -> tuple[str, int] | None:
        """The column that was approved most often for a target under the same words, and how often."""
        found = [(self.counts[entity, target, words_of(name).full], name) for name in names]
        times, name = max(found, default=(0, ""))
        return (name, times) if times else None

    @staticmethod
    def confidence(own: float, times: int) -> float:
        """The pair's own confidence, moved towards 1 with every time that it was right."""
        return 1 - (1 - own) * _PRIOR / (_PRIOR + 2 * times)
