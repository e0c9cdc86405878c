"""How well columns of two tables are matched, beside the matchers of `valentine` on the same cases.

Recall@GT, MRR and seconds; and whether the confidences hold. The shipped weights were fitted on these cases, so
what counts is the column `unseen`: for each benchmark, weights fitted without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.mapping.cases import Case, read_cases
from bench.mapping.peers import PEERS, SECONDS, Answer, answers
from bench.mapping.scores import SURE, calibration_error, pooled, recall_at_truth, reciprocal_rank
from bench.mapping.training import examples, fit
from plugins.source_mapping.matching import match, measure

_SHIPPED, _UNSEEN = "shipped", "unseen"
# Below this a pair is no candidate; nearly all pairs are far below it, and right to be.
_CANDIDATE = 0.1
_HEADINGS = {
    "Coma schema": "COMA",
    "Coma instances": "COMA inst.",
    "Cupid": "Cupid",
    "SimilarityFlooding": "Sim. Fl.",
    "JaccardDistance": "Jaccard",
    "DistributionBased": "Distrib.",
}

Key = tuple[str, str]
Measure = Callable[[NDArray[np.int8], NDArray[np.float32]], float]


@dataclass(frozen=True)
class Matched:
    """What one matcher said, by benchmark and case; without the cases that it could not do."""

    answers: Mapping[Key, Answer]

    def mean(self, measure: Measure, cases: Sequence[Case]) -> tuple[float, int] | None:
        """A measure's mean over these cases, and how many it did; None: none."""
        done = [(case, self.answers[case.benchmark, case.name].scores) for case in cases]
        values = [measure(case.truth, scores) for case, scores in done if scores is not None]
        return (float(np.mean(values)), len(values)) if values else None


def run(console: Console) -> None:
    """Print the two tables."""
    cases = read_cases()
    ours = {_SHIPPED: Matched(_shipped(cases)), _UNSEEN: Matched(_unseen(cases))}
    peers = dict(_peers(console, cases))
    console.print(_quality(cases, ours, peers))
    console.print(
        "unseen: weights fitted without the benchmark of the row. ahead: unseen less the best peer, on the cases "
        f"which that did. *: not all cases; – none, since it needs values, fails, or takes more than {SECONDS} s."
    )
    console.print(_confidence(cases, ours))


def _shipped(cases: Sequence[Case]) -> dict[Key, Answer]:
    # The first call loads the lexicon and the embeddings.
    match(cases[0].source, cases[0].target)
    found = {}
    for case in cases:
        started = time.perf_counter()
        matching = match(case.source, case.target)
        found[case.benchmark, case.name] = Answer(matching.confidences, time.perf_counter() - started)
    return found


def _unseen(cases: Sequence[Case]) -> dict[Key, Answer]:
    known = examples(cases)
    found = {}
    for benchmark, group in groupby(cases, key=lambda case: case.benchmark):
        model = fit([example for example in known if example.benchmark != benchmark])
        for case in group:
            confidences = model.confidences(measure(case.source, case.target))
            found[case.benchmark, case.name] = Answer(confidences)
    return found


def _peers(console: Console, cases: Sequence[Case]) -> Iterator[tuple[str, Matched]]:
    for peer in PEERS:
        try:
            found = answers(peer, cases)
        except RuntimeError as error:
            console.print(f"peer not run: {error}", markup=False)
            continue
        if any(one.scores is not None for one in found.values()):
            yield peer, Matched(found)
        else:
            console.print(
                f"{peer} did no case: {next(iter(found.values())).failed.partition('.')[0]}", markup=False
            )


def _quality(cases: Sequence[Case], ours: Mapping[str, Matched], peers: Mapping[str, Matched]) -> Table:
    table = Table(
        title="Source mapping: columns matched. The shipped weights were fitted on these cases",
        title_justify="left",
    )
    table.add_column("benchmark", no_wrap=True)
    for heading in ("cases", *ours, *(_HEADINGS[peer] for peer in peers), "ahead"):
        table.add_column(heading, justify="right")
    groups = [(benchmark, list(group)) for benchmark, group in groupby(cases, key=lambda case: case.benchmark)]
    for heading, score in (("Recall@GT", recall_at_truth), ("MRR", reciprocal_rank)):
        table.add_row(f"[bold]{heading}")
        ahead = []
        for benchmark, group in groups:
            row = [matched.mean(score, group) for matched in (*ours.values(), *peers.values())]
            leads = [
                lead for peer in peers.values() if (lead := _lead(ours[_UNSEEN], peer, score, group)) is not None
            ]
            ahead += [min(leads)] if leads else []
            lead = f"{min(leads):+.2f}" if leads else ""
            table.add_row(benchmark, str(len(group)), *(_cell(one, len(group)) for one in row), lead)
        means = (_mean_of_means(matched, score, groups) for matched in (*ours.values(), *peers.values()))
        table.add_row("mean", str(len(cases)), *means, f"{np.mean(ahead):+.2f}" if ahead else "")
        table.add_section()
    for heading, summed in (("seconds, mean", np.mean), ("seconds, most", np.max)):
        every = (_seconds(matched, summed) for matched in (*ours.values(), *peers.values()))
        table.add_row(heading, "", *every, "")
    done = (_done(matched) for matched in (*ours.values(), *peers.values()))
    table.add_row("cases done", str(len(cases)), *done, "")
    return table


def _cell(mean: tuple[float, int] | None, cases: int) -> str:
    if mean is None:
        return "–"
    return f"{mean[0]:.2f}{'*' if mean[1] < cases else ''}"


def _lead(ours: Matched, peer: Matched, score: Measure, cases: Sequence[Case]) -> float | None:
    """How far ours is ahead, over the cases that the peer did; None: it did none."""
    done = [case for case in cases if peer.answers[case.benchmark, case.name].scores is not None]
    mine, theirs = ours.mean(score, done), peer.mean(score, done)
    return mine[0] - theirs[0] if mine and theirs else None


def _mean_of_means(matched: Matched, score: Measure, groups: Sequence[tuple[str, list[Case]]]) -> str:
    """Over benchmarks; only of who did some of each."""
    means = [matched.mean(score, group) for _, group in groups]
    return f"{np.mean([mean[0] for mean in means if mean]):.2f}" if all(means) else ""


def _seconds(matched: Matched, summed: Callable[[Sequence[float]], float]) -> str:
    seconds = [one.seconds for one in matched.answers.values() if one.scores is not None]
    return f"{summed(seconds):.2f}" if any(seconds) else ""


def _done(matched: Matched) -> str:
    return str(sum(one.scores is not None for one in matched.answers.values()))


def _confidence(cases: Sequence[Case], ours: Mapping[str, Matched]) -> Table:
    table = Table(title="Do the confidences hold? All pairs of all cases", title_justify="left")
    for heading in ("weights", "ECE, all pairs", f"ECE, ≥ {_CANDIDATE}", f"pairs ≥ {SURE}", "of them right"):
        table.add_column(heading, justify="left" if heading == "weights" else "right")
    truth = pooled([case.truth for case in cases])
    for name, matched in ours.items():
        said = [matched.answers[case.benchmark, case.name].scores for case in cases]
        confidence = pooled([scores for scores in said if scores is not None])
        likely, sure = confidence >= _CANDIDATE, confidence >= SURE
        table.add_row(
            name,
            f"{calibration_error(truth, confidence):.3f}",
            f"{calibration_error(truth[likely], confidence[likely]):.3f}",
            f"{int(sure.sum()):,}",
            f"{truth[sure].mean():.3f}" if sure.any() else "–",
        )
    return table
