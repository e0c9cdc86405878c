"""`smelt ask` over the demo's semantic layer and tables: a retailer's questions with hand-written gold."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from bench.bronze import ROOT
from bench.questions import is_right
from plugins.core.settings import load_settings
from plugins.nl_models import Answer, ProjectAnswers, open_project

_DATA = Path(__file__).with_name("data") / "retail"
_SURE = 0.9


@dataclass(frozen=True)
class _Scored:
    question: dict[str, Any]
    answer: Answer
    outcome: str
    seconds: float


def run(console: Console) -> None:
    """Ask all questions of what the demo has published; print what is right, wrong or asked back, and how fast."""
    settings = load_settings(ROOT)
    started = time.perf_counter()
    project = open_project(settings)
    opened = time.perf_counter() - started
    answers = ProjectAnswers(project, date.today())
    answers.answer("revenue")
    every: list[_Scored] = []
    for file in sorted(_DATA.glob("*.yaml"), key=lambda path: (path.stem != "questions", path.stem)):
        questions = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        scored = [_score(answers, project.con, question) for question in questions]
        _print(console, file.stem, scored)
        every += scored
    ranked = sorted(one.seconds for one in every)
    console.print(
        f"opened from the index in {opened:.2f} s; a question takes, with running it, "
        f"{ranked[len(ranked) // 2] * 1000:.0f} ms (median), {ranked[int(len(ranked) * 0.95)] * 1000:.0f} ms (p95)"
    )
    console.print("wanted: ≥ 95 % right or asking back; none wrong where confidence ≥ 0.9; p95 ≤ 1 s")


def _score(answers: ProjectAnswers, con: duckdb.DuckDBPyConnection, question: dict[str, Any]) -> _Scored:
    answers.before = None
    started = time.perf_counter()
    given = answers.answer(question["question"])
    seconds = time.perf_counter() - started
    gold = question.get("gold")
    if given.result is None:
        outcome = "asked back" if gold else "rightly asked back"
    elif not gold:
        outcome = "wrong"
    else:
        may_have_more = "comparison" in question["tags"]
        wanted, is_ordered = con.execute(gold).fetchall(), bool(question.get("ordered"))
        same = is_right(given.result, wanted, is_ordered, may_have_more=may_have_more)
        outcome = "right" if same else "wrong"
    return _Scored(question, given, outcome, seconds)


def _print(console: Console, name: str, scored: Sequence[_Scored]) -> None:
    outcomes = ("right", "rightly asked back", "asked back", "wrong")
    table = Table(title=f"smelt ask over the demo: {name}, {len(scored)} questions")
    table.add_column("questions that are")
    for outcome in ("all", *outcomes):
        table.add_column(outcome, justify="right")
    tags = sorted({tag for one in scored for tag in one.question["tags"]})
    for tag in tags:
        _row(table, tag, [one for one in scored if tag in one.question["tags"]], outcomes)
    table.add_section()
    _row(table, "all", scored, outcomes)
    console.print(table)
    good = sum(one.outcome != "wrong" for one in scored)
    sure = [one for one in scored if one.answer.sql is not None and one.answer.confidence >= _SURE]
    wrong = [one for one in sure if one.outcome == "wrong"]
    console.print(f"right or asked back {good / len(scored):.1%}")
    console.print(f"confidence ≥ {_SURE}: {len(sure)} answers, {len(wrong)} of them wrong")
    for one in scored:
        if one.outcome == "wrong":
            console.print(f"wrong ({one.answer.confidence:.2f}): {one.question['question']}", highlight=False)


def _row(table: Table, name: str, scored: Sequence[_Scored], outcomes: Sequence[str]) -> None:
    counts = Counter(one.outcome for one in scored)
    table.add_row(name, str(len(scored)), *(str(counts[outcome] or "") for outcome in outcomes))
