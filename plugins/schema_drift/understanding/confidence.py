"""How likely two columns are the same: logistic models of the evidence.

Three models, by what evidence there is: `matched` (rows with the same key), `unmatched` (rows without a common
key) and `header` (only columns), with their weights in `weights.json`. Those of `matched` are a logistic
regression's, which `bench/drift/fitting.py` makes on pairs of generated tables of five domains, shrunk towards
weights set by hand; none is negative. With each domain left out in turn the expected calibration error is below
0.02. Those of the other two were set by hand: what tables without a common row look like depends on the
generator far more than on drift, and what they say is capped and asked about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

MATCHED = ("lift", "evidence", "lead", "name", "same_name", "type", "nulls", "position")
UNMATCHED = ("overlap", "shape", "lead", "name", "same_name", "type", "nulls", "position")
HEADER = ("name", "same_name", "type", "position", "lead")


@cache
def weights() -> Mapping[str, Mapping[str, float]]:
    """By model, the weight of each kind of evidence; `bias` is that of none."""
    return json.loads((files("plugins.schema_drift.understanding") / "weights.json").read_text())


def odds(model: str, evidence: Mapping[str, Matrix]) -> Matrix:
    """Log-odds that two columns are the same; every kind of evidence is of one shape, and so is the answer."""
    given = weights()[model]
    first = next(iter(evidence.values()))
    total = np.full(first.shape, given["bias"])
    for name, values in evidence.items():
        total += given.get(name, 0.0) * values
    return total


def sure(log_odds: float, most: float = 0.995) -> float:
    """A probability of log-odds, never more than `most`."""
    return round(float(min(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))), most)), 3)


def features(model: str) -> Sequence[str]:
    """The kinds of evidence that a model weighs."""
    return {"matched": MATCHED, "unmatched": UNMATCHED, "header": HEADER}[model]
