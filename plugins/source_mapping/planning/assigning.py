"""From confidences of pairs to one answer for each target column: the best of all together, or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plugins.core.assignment import assign
from plugins.source_mapping.matching import Matching

# Below this, "no match" is likelier than any.
LEAST = 0.2
# A column that is one target's already is another's too only if that is likely by itself.
_AGAIN = 0.5
_RUNNERS_UP = 3
_LEAST_RUNNER_UP = 0.05


@dataclass(frozen=True)
class Assigned:
    """For a target column (by place) the source column, or None; and what else it may be, best first."""

    target: int
    source: int | None
    confidence: float
    runners_up: tuple[tuple[int, float], ...]


def assign_columns(matching: Matching) -> list[Assigned]:
    """One entry a target column: one-to-one as far as that goes, then sources that serve twice."""
    confidences = matching.confidences
    if not confidences.size:
        return [Assigned(place, None, 0.0, ()) for place in range(len(matching.target.columns))]
    # No match is worth LEAST: a pair is taken only for what it is better than that.
    rows, columns = np.nonzero(confidences >= LEAST)
    gains = {(int(r), int(c)): float(confidences[r, c]) - LEAST + 1e-6 for r, c in zip(rows, columns, strict=True)}
    by_target = {column: row for row, column in assign(gains).items()}
    return [_assigned(matching, place, by_target.get(place)) for place in range(confidences.shape[1])]


def _assigned(matching: Matching, target: int, source: int | None) -> Assigned:
    scores = matching.confidences[:, target]
    order = [int(row) for row in np.argsort(-scores, kind="stable")]
    if source is None and scores[order[0]] >= _AGAIN:
        source = order[0]
    others = [(row, float(scores[row])) for row in order if row != source and scores[row] >= _LEAST_RUNNER_UP]
    confidence = float(scores[source]) if source is not None else 0.0
    return Assigned(target, source, confidence, tuple(others[:_RUNNERS_UP]))
