"""Two small logistic models over the evidence: which reading is the best, and how likely it is right.

Their coefficients are data, fitted by `python -m bench.confidence`: how much each kind of evidence counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# Who leaves out something of a question can't be sure, however good the rest is.
_LEFT_OUT = ("uncovered", "unused values", "unread turns")
_MOST_WITHOUT = 0.89


@dataclass(frozen=True)
class Model:
    """rank: weights by which readings of one question are compared. confidence: those of the odds of the best."""

    rank: Mapping[str, float]
    confidence: Mapping[str, float]
    intercept: float

    def score(self, evidence: Mapping[str, float]) -> float:
        """Of a reading, to compare with others of the same question; no unit."""
        return sum(weight * evidence.get(name, 0.0) for name, weight in self.rank.items())

    def probability(self, evidence: Mapping[str, float]) -> float:
        """That a reading is right, 0..1."""
        odds = self.intercept + sum(weight * evidence.get(name, 0.0) for name, weight in self.confidence.items())
        chance = 1.0 / (1.0 + math.exp(-max(min(odds, 30.0), -30.0)))
        left_out = any(evidence.get(name) for name in _LEFT_OUT)
        return min(chance, _MOST_WITHOUT) if left_out else chance


@cache
def model() -> Model:
    """The model that is shipped."""
    document = json.loads((files("plugins.nl_models.ranking") / "coefficients.json").read_text(encoding="utf-8"))
    return Model(document["rank"], document["confidence"], document["intercept"])
