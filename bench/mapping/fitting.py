"""Fits the pair model, and says how it does on benchmarks that it hasn't seen: each is left out in turn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.mapping.cases import archive, read_cases
from bench.mapping.scores import SURE, calibration_error, pooled, recall_at_truth, reciprocal_rank
from bench.mapping.training import Example, examples, fit
from plugins.source_mapping.matching import measure
from plugins.source_mapping.matching.scoring import PairModel

_MODEL = Path("plugins/source_mapping/matching/pair_model.safetensors")
# Below this a pair is no candidate; of all pairs nearly all are far below it, and right to be.
_CANDIDATE = 0.1


def run(console: Console) -> None:
    """Print figures for each benchmark left out, then fit on all and write the weights if all cases are there."""
    cases = read_cases()
    known = examples(cases)
    table = Table(title="Source mapping: each benchmark left out of the fitting in turn", title_justify="left")
    for heading in ("left out", "cases", "Recall@GT", "MRR", "ECE, all", f"ECE, ≥ {_CANDIDATE}", "≥ 0.9", "right"):
        table.add_column(heading, justify="left" if heading == "left out" else "right")
    found = []
    for benchmark, group in groupby(cases, key=lambda case: case.benchmark):
        model = fit([example for example in known if example.benchmark != benchmark])
        pairs = [(case.truth, model.confidences(measure(case.source, case.target))) for case in group]
        found += pairs
        table.add_row(benchmark, *_figures(pairs))
    table.add_section()
    table.add_row("all pairs", *_figures(found))
    console.print(table)
    _write(console, known)


def _figures(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[str]:
    truth, confidence = pooled([t for t, _ in pairs]), pooled([c for _, c in pairs])
    likely, sure = confidence >= _CANDIDATE, confidence >= SURE
    return [
        str(len(pairs)),
        f"{np.mean([recall_at_truth(*pair) for pair in pairs]):.2f}",
        f"{np.mean([reciprocal_rank(*pair) for pair in pairs]):.2f}",
        f"{calibration_error(truth, confidence):.3f}",
        f"{calibration_error(truth[likely], confidence[likely]):.3f}",
        str(int(sure.sum())),
        f"{truth[sure].mean():.2f}" if sure.any() else "–",
    ]


def _write(console: Console, known: Sequence[Example]) -> None:
    if "SMELT_MATCHING_CASES" not in os.environ:
        console.print(
            f"The shipped weights stay: they were fitted on more than {archive().name} of bench/data has."
        )
        return
    model: PairModel = fit(known)
    model.save(str(_MODEL))
    console.print(f"Fitted on all of them: {_MODEL}")
