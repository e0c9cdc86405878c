"""`smelt ask` over a database that nothing is declared of: no keys, no comments."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.core.sql.guard import open_guarded
from plugins.core.warehouse.newer import FOLDER, is_newer
from plugins.nl_models import Planner, answer, read_database
from plugins.nl_models.render.sentence import to_sentence


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "library.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            """
            create table authors as select * from (values
                (1, 'Ada Wolf', 'Norway', 1950), (2, 'Ben Ruiz', 'Spain', 1971), (3, 'Cleo Hart', 'Norway', 1985)
            ) as t(author_id, name, country, birth_year);
            create table books as select * from (values
                (10, 'North', 1, 320, 12.5), (11, 'South', 1, 210, 9.0), (12, 'East', 2, 150, 20.0)
            ) as t(book_id, title, author_id, pages, price);
            create table readers as select * from (values
                (100, 'Kim', 30), (101, 'Lee', 45), (102, 'Max', 19)
            ) as t(reader_id, name, age);
            create table loans as select * from (values
                (100, 10, 2020), (100, 11, 2021), (101, 10, 2021), (null, 12, 2022)
            ) as t(reader_id, book_id, year);
            create table "select" as select 1 as "order", 'a "quoted" text' as "group by";
            create table empty_table (thing varchar, amount integer);
            """
        )
    return path


@pytest.fixture(scope="module")
def session(library: Path) -> tuple[Planner, duckdb.DuckDBPyConnection]:
    con = open_guarded(library)
    return Planner(read_database(con)), con


def test_joins_are_found_by_names_and_values(session: tuple[Planner, duckdb.DuckDBPyConnection]) -> None:
    planner, _ = session
    assert {(j.child, j.column, j.parent) for j in planner.catalog.joins} == {
        ("books", "author_id", "authors"),
        ("loans", "reader_id", "readers"),
        ("loans", "book_id", "books"),
    }


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How many books are there?", [(3,)]),
        ("How many authors are from each country?", [("Norway", 2), ("Spain", 1)]),
        ("What is the average age of readers?", [((30 + 45 + 19) / 3,)]),
        ("List the titles of books with more than 200 pages", [("North",), ("South",)]),
        ("What is the title of the most expensive book?", [("East",)]),
        ("Show the names of authors from Norway", [("Ada Wolf",), ("Cleo Hart",)]),
        ("Which author has the most books?", [("Ada Wolf",)]),
        ("Names of readers who have no loans", [("Max",)]),
        ("Names of readers older than the average", [("Lee",)]),
        ("Find the names of authors with at least 2 books", [("Ada Wolf",)]),
        ("What are the names of readers ordered by age in descending order?", [("Lee",), ("Kim",), ("Max",)]),
        ("How many different countries do authors come from?", [(2,)]),
    ],
)
def test_answers(
    session: tuple[Planner, duckdb.DuckDBPyConnection], question: str, rows: list[tuple[Any, ...]]
) -> None:
    given_answer = answer(*session, question)
    assert given_answer.result is not None, given_answer.question_back
    found = list(given_answer.result.rows)
    assert (found if "ordered" in question else sorted(found)) == rows


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Show the names of authors from Norway", 'Name of author; where country of author is "Norway"'),
        ("How many books are there?", "Number of book"),
        (
            "What are the names of readers ordered by age in descending order?",
            "Name of reader; by age of reader, greatest first",
        ),
        (
            "What is the title of the most expensive book?",
            "Title of book; by price of book, greatest first; the first",
        ),
    ],
)
def test_a_plan_is_told_in_words(
    session: tuple[Planner, duckdb.DuckDBPyConnection], question: str, sentence: str
) -> None:
    plan = session[0].plan(question).plan
    assert plan is not None
    assert to_sentence(plan) == sentence


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "x" * 10_000,
        "qwertz uiop",
        "delete all books",
        "drop table books",
        "select * from books",
        "select b.title from books b",
    ],
)
def test_what_it_declines_it_asks_back(session: tuple[Planner, duckdb.DuckDBPyConnection], question: str) -> None:
    given_answer = answer(*session, question)
    assert given_answer.sql is None
    assert given_answer.question_back


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.sampled_from([
    "how many", "books", "drop table", "authors", ";", "delete", "name", "'", '"', "order", "group by", "select",
    "not", "the most", "older than", "5", "1999", "each", "or", "both", "without", "average", "Norway", "--",
    "between", "and", "empty table", "amount", "average", "list", "?", "ünïcödé",
]), max_size=12))  # fmt: skip
def test_whatever_is_asked_nothing_breaks(
    session: tuple[Planner, duckdb.DuckDBPyConnection], words: list[str]
) -> None:
    given_answer = answer(*session, " ".join(words))
    assert given_answer.sql or given_answer.question_back
    assert 0.0 <= given_answer.confidence <= 1.0


def _smelt(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("smelt")), "ask", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_file_of_questions(library: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    asked = [
        {"id": "a", "db_id": "library", "question": "How many books are there?"},
        {"id": "b", "db_id": "library", "question": ""},
    ]
    file.write_text("\n".join(map(json.dumps, asked)))
    run = _smelt("--database-dir", str(library.parent), "--file", str(file), "--json")
    assert run.returncode == 0, run.stderr
    first, second = map(json.loads, run.stdout.splitlines())
    assert set(first) == {"id", "sql", "confidence", "plan", "question_back"}
    assert (first["id"], first["sql"]) == ("a", "SELECT COUNT(*) FROM books")
    assert (second["id"], second["sql"]) == ("b", None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["how many books?", "--project-dir", "nowhere"], "no dbt project"),
        (["how many books?", "--database", "nowhere.duckdb"], "nowhere.duckdb"),
        (["--database", "x.duckdb"], "no question"),
        (["--database", "x.duckdb", "--file", "no.jsonl"], "no.jsonl"),
    ],
)
def test_bad_input_is_one_message(arguments: list[str], said: str) -> None:
    run = _smelt(*arguments)
    assert run.returncode != 0
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_a_file_of_a_newer_duckdb(tmp_path: Path) -> None:
    file = tmp_path / "newer.duckdb"
    made = f"""
