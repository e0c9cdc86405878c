"""Fits the pair model: measures of labelled pairs in, weights out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.mapping.cases import Case
from plugins.source_mapping.matching import Column, Table, measure
from plugins.source_mapping.matching.scoring import PairModel, stacked, standing

_HIDDEN = 16
_NETWORKS = 4
_EPOCHS = 25
_PAIRS = 40_000
_NEGATIVES = 3_000
_VARIANT_WEIGHT = 0.4
# Pairs that the network is sure are wrong teach nothing of how to tell the doubtful ones.
_WORTH_A_LOOK = 0.005


@dataclass(frozen=True)
class Example:
    """A case, measured. is_variant: made from a real case by leaving names or values out."""

    benchmark: str
    measures: NDArray[np.float32]
    truth: NDArray[np.int8]
    is_variant: bool


def examples(cases: Sequence[Case]) -> list[Example]:
    """Each case as it is; those with values also with names only, without the target's, and with values only."""
    return [
        Example(case.benchmark, stacked(measure(source, target)), case.truth, number > 0)
        for case in cases
        for number, (source, target) in enumerate(_variants(case))
    ]


def _variants(case: Case) -> Iterable[tuple[Table, Table]]:
    yield case.source, case.target
    if case.has_values:
        yield _names_only(case.source), _names_only(case.target)
        yield case.source, _names_only(case.target)
        yield case.source, _values_only(case.target)


def _names_only(table: Table) -> Table:
    return Table(tuple(Column(column.name) for column in table.columns))


def _values_only(table: Table) -> Table:
    return Table(tuple(replace(column, name=f"col{place}") for place, column in enumerate(table.columns, 1)))


def fit(known: Sequence[Example]) -> PairModel:
    """The networks on all examples; their standing on predictions of networks that saw other benchmarks."""
    networks = fit_networks(known)
    benchmarks = sorted({example.benchmark for example in known})
    unseen = [
        (example, model.alone(example.measures))
        for benchmark in benchmarks
        for model in [fit_networks([e for e in known if e.benchmark != benchmark], networks=1)]
        for example in known
        if example.benchmark == benchmark and not example.is_variant
    ]
    return replace(networks, standing=_fit_standing(unseen))


def fit_networks(known: Sequence[Example], networks: int = _NETWORKS) -> PairModel:
    """The ensemble, without standing."""
    from sklearn.neural_network import MLPClassifier

    drawn = [_draw(known, np.random.default_rng(seed)) for seed in range(networks)]
    center = drawn[0][0].mean(axis=0)
    scale = np.maximum(drawn[0][0].std(axis=0), 1e-3)
    fitted = []
    for seed, (measures, truth) in enumerate(drawn):
        network = MLPClassifier((_HIDDEN,), alpha=1.0, max_iter=_EPOCHS, random_state=seed)
        fitted.append(_quietly(network, (measures - center) / scale, truth))
    return PairModel(
        center.astype(np.float32),
        scale.astype(np.float32),
        np.stack([network.coefs_[0] for network in fitted]).astype(np.float32),
        np.stack([network.intercepts_[0] for network in fitted]).astype(np.float32),
        np.stack([network.coefs_[1][:, 0] for network in fitted]).astype(np.float32),
        np.array([network.intercepts_[1][0] for network in fitted], dtype=np.float32),
        np.zeros(4, dtype=np.float32),
    )


def _quietly(network: object, measures: NDArray[np.float32], truth: NDArray[np.int8]) -> object:
    """Fit; that it was stopped early, against overfitting, is meant."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(measures, truth)  # pyright: ignore[reportAttributeAccessIssue]


def _draw(known: Sequence[Example], rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Pairs, drawn so that a benchmark of many cases, and a case of many pairs, don't drown the others."""
    measures, truths, weights = [], [], []
    for example in known:
        truth = example.truth.ravel()
        right, wrong = np.nonzero(truth)[0], np.nonzero(truth == 0)[0]
        kept = wrong if len(wrong) < _NEGATIVES else rng.choice(wrong, _NEGATIVES, replace=False)
        alike = sum(e.benchmark == example.benchmark and e.is_variant == example.is_variant for e in known)
        weight = (_VARIANT_WEIGHT if example.is_variant else 1) / np.sqrt(alike)
        chosen = np.r_[right, kept]
        measures.append(example.measures.reshape(len(truth), -1)[chosen])
        truths.append(truth[chosen])
        weights.append(
            np.r_[
                np.full(len(right), weight), np.full(len(kept), weight * np.sqrt(len(wrong) / max(1, len(kept))))
            ]
        )
    every, labels, shares = np.concatenate(measures), np.concatenate(truths), np.concatenate(weights)
    drawn = rng.choice(len(every), _PAIRS, p=shares / shares.sum())
    return every[drawn], labels[drawn]


def _fit_standing(unseen: Sequence[tuple[Example, NDArray[np.float32]]]) -> NDArray[np.float32]:
    from sklearn.linear_model import LogisticRegression

    features, truths, weights = [], [], []
    for example, predicted in unseen:
        kept = (predicted > _WORTH_A_LOOK) | (example.truth == 1)
        features.append(standing(predicted)[kept])
        truths.append(example.truth[kept])
        alike = sum(other.benchmark == example.benchmark for other, _ in unseen)
        weights.append(np.full(int(kept.sum()), 1 / np.sqrt(alike)))
    regression = LogisticRegression(max_iter=1_000)
    regression.fit(np.concatenate(features), np.concatenate(truths), sample_weight=np.concatenate(weights))
    return np.r_[regression.intercept_, regression.coef_[0]].astype(np.float32)
