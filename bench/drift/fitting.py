"""Fits how sure `smelt drift` is that two columns are the same, and tells how well that holds on unseen domains.

    python -m bench drift_fitting             fit on all domains, leave each out in turn, print, keep nothing
    python -m bench.drift.fitting --save     the same, and write those of `matched` to `weights.json`

The evidence is what the detector itself gathers on cases of `classification` (with and without keys, of 30 to 1000
rows, and columns only) in which columns are renamed, exchanged, removed and added, made from others or rescaled.
Some new names are like the old ones, on columns that are the same and on columns that are not. Of each case the
best one-to-one assignment counts, whatever the weights are: are its pairs right? A logistic regression (numpy,
projected gradient: no evidence may count against what it is evidence for) is shrunk towards `PRIOR`, which decides
where the cases say nothing. Reported is the expected calibration error (Naeini 2015) of each domain under weights
that were fitted on the others.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import duckdb
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as Shown

from bench.drift.classification import KINDS, Drifted, Expected
from bench.drift.generated_tables import DOMAINS, Frame, frame, later, seen
from plugins.core.assignment import assign
from plugins.schema_drift.table import SeenTable, Table
from plugins.schema_drift.understanding import header, pairing
from plugins.schema_drift.understanding.confidence import features
from plugins.schema_drift.understanding.header import compare_headers
from plugins.schema_drift.understanding.matching import match
from plugins.schema_drift.understanding.reading import Side

SIZES = (30, 300, 1_000)
PRIOR: Mapping[str, Mapping[str, float]] = {
    "matched": {"bias": -4.5, "lift": 5.0, "evidence": 4.0, "lead": 1.0,
        "name": 2.0, "same_name": 0.5, "type": 0.5, "nulls": 0.5, "position": 0.3},
    "unmatched": {"bias": -6.0, "overlap": 3.5, "shape": 2.5, "lead": 1.0,
        "name": 3.0, "same_name": 2.0, "type": 1.0, "nulls": 0.5, "position": 0.5},
    "header": {"bias": -6.0, "name": 5.0, "same_name": 6.0, "type": 1.0, "position": 1.0, "lead": 1.0},
}  # fmt: skip
# Without rows in common, what is fitted is how the generator names and places columns: those stay as they are.
_SAVED = ("matched",)
_SHRINKAGE = 0.003
_STEPS = 6_000
_RATE = 0.5
_BINS = 10
# A case without keys says less, and costs less: it is made up so often.
_DRAWS = 2
_WEIGHTS = Path(__file__).parents[2] / "plugins" / "schema_drift" / "understanding" / "weights.json"
_CASES = (
    *("renamed", "alike", "alike", "alike", "removed and added") * 2,
    *("strangers alike", "renamed in a chain", "swapped", "renamed + unit", "split", "merged"),
)


@dataclass(frozen=True)
class Example:
    """A pair of an assignment. evidence: in the order of `features(model)`."""

    model: str
    domain: str
    evidence: tuple[float, ...]
    is_right: bool


def alike(rng: random.Random, given: Frame) -> Drifted | None:
    """One column under a name that is like the old one."""
    return _renamed_like(rng, given, is_same=True)


def strangers_alike(rng: random.Random, given: Frame) -> Drifted | None:
    """One column gone and another one new, whose name is like the old one's, but not its values."""
    return _renamed_like(rng, given, is_same=False)


def _renamed_like(rng: random.Random, given: Frame, *, is_same: bool) -> Drifted:
    name = rng.choice([one for one in given.columns if one != given.key])
    words = name.split("_")
    now = rng.choice(
        [f"{name}_{rng.choice(['new', 'v2', 'id', 'eur'])}", "_".join(reversed(words)) + "_x",
         words[-1] + "_value", words[0] + "_ref",
         name[:1] + "".join(c for c in name[1:] if c not in "aeiou") + "_"]
    )  # fmt: skip
    # What is new under a like name holds something else, as far as that can be seen.
    held = name if is_same else rng.choice([one for one in given.columns if one not in (name, given.key)])
    values = list(given.columns[held])
    if not is_same:
        rng.shuffle(values)
    columns = {now if one == name else one: values if one == name else old for one, old in given.columns.items()}
    types = {now if one == name else one: given.types[held if one == name else one] for one in given.types}
    told = {("column_renamed", (name,), (now,))} if is_same else set()
    return replace(given, columns=columns, types=types), told


_MAKERS: dict[str, Callable[[random.Random, Frame], Drifted | None]] = {
    **KINDS,
    "alike": alike,
    "strangers alike": strangers_alike,
}


