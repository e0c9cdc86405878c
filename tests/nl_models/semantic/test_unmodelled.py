"""Entities that were onboarded and not modelled yet are asked beside the project's own metrics."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from plugins.core.settings import load_settings
from plugins.nl_models import ProjectAnswers, open_project

WORKSHOP = Path(__file__).parents[1] / "workshop"
CASES = YAML(typ="safe").load(Path(__file__).with_name("workshop.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def workshop(rentals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of bike rentals, with its metrics, and entities of a workshop that nobody has modelled."""
    folder = Path(shutil.copytree(rentals, tmp_path_factory.mktemp("workshop") / "rentals"))
    shutil.copytree(WORKSHOP, folder / "models" / "silver")
    config = folder / "dbt_project.yml"
    config.write_text(
        f"{config.read_text(encoding='utf-8')}    silver: {{+materialized: table, +schema: silver}}\n",
        encoding="utf-8",
    )
    built = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "build", "--no-use-colors", "--profiles-dir", "."],
        cwd=folder,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout
    return folder


@pytest.fixture(scope="module")
def answers(workshop: Path) -> ProjectAnswers:
    """The project, open for questions."""
    return ProjectAnswers(open_project(load_settings(workshop)), date(2026, 11, 20))


def _smelt(folder: Path, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("smelt"), "ask", *arguments, "--project-dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, input=text, timeout=120)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["question"])
def test_an_answer_has_the_rows_of_hand_written_sql(answers: ProjectAnswers, case: dict[str, str]) -> None:
    answers.before = None
    given = answers.answer(case["question"])
    assert given.result is not None, given.question_back
    answers.project.con.execute("set search_path = 'main_silver'")
    wanted = answers.project.con.execute(case["gold"]).fetchall()
    width = len(wanted[0])
    assert sorted(_plain(row[-width:]) for row in given.result.rows) == sorted(map(_plain, wanted)), given.sql


def test_how_sure_it_is_says_that_nobody_defined_the_figure(workshop: Path) -> None:
    run = _smelt(workshop, "repairs by priority", "--json")
    assert run.returncode == 0, run.stderr
    given = json.loads(run.stdout)
    assert given["columns"] == ["priority", "repairs"]
    assert given["confidence"] < 0.9
    assert any("no metric" in text for text in given["assumptions"])


def test_an_answer_about_them_has_a_page(workshop: Path, tmp_path: Path) -> None:
    page = tmp_path / "answer.html"
    run = _smelt(workshop, "repairs by month", "--html", str(page))
    assert run.returncode == 0, run.stderr
    assert "<svg" in page.read_text(encoding="utf-8")


def test_the_metrics_of_the_project_answer_as_before(workshop: Path, rentals: Path) -> None:
    given = [json.loads(_smelt(folder, "rentals by city", "--json").stdout) for folder in (workshop, rentals)]
    assert given[0]["rows"] == given[1]["rows"]
    assert given[0]["confidence"] >= 0.9


def test_the_name_of_an_entity_is_worth_more_than_a_synonym_of_a_metric(answers: ProjectAnswers) -> None:
    answers.before = None
    given = answers.answer("how many trips are there?")
    assert given.result is not None
    assert given.result.rows == ((9,),)


def test_a_conversation_goes_from_them_to_the_metrics_and_back(workshop: Path) -> None:
    said = "repairs by priority\nonly closed\nrentals by city\nrepairs by status\nsql\nquit\n"
    run = _smelt(workshop, text=said)
    assert run.returncode == 0, run.stderr
    assert "status is closed" in run.stdout
    assert "Rentals (number of rentals) by city" in run.stdout
    assert '"main_silver"."repairs"' in run.stdout.rpartition("WITH asked")[2]


@pytest.mark.parametrize(
    "question",
    [
        "benches by year",
        "repairs by name",
        "settlements over 5 by payment method",
        "most repaired bench",
        "repairs by colour",
        "repair hours by colour",
    ],
)
def test_what_is_not_kept_is_asked_back(answers: ProjectAnswers, question: str) -> None:
    answers.before = None
    given = answers.answer(question)
    assert given.sql is None
    assert given.question_back


def test_how_rows_were_loaded_is_never_asked(answers: ProjectAnswers) -> None:
    assert answers.entities is not None
    names = {column.name for column in answers.entities.project.catalog.columns}
    assert not any(name.startswith("_smelt") for name in names)


def test_whose_it_is_is_said_where_several_have_it(answers: ProjectAnswers) -> None:
    answers.before = None
    nearest = answers.answer("repairs by zone")
    assert nearest.result is not None, nearest.question_back
    assert any("the zone of the bench is meant" in text for text in nearest.assumptions)
    for question, count in (("repairs by bench name", 5), ("repairs by branch name", 3)):
        answers.before = None
        given = answers.answer(question)
        assert given.result is not None, given.question_back
        assert len(given.result.rows) == count


def _plain(row: Sequence[Any]) -> tuple[str, ...]:
    return tuple(
        f"{float(value):.6g}" if isinstance(value, (int, float, Decimal)) else str(value)[:10] for value in row
    )
