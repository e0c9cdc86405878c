"""Questions about metrics are answered as hand-written SQL would, or asked back."""

from __future__ import annotations

import math
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from plugins.nl_models import ProjectAnswers
from plugins.nl_models.analysis import Analysis

QUESTIONS = YAML(typ="safe").load((Path(__file__).parent / "questions.yaml").read_text(encoding="utf-8"))


def _plain(value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.6g}" if math.isfinite(number) else str(value)


@pytest.mark.parametrize(
    "case", [case for case in QUESTIONS if "gold" in case], ids=lambda case: case["question"][:60]
)
def test_an_answer_has_the_rows_of_hand_written_sql(answers: ProjectAnswers, case: dict[str, Any]) -> None:
    answers.before = None
    given = answers.answer(case["question"])
    assert given.result is not None, given.question_back
    assert isinstance(given.plan, Analysis)
    assert Analysis.model_validate_json(given.plan.model_dump_json()) == given.plan
    wanted = [tuple(map(_plain, row)) for row in answers.project.con.execute(case["gold"]).fetchall()]
    found = [tuple(map(_plain, row)) for row in given.result.rows]
    assert len(found) == len(wanted), given.sql
    turned = [[tuple(row[n] for n in order) for row in found] for order in permutations(range(len(wanted[0])))]
    if case.get("ordered"):
        assert wanted in turned, given.sql
    else:
        assert Counter(wanted) in [Counter(rows) for rows in turned], given.sql


@pytest.mark.parametrize(
    "case", [case for case in QUESTIONS if "asks" in case], ids=lambda case: case["question"][:60]
)
def test_what_is_not_understood_is_asked_back(answers: ProjectAnswers, case: dict[str, Any]) -> None:
    answers.before = None
    given = answers.answer(case["question"])
    assert given.sql is None
    assert given.question_back is not None
    assert case["asks"] in given.question_back
    assert given.question_back.endswith("?")
