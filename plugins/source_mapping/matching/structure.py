"""Where columns stand: in the order of their tables, and among the other candidates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from plugins.source_mapping.matching.columns import Table

Matrix = NDArray[np.floating]


def place_measures(source: Table, target: Table) -> Mapping[str, Matrix]:
    """How near two columns' places in their tables are; tables of one subject list it in like order."""
    ours = np.linspace(0, 1, max(2, len(source.columns)))[: len(source.columns)]
    theirs = np.linspace(0, 1, max(2, len(target.columns)))[: len(target.columns)]
    distance = np.abs(np.subtract.outer(ours, theirs))
    return {"place": (1 - distance).astype(np.float32)}


def among_others(scores: Matrix, name: str) -> Mapping[str, Matrix]:
    """How a score compares with the best others of its row and of its column."""
    return {
        f"{name}_row_margin": scores - best_other(scores),
        f"{name}_column_margin": scores - best_other(scores.T).T,
    }


def best_other(scores: Matrix, nothing: float = 0.0) -> Matrix:
    """For each score the highest other of its row; `nothing` where there is no other."""
    if scores.shape[1] < 2:
        return np.full_like(scores, nothing)
    top = np.sort(scores, axis=1)[:, -2:]
    return np.where(scores >= top[:, 1:], top[:, :1], top[:, 1:])