def examples(seed: int = 5) -> list[Example]:
    """What the detector weighs in all cases, by model."""
    rng = random.Random(seed)
    found: list[Example] = []
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        for domain in DOMAINS:
            for size in SIZES:
                for name in _CASES:
                    before = frame(domain, rng, size)
                    now = later(domain, rng, before, 0.1, 0.02, 0.03)
                    found += _of_case(con, rng, domain, name, before, now, "matched")
                    # Where no rows can be matched, all of them are others.
                    now = frame(domain, rng, size, first=size)
                    for _ in range(_DRAWS):
                        found += _of_case(con, rng, domain, name, before, now, "unmatched")
    return found


def _of_case(
    con: duckdb.DuckDBPyConnection,
    rng: random.Random,
    domain: str,
    name: str,
    before: Frame,
    now: Frame,
    model: str,
) -> Iterator[Example]:
    drifted = _MAKERS[name](rng, now)
    if drifted is None:
        return
    after, expected = drifted
    if rng.random() < 0.5:
        # A loader may put a new name anywhere, and a place alone must not tell.
        order = rng.sample(list(after.columns), len(after.columns))
        after = replace(after, columns={one: after.columns[one] for one in order})
    has_key = model == "matched" and rng.random() < 0.5
    if model == "unmatched":
        before, after = _keyless(before), _keyless(after)
    sides = seen(con, "before_", before, has_key=has_key), seen(con, "after_", after, has_key=has_key)
    right = _right(before, after, expected)
    with _watched() as weighed:
        _weigh(model, con, *sides)
        if model == "unmatched":
            _weigh("header", con, *sides)
    for kind, olds, news, evidence in weighed:
        yield from _winners(kind, domain, olds, news, evidence, right)


def _keyless(given: Frame) -> Frame:
    return replace(given, columns={name: values for name, values in given.columns.items() if name != given.key})


def _right(before: Frame, after: Frame, expected: Expected) -> set[tuple[str, str]]:
    """What became what: renamed columns, and those of one name that nothing happened to."""
    touched = {name for _, old, new in expected for name in (*old, *new)}
    kept = {(name, name) for name in before.columns if name in after.columns and name not in touched}
    return kept | {(old[0], new[0]) for kind, old, new in expected if kind == "column_renamed"}


def _weigh(model: str, con: duckdb.DuckDBPyConnection, before: SeenTable, after: SeenTable) -> None:
    """Have the detector gather its evidence, as `_watched` sees."""
    if model == "header":
        compare_headers(_plain(before.table), _plain(after.table))
        return
    old, new = Side.of(con, before, "b"), Side.of(con, after, "a")
    if model == "matched":
        matched = match(old, new)
        if matched.rows:
            pairing.pair_matched(old, new, matched)
        return
    old.take((), 1)
    new.take((), 1)
    named = pairing.same_names(old.names, new.names)
    left = [n for n in range(len(old.names)) if n not in named]
    pairing.pair_unmatched(old, new, left, [n for n in range(len(new.names)) if n not in named.values()])


def _plain(table: Table) -> Table:
    return replace(table, key=())


Weighed = tuple[str, list[str], list[str], Mapping[str, NDArray[np.float64]]]


