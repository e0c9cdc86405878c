"""How good a matrix of scores is: Recall@GT, MRR, calibration error, precision of the sure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SURE = 0.9


def recall_at_truth(truth: NDArray[np.int8], scores: NDArray[np.float32]) -> float:
    """Of as many best-scored pairs as are true, the share that is."""
    best = np.argsort(-scores.ravel(), kind="stable")[: int(truth.sum())]
    return float(truth.ravel()[best].mean())


def reciprocal_rank(truth: NDArray[np.int8], scores: NDArray[np.float32]) -> float:
    """Mean over source columns that have a true target of 1 / rank of the first true one."""
    ranks = [
        1 + int(np.nonzero(row[np.argsort(-ranked, kind="stable")])[0][0])
        for row, ranked in zip(truth, scores, strict=True)
        if row.any()
    ]
    return float(np.mean(1 / np.array(ranks)))


def calibration_error(truth: NDArray[np.int8], confidences: NDArray[np.float32], bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Naeini et al., 2015)."""
    if not len(confidences):
        return 0.0
    bin_of = np.minimum((confidences * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(confidences[bin_of == number].mean() - truth[bin_of == number].mean()) * (bin_of == number).mean()
            for number in range(bins)
            if (bin_of == number).any()
        )
    )


def pooled(matrices: Sequence[NDArray]) -> NDArray:
    """All pairs of several cases in a row."""
    return np.concatenate([matrix.ravel() for matrix in matrices])
