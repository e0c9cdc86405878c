"""Fits the coefficients of `plugins/nl_models/ranking`: `python -m bench.confidence`.

Both models are logistic, with a little shrinkage. What speaks against a reading may not be found to speak for it:
with a few hundred questions that would be chance.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.questions import Judged, judge, load_questions
from plugins.nl_models.ranking.model import Model

_FILE = Path(__file__).parents[1] / "plugins" / "nl_models" / "ranking" / "coefficients.json"
# Evidence that speaks for a reading; all other may only speak against one.
_FOR = frozenset({"margin", "weakest link", "one row"})
# Evidence that says how a reading was come by: it compares readings, and makes none right.
_ONLY_RANK = frozenset({"other reading", "left out", "joined"})
# Evidence that comes of the ranking.
_ONLY_CONFIDENCE = frozenset({"margin", "disagreement"})
# What counts at least so much, in odds, whatever a few hundred questions say: SQL compares numbers kept as text as
# text unless somebody takes care, so that whoever asked may hold another answer to be right; ...
_LEAST = {
    "numbers in text": 2.0,
    # ... what is counted or measured is not known here;
    "unknown nouns": 2.5,
    "uncovered": 2.0,
    # ... nothing came of a turn or of a value;
    "unread turns": 1.0,
    "unused values": 1.5,
    # ... there are groups that nobody asked for, or a count of nothing.
    "unasked groups": 1.5,
    "nothing": 1.0,
    "empty": 3.0,
}
# What counts no more than that: only one public database has it.
_MOST = {"numbers in text": 2.0}
# Taken off the odds: the planner was developed with the questions that it is fitted on, and others are harder.
_CAUTION = 1.0
# Our own questions were written by those who wrote the planner: they are easier for it than those of others.
_OWN_COUNTS = 0.25
_SHRINK_RANK, _SHRINK_CONFIDENCE = 10.0, 4.0
_STEPS = 4_000
# Evidence that hardly any question has is no reason to be sure of its weight.
_LEAST_SPREAD = 0.05

Matrix = NDArray[np.float64]


def fit(judged: Sequence[Judged], without: Collection[str] = ()) -> Model:
    """The models of all questions but those over some databases."""
    kept = [one for one in judged if one.question.db_id not in without]
    rank = fit_rank(kept)
    ranked = [one.ranked(Model(rank, {}, 0.0)) for one in kept]
    rows = [(*best[0], one.question.source) for best, one in zip(ranked, kept, strict=True) if best]
    names = sorted({name for evidence, _, _ in rows for name in evidence} - _ONLY_RANK)
    values = np.array([[float(evidence.get(name, 0.0)) for name in names] for evidence, _, _ in rows])
    right = np.array([float(is_right) for _, is_right, _ in rows])
    counts = np.array([_OWN_COUNTS if source == "own" else 1.0 for _, _, source in rows])
    signs = np.array([1.0 if name in _FOR else -1.0 for name in names])
    least = np.array([_LEAST.get(name, 0.0) for name in names])
    most = np.array([_MOST.get(name, np.inf) for name in names])
    weights, intercept = _logistic(values, right, counts, signs, (least, most))
    intercept = round(intercept - _CAUTION, 4)
    return Model(
        rank, {n: round(float(w), 4) for n, w in zip(names, weights, strict=True) if abs(w) > 1e-3}, intercept
    )


def fit_rank(judged: Sequence[Judged]) -> dict[str, float]:
    """Weights by which right readings come before wrong ones of the same question (conditional logit)."""
    names = sorted({name for one in judged for each in one.tried for name in each.evidence} - _ONLY_CONFIDENCE)
    groups: list[tuple[Matrix, Matrix]] = []
    for one in judged:
        right = np.array(one.right, dtype=float)
        if 0 < right.sum() < len(right):
            groups.append((np.array([[float(t.evidence.get(n, 0.0)) for n in names] for t in one.tried]), right))
    scale = np.concatenate([values for values, _ in groups]).std(axis=0) + 1e-9
    weights = np.zeros(len(names))
    for _ in range(25):
        gradient, curvature = -_SHRINK_RANK * weights, np.eye(len(names)) * _SHRINK_RANK
        for values, right in groups:
            scaled = values / scale
            chance = np.exp(scaled @ weights - (scaled @ weights).max())
            chance /= chance.sum()
            hit = chance * right / (chance * right).sum()
            mean = scaled.T @ chance
            gradient = gradient + scaled.T @ (hit - chance)
            curvature += (scaled * chance[:, None]).T @ scaled - np.outer(mean, mean)
        weights = weights + 0.7 * np.linalg.solve(curvature, gradient)
    raw = weights / scale
    return {name: round(float(weight), 4) for name, weight in zip(names, raw, strict=True) if abs(weight) > 1e-3}


def _logistic(
    values: Matrix, right: Matrix, counts: Matrix, signs: Matrix, bounds: tuple[Matrix, Matrix]
) -> tuple[Matrix, float]:
    """Weights of the signs given, and the intercept, by projected gradient descent with momentum.

    counts: how much each row counts. bounds: least and most of each weight, in its direction.
    """
    centre, scale = values.mean(axis=0), np.maximum(values.std(axis=0), _LEAST_SPREAD)
    scaled = (values - centre) / scale
    (lowest, highest), intercept, speed = (bound * scale for bound in bounds), 0.0, np.zeros(values.shape[1])
    weights = signs * lowest
    for _ in range(_STEPS):
        error = counts * (right - 1.0 / (1.0 + np.exp(-(scaled @ weights + intercept))))
        speed = 0.9 * speed + (scaled.T @ error - _SHRINK_CONFIDENCE * weights) / len(right) * 0.3
        weights = weights + speed
        weights = signs * np.clip(weights * signs, lowest, highest)
        intercept += float(error.mean())
    raw = weights / scale
    return raw, round(float(intercept - raw @ centre), 4)


def document(model: Model) -> dict[str, Any]:
    """As the package has it."""
    return {"rank": dict(model.rank), "confidence": dict(model.confidence), "intercept": model.intercept}


def main() -> None:
    """Fit on everything, and write the coefficients."""
    judged = judge(load_questions())
    _FILE.write_text(json.dumps(document(fit(judged)), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
