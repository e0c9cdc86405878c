"""From measures to confidence: a small neural network over the measures of a pair, then its standing among others.

The weights ship as `pair_model.safetensors` and are fitted by `python -m bench mapping_fitting`, which also
says how well the confidences hold on benchmarks that were left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from plugins.source_mapping.matching.structure import among_others, best_other

Matrix = NDArray[np.floating]

# Measures for which it counts whether a pair is the best of its row and column.
_COMPARED = (
    "name_ratio",
    "name_grams",
    "words_both",
    "words_ours_found",
    "words_theirs_found",
    "name_meaning",
    "values_grams",
    "values_best",
    "values_best_meaning",
    "values_meaning",
)
# Where another column may well be it, too, nobody can be this sure.
MOST_IF_RIVALLED = 0.85
_RIVAL = 0.5
# Where values are of kinds that can't be the same thing, names alone make nobody sure.
MOST_IF_CONTRADICTED = 0.6
_AT_ONCE = 65_536
_LEAST, _MOST = 1e-5, 1 - 1e-5
# Log-odds of a rival where a table has no other column: that of an average wrong pair.
_NO_RIVAL = -4.0


@dataclass(frozen=True)
class PairModel:
    """center, scale: of the measures, shape (measures,). Of each network of the ensemble: weights of its hidden
    layer (networks, measures, hidden) with biases, and of its output (networks, hidden). standing: bias, and
    weights of the log-odds and of its margins over the best others of the row and of the column, shape (4,)."""

    center: Matrix
    scale: Matrix
    hidden: Matrix
    hidden_bias: Matrix
    output: Matrix
    output_bias: Matrix
    standing: Matrix

    def save(self, path: str) -> None:
        """Write the weights."""
        save_file({name: np.ascontiguousarray(value) for name, value in vars(self).items()}, path)

    def alone(self, measures: Matrix) -> Matrix:
        """Probability of each pair by its own measures; measures: (…, measures)."""
        flat = measures.reshape(-1, measures.shape[-1])
        # All networks in one product, the scaling in their weights: a product for each takes twice as long.
        hidden = np.concatenate(list(self.hidden), axis=1) / self.scale[:, None]
        bias = self.hidden_bias.ravel() - self.center @ hidden
        total = np.empty(len(flat), dtype=np.float32)
        for start in range(0, len(flat), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            active = np.maximum(flat[some] @ hidden + bias, 0).reshape(-1, *self.output.shape)
            odds = np.einsum("pnh,nh->pn", active, self.output) + self.output_bias
            total[some] = _sigmoid(odds).mean(axis=1)
        return total.reshape(measures.shape[:-1])

    def confidences(self, measures: Mapping[str, Matrix]) -> Matrix:
        """Probability that a pair is right, shape (source columns, target columns)."""
        bias, *weights = self.standing
        confidences = _sigmoid(standing(self.alone(stacked(measures))) @ np.array(weights) + bias)
        rivals = np.maximum(best_other(confidences), best_other(confidences.T).T)
        rivalled = (rivals >= _RIVAL) | (rivals >= confidences)
        confidences = np.where(rivalled, np.minimum(confidences, MOST_IF_RIVALLED), confidences)
        contradicted = measures["values_contradict"] > 0
        return np.where(contradicted, np.minimum(confidences, MOST_IF_CONTRADICTED), confidences)


def stacked(measures: Mapping[str, Matrix]) -> Matrix:
    """All measures of a pair of tables and how they compare with others', shape (source, target, measures)."""
    every = dict(measures)
    for name in _COMPARED:
        every |= among_others(measures[name], name)
    return np.stack([every[name] for name in sorted(every)], axis=-1).astype(np.float32)


def standing(probabilities: Matrix) -> Matrix:
    """Log-odds, and their margins over the best other of the row and of the column, shape (…, 3)."""
    clipped = np.clip(probabilities, _LEAST, _MOST)
    odds = np.log(clipped / (1 - clipped))
    return np.stack([odds, odds - best_other(odds, _NO_RIVAL), odds - best_other(odds.T, _NO_RIVAL).T], axis=-1)


@cache
def load_pair_model() -> PairModel:
    """The weights that ship with the package."""
    with as_file(files("plugins.source_mapping.matching") / "pair_model.safetensors") as path:
        return PairModel(**load_file(path))


def _sigmoid(values: Matrix) -> Matrix:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))
