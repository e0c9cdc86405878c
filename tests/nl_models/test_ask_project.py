"""`smelt ask` over a dbt project: answers, pages, conversations, and what is never asked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.core.settings import load_settings
from plugins.nl_models import ProjectAnswers, open_project


def _smelt(folder: Path, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("smelt"), "ask", *arguments, "--project-dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, input=text, timeout=120)


@pytest.fixture
def project(rentals: Path, tmp_path: Path) -> Path:
    """A copy that may be written to."""
    return Path(shutil.copytree(rentals, tmp_path / "rentals"))


def test_an_answer_as_json(rentals: Path) -> None:
    run = _smelt(rentals, "rentals by city in March 2024", "--json")
    assert run.returncode == 0, run.stderr
    given = json.loads(run.stdout)
    assert given["columns"] == ["city", "rentals"]
    assert sorted(given["rows"]) == [["Bergen", 47], ["Oslo", 46]]
    assert given["plan"]["kind"] == "analysis"
    assert (
        given["sentence"] == "Rentals (number of rentals) by city; March 2024; ordered by rentals, highest first"
    )
    assert given["confidence"] >= 0.9


def test_what_is_asked_back_exits_with_one(rentals: Path) -> None:
    run = _smelt(rentals, "rentals by channel")
    assert run.returncode == 1
    assert "there is no channel to split rentals by" in run.stdout


def test_an_answer_as_a_page(rentals: Path, tmp_path: Path) -> None:
    page = tmp_path / "answer.html"
    run = _smelt(rentals, "rentals by month", "--html", str(page))
    assert run.returncode == 0, run.stderr
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text
    assert "fct_rentals" in text


def test_a_conversation_goes_on_from_the_answer_before(rentals: Path) -> None:
    run = _smelt(rentals, text="rentals by city\nonly Oslo\nnow by month\nand fees in dollars\nsql\nquit\n")
    assert run.returncode == 0, run.stderr
    assert "Fees in USD" in run.stdout
    last = run.stdout.rpartition("WITH asked")[2]
    assert "'Oslo'" in last
    assert "metric_time__month" in last


def test_a_private_model_is_never_asked(answers: ProjectAnswers) -> None:
    assert not any("salaries" in name for name in answers.project.catalog.tables)
    answers.before = None
    given = answers.answer("what is the salary of each mechanic?")
    assert given.sql is None


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("", "empty"),
        ("rentals " * 2_000, "characters"),
        ("delete all rentals", "nothing is changed"),
        ("select * from main_marts.fct_rentals", "this is SQL"),
        ("Wie viele Fahrten gab es im Mai?", "English"),
    ],
)
def test_what_is_no_question_is_declined(answers: ProjectAnswers, question: str, said: str) -> None:
    answers.before = None
    given = answers.answer(question)
    assert given.sql is None
    assert said in (given.question_back or "")


def test_misspelt_words_are_read_and_told(answers: ProjectAnswers) -> None:
    answers.before = None
    given = answers.answer("rentlas by staton")
    assert given.result is not None
    assert len(given.result.rows) == 4
    assert len(given.assumptions) == 2


def test_relative_times_say_what_they_count_from(answers: ProjectAnswers) -> None:
    answers.before = None
    given = answers.answer("rentals last month")
    assert given.assumptions == ("relative periods count from 2024-05-13, the last day of the data",)


def test_a_period_that_the_data_covers_in_part_is_told(answers: ProjectAnswers) -> None:
    answers.before = None
    given = answers.answer("rentals in 2024 against last year")
    assert given.assumptions == (
        "the data begins on 2024-01-01 and the data ends on 2024-05-13: what is compared is not whole",
    )


def test_other_readings_are_told(answers: ProjectAnswers) -> None:
    answers.before = None
    given = answers.answer("rentals by city")
    assert given.choices == ()


def test_the_index_is_data_and_is_made_anew_when_it_is_damaged(project: Path) -> None:
    settings = load_settings(project)
    open_project(settings).con.close()
    index = project / ".smelt" / "ask" / "index.json"
    index.write_text("{")
    opened = open_project(settings)
    assert "main_marts.fct_rentals" in opened.catalog.tables
    opened.con.close()


def test_a_changed_table_is_looked_at_again(project: Path) -> None:
    settings = load_settings(project)
    open_project(settings).con.close()
    with duckdb.connect(str(project / "warehouse.duckdb")) as con:
        con.execute("update main_marts.dim_stations set city = 'Tromsø' where city = 'Narvik'")
    opened = open_project(settings)
    answers = ProjectAnswers(opened, date(2026, 11, 20))
    given = answers.answer("rentals in Tromsø")
    assert given.result is not None
    assert given.result.rows == ((0,),) or given.result.rows == ((None,),)
    opened.con.close()


def test_a_project_that_was_never_built_says_so(project: Path) -> None:
    (project / "warehouse.duckdb").unlink()
    run = _smelt(project, "rentals by city")
    assert run.returncode != 0
    assert "dbt build" in run.stderr
    assert "Traceback" not in run.stderr


def test_models_need_words(rentals: Path) -> None:
    run = _smelt(rentals, "--model", "agg_rentals")
    assert run.returncode != 0
    assert "needs words" in run.stderr


WORDS = [
    "rentals",
    "fees",
    "distance",
    "city",
    "station",
    "rider",
    "bike",
    "type",
    "members",
    "Oslo",
    "Bergen",
    "e-bike",
    "damaged",
    "5",
    "three",
    "1000",
    "million",
    "2024",
    "March",
    "Q2",
    "last",
    "month",
    "year",
    "week",
    "days",
    "by",
    "per",
    "each",
    "for",
    "every",
    "top",
    "bottom",
    "best",
    "most",
    "fewest",
    "more",
    "than",
    "at",
    "least",
    "between",
    "and",
    "or",
    "not",
    "without",
    "only",
    "share",
    "percentage",
    "running",
    "total",
    "growth",
    "average",
    "how",
    "many",
    "compare",
    "versus",
    "against",
    "the",
    "before",
    "since",
    "until",
    "which",
    "list",
    "sorted",
    "descending",
    "in",
    "of",
    "from",
    "to",
    "together",
    "known",
    "dollars",
    "euros",
    "yen",
    "once",
    '"Opera"',
    ",",
    "?",
    "%",
    "£",
    "over",
    "time",
    "first",
    "half",
    "of",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(WORDS), max_size=9))
def test_whatever_is_asked_of_a_project_nothing_breaks(answers: ProjectAnswers, words: list[str]) -> None:
    answers.before = None
    found = answers.answer(" ".join(words))
    assert found.sql or found.question_back
    assert 0.0 <= found.confidence <= 1.0


def test_a_model_whose_table_is_stale_is_left_out_until_it_is_built_again(project: Path) -> None:
    (warehouse,) = project.glob("*.duckdb")
    with duckdb.connect(str(warehouse)) as con:
        rows = con.execute("select schema_name from duckdb_tables() where table_name = 'fct_rentals'").fetchall()
        place = f"{rows[0][0]}.fct_rentals"
        con.execute(f"create table aside as from {place}")
        con.execute(f"drop table {place}")
        con.execute(f"create view {place} as from aside")
        con.execute("alter table aside rename to away")
    run = _smelt(project, "how many stations are there?")
    assert "Traceback" not in run.stderr
    assert f"left out: {place} cannot be read" in run.stderr
    with duckdb.connect(str(warehouse)) as con:
        con.execute("alter table away rename to aside")
    assert "left out" not in _smelt(project, "rentals by city").stderr
