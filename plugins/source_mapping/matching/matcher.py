"""Two tables in; how sure it is, of every pair of columns, that they hold the same thing, out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plugins.source_mapping.matching.columns import Table
from plugins.source_mapping.matching.names import name_measures
from plugins.source_mapping.matching.scoring import load_pair_model
from plugins.source_mapping.matching.structure import place_measures
from plugins.source_mapping.matching.values import value_measures

Matrix = NDArray[np.floating]


@dataclass(frozen=True)
class Pair:
    """A source column and a target column; confidence in 0..1 that they hold the same thing."""

    source_column: str
    target_column: str
    confidence: float


@dataclass(frozen=True)
class Matching:
    """confidences: shape (source columns, target columns). measures: what they rest on, of the same shape each."""

    source: Table
    target: Table
    confidences: Matrix
    measures: Mapping[str, Matrix]

    def ranked(self, least: float = 0.0) -> list[Pair]:
        """Pairs of at least this confidence, the surest first."""
        rows, columns = np.nonzero(self.confidences >= least)
        order = np.argsort(-self.confidences[rows, columns], kind="stable")
        return [
            Pair(
                self.source.columns[rows[place]].name,
                self.target.columns[columns[place]].name,
                round(float(self.confidences[rows[place], columns[place]]), 4),
            )
            for place in order
        ]


def measure(source: Table, target: Table) -> Mapping[str, Matrix]:
    """All measures of how alike two tables' columns are."""
    return {**name_measures(source, target), **value_measures(source, target), **place_measures(source, target)}


def match(source: Table, target: Table) -> Matching:
    """Match the columns of two tables."""
    if not source.columns or not target.columns:
        nothing = np.zeros((len(source.columns), len(target.columns)), dtype=np.float32)
        return Matching(source, target, nothing, {})
    measures = measure(source, target)
    return Matching(source, target, load_pair_model().confidences(measures), measures)