@contextmanager
def _watched() -> Iterator[list[Weighed]]:
    """What is handed to `odds` meanwhile, with the names of the columns that it is about."""
    found: list[Weighed] = []
    names: list[tuple[list[str], list[str]]] = []
    real = {
        "odds": pairing.odds,
        "weigh": pairing._weigh,
        "unmatched": pairing.pair_unmatched,
        "likely": header._likely,
    }

    def odds(model: str, evidence: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        found.append((model, *names[-1], {name: np.array(values) for name, values in evidence.items()}))
        return real["odds"](model, evidence)

    def weigh(old: Side, new: Side, left: list[int], right: list[int], *rest: object) -> object:
        names.append(([old.names[n] for n in left], [new.names[n] for n in right]))
        return real["weigh"](old, new, left, right, *rest)

    def unmatched(old: Side, new: Side, left: list[int], right: list[int], *rest: object) -> object:
        names.append(([old.names[n] for n in left], [new.names[n] for n in right]))
        return real["unmatched"](old, new, left, right, *rest)

    def likely(before: Table, after: Table, left: list[int], right: list[int]) -> object:
        names.append(([before.columns[n].name for n in left], [after.columns[n].name for n in right]))
        return real["likely"](before, after, left, right)

    with (
        patch.object(pairing, "odds", odds), patch.object(header, "odds", odds),
        patch.object(pairing, "_weigh", weigh),
        patch.object(pairing, "pair_unmatched", unmatched), patch.object(header, "_likely", likely),
    ):  # fmt: skip
        yield found


def _winners(
    model: str,
    domain: str,
    olds: Sequence[str],
    news: Sequence[str],
    evidence: Mapping[str, NDArray[np.float64]],
    right: set[tuple[str, str]],
) -> Iterator[Example]:
    total = sum(PRIOR[model][name] * evidence[name] for name in features(model))
    if not isinstance(total, np.ndarray):
        return
    gains = {
        (one, two): 1e-3 + float(total[one, two] - total.min())
        for one in range(len(olds))
        for two in range(len(news))
    }
    for one, two in assign(gains).items():
        values = tuple(float(evidence[name][one, two]) for name in features(model))
        yield Example(model, domain, values, (olds[one], news[two]) in right)


def fit(some: Sequence[Example]) -> dict[str, float]:
    """The weights of one model, with `bias`."""
    model = some[0].model
    names = features(model)
    given = np.array([[1.0, *one.evidence] for one in some])
    right = np.array([one.is_right for one in some], dtype=np.float64)
    prior = np.array([PRIOR[model]["bias"], *(PRIOR[model][name] for name in names)])
    weights = prior.copy()
    for _ in range(_STEPS):
        slope = given.T @ (_chance(given, weights) - right) / len(some) + _SHRINKAGE * (weights - prior)
        weights -= _RATE * slope
        weights[1:] = np.maximum(weights[1:], 0.0)
    return {name: round(float(w), 3) for name, w in zip(("bias", *names), weights, strict=True)}


def _chance(given: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(given @ weights, -30, 30)))


def chances(some: Sequence[Example], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """How likely the examples are right; shape (len(some),)."""
    order = ("bias", *features(some[0].model))
    given = np.array([[1.0, *one.evidence] for one in some])
    return _chance(given, np.array([weights[name] for name in order]))


def calibration_error(said: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error in ten bins of equal width."""
    places = np.minimum((said * _BINS).astype(int), _BINS - 1)
    return float(
        sum(abs(said[places == n].mean() - right[places == n].mean()) * (places == n).mean() for n in set(places))
    )


def run(console: Console, *, saves: bool = False) -> None:
    """Fit, and print what each left-out domain says of it."""
    every = examples()
    kept: dict[str, dict[str, float]] = {}
    table = Shown(title="Confidence of pairs, each domain under weights of the others")
    for column in ("model", "domain", "pairs", "right", "calibration error", "wrong, but ≥ 80% sure"):
        table.add_column(column, justify="left" if column in ("model", "domain") else "right")
    reliability: list[tuple[str, NDArray[np.float64], NDArray[np.bool_]]] = []
    for model in PRIOR:
        some = [one for one in every if one.model == model]
        told, truth = [], []
        for domain in DOMAINS:
            left = [one for one in some if one.domain == domain]
            said = chances(left, fit([one for one in some if one.domain != domain]))
            right = np.array([one.is_right for one in left])
            told.append(said)
            truth.append(right)
            _row(table, model, domain, said, right)
        reliability.append((model, np.concatenate(told), np.concatenate(truth)))
        _row(table, model, "all", *reliability[-1][1:])
        kept[model] = fit(some) if model in _SAVED else dict(PRIOR[model])
    console.print(table)
    _reliability(console, reliability)
    if saves:
        lines = ",\n".join(f"  {json.dumps(model)}: {json.dumps(weights)}" for model, weights in kept.items())
        _WEIGHTS.write_text("{\n" + lines + "\n}\n")
        console.print(f"written: {_WEIGHTS.name}")


def _row(table: Shown, model: str, domain: str, said: NDArray[np.float64], right: NDArray[np.bool_]) -> None:
    wrong = int(((said >= 0.8) & ~right).sum())
    table.add_row(
        model, domain, str(len(said)), f"{right.mean():.0%}", f"{calibration_error(said, right):.3f}", str(wrong)
    )


def _reliability(console: Console, models: Sequence[tuple[str, NDArray[np.float64], NDArray[np.bool_]]]) -> None:
    table = Shown(title="Reliability: said, and right")
    table.add_column("said")
    for model, _, _ in models:
        table.add_column(model, justify="right")
    for n in range(_BINS):
        cells = []
        for _, said, right in models:
            inside = np.minimum((said * _BINS).astype(int), _BINS - 1) == n
            cells.append(f"{right[inside].mean():.0%} of {inside.sum()}" if inside.any() else "–")
        table.add_row(f"{n / _BINS:.1f}–{(n + 1) / _BINS:.1f}", *cells)
    console.print(table)


if __name__ == "__main__":
    run(Console(width=110), saves="--save" in sys.argv[1:])
