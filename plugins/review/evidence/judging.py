"""Asks a kind of evidence about each model: one that can't be judged says why, and ends no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from plugins.review.evidence.comparison import ComparedModel, Comparison
from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.evidence.sides import Sides

# How often a query of a model that has had its time is interrupted again: one that starts later runs on.
_INSISTENCE_SECONDS = 0.05

Judge = Callable[[Sides], Sequence[Finding]]
JudgeAlone = Callable[[Sides, str], Finding]


def each_model(kind: str, comparison: Comparison, judge: Judge, alone: JudgeAlone | None = None) -> list[Finding]:
    """Judge every model that exists on both sides, each within `limits.seconds`.

    alone: judges a new model, given `head`, or a removed one, given `base`. All others, those that take too
    long and those whose judging fails in any way get a finding `not checked` that says why.
    """
    findings: list[Finding] = []
    for model in comparison.models:
        findings += _judge(kind, comparison, model, judge, alone)
    return findings


def _judge(
    kind: str, comparison: Comparison, model: ComparedModel, judge: Judge, alone: JudgeAlone | None
) -> Sequence[Finding]:
    sides, reason = Sides.of(comparison, model), _not_comparable(model)
    only = _only_side(model) if alone is not None else None
    if reason is not None and only is None:
        return [Finding(kind=kind, subject=model.name, outcome=Outcome.NOT_CHECKED, detail=reason)]
    seconds, is_over = comparison.limits.seconds, threading.Event()
    try:
        with _time_limit(comparison.con, seconds, is_over):
            return judge(sides) if alone is None or only is None else [alone(sides, only)]
    # Whatever is wrong with one model, the evidence about the others is still worth having.
    except Exception as error:  # noqa: BLE001
        reason = f"the comparison took longer than {seconds:g} s" if is_over.is_set() else _explain(error)
    return [Finding(kind=kind, subject=model.name, outcome=Outcome.NOT_CHECKED, detail=reason)]


def _explain(error: Exception) -> str:
    said = (str(error).strip() or "no message").splitlines()[0]
    name = "" if isinstance(error, duckdb.Error) else f"{type(error).__name__}: "
    return f"the comparison failed: {name}{said}"


def _only_side(model: ComparedModel) -> str | None:
    if model.unbuilt is not None or (model.base is None) == (model.head is None):
        return None
    return "head" if model.base is None else "base"


def _not_comparable(model: ComparedModel) -> str | None:
    if model.unbuilt is not None:
        return model.unbuilt
    if model.base is None:
        return "new: there is nothing to compare it with"
    return "removed: there is nothing to compare with" if model.head is None else None


@contextmanager
def _time_limit(con: duckdb.DuckDBPyConnection, seconds: float, is_over: threading.Event) -> Iterator[None]:
    """After so many seconds set `is_over` and interrupt what runs on `con`, until the block is left."""
    is_done = threading.Event()

    def watch() -> None:
        if is_done.wait(seconds):
            return
        is_over.set()
        while not is_done.is_set():
            con.interrupt()
            is_done.wait(_INSISTENCE_SECONDS)

    watcher = threading.Thread(target=watch, name="comparing's time limit", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_done.set()
        watcher.join()


def say(
    sides: Sides,
    kind: str,
    outcome: Outcome,
    detail: str,
    facts: dict[str, Any] | None = None,
    samples: Sequence[dict[str, Any]] = (),
    checks: int = 1,
    one_in: int | None = None,
) -> Finding:
    """A finding that tells, in words and facts, whether it is about all rows or about a sample of keys.

    one_in: of how many one was looked at, if it isn't the model's.
    """
    part = one_in or sides.one_in
    is_exact = part == 1
    rows = "keys" if sides.key else "rows"
    told = detail if is_exact or outcome is Outcome.NOT_CHECKED else f"{detail} (1 in {part} {rows})"
    return Finding(
        kind=kind,
        subject=sides.model.name,
        outcome=outcome,
        detail=told,
        facts={**(facts or {}), "sampled_one_in": part},
        samples=tuple(samples),
        is_exact=is_exact,
        checks=checks,
    )