import sys
sys.path.insert(0, {str(FOLDER)!r})
import duckdb
con = duckdb.connect({str(file)!r}, config={{"storage_compatibility_version": "latest"}})
con.execute("create table planets as select * from (values ('Mars', 2), ('Venus', 0)) as t(name, moons)")
con.execute("create view broken as select * from read_csv('/etc/passwd')")
con.close()
"""
    subprocess.run([sys.executable, "-I", "-c", made], check=True)
    assert is_newer(file)
    run = _smelt("Which planet has the most moons?", "--database", str(file), "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["rows"] == [["Mars"]]


def test_a_view_that_can_no_longer_be_read_is_left_out_and_named(library: Path, tmp_path: Path) -> None:
    path = tmp_path / "stale.duckdb"
    path.write_bytes(library.read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute("create table old_loans as from loans")
        con.execute("create view loan_list as from old_loans")
        con.execute("create view ages as select cast(name as integer) as age from readers")
        con.execute("drop table old_loans")
    smelt = str(Path(sys.executable).with_name("smelt"))
    run = subprocess.run(
        [smelt, "ask", "how many authors are there?", "--database", str(path)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    (line,) = run.stderr.strip().splitlines()
    assert line.startswith("left out: ")
    assert "loan_list" in line
    assert "ages" in line


@pytest.mark.parametrize(
    ("question", "word"),
    [("total price of books by flavour", "flavour"), ("number of readers per segment", "segment")],
)
def test_what_to_split_by_is_never_dropped_silently(
    session: tuple[Planner, duckdb.DuckDBPyConnection], question: str, word: str
) -> None:
    given = answer(*session, question)
    assert given.question_back is not None
    assert f"“{word}”" in given.question_back


def test_what_is_known_to_split_by_is_not_asked_about(session: tuple[Planner, duckdb.DuckDBPyConnection]) -> None:
    assert answer(*session, "number of authors by country").question_back is None
