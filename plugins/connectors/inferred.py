"""What was inferred: a value, how sure that is, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

Value = TypeVar("Value")

# Below this, a person (or a language model) is asked.
DOUBTFUL = 0.6


@dataclass(frozen=True)
class Inferred(Generic[Value]):
    """A value with a confidence in 0..1, the reason for it, and what else it might have been, likeliest first."""

    value: Value
    confidence: float
    reason: str
    runners_up: tuple[Value, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether somebody should be asked."""
        return self.confidence < DOUBTFUL

    def settled(self, value: Value, reason: str) -> Inferred[Value]:
        """The same question, answered with one of its candidates."""
        others = tuple(one for one in (self.value, *self.runners_up) if one != value)
        return replace(self, value=value, confidence=max(self.confidence, 0.8), reason=reason, runners_up=others)
