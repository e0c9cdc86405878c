"""The model plans: with tools, again after an error, several times; and is done without when it fails."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from plugins.core.llm import open_model
from plugins.core.settings import load_settings
from plugins.core.sql.guard import Result
from plugins.nl_models import Planner, answer
from plugins.nl_models.analysis import Analysis, Dimension, DimensionFilter, TimeRange
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.language.bounds import DEFAULT
from plugins.nl_models.language.planning import APPROACHES
from plugins.nl_models.language.voting import Votes
from plugins.nl_models.plan import ColumnRef, Comparison, Literals, Measure, Plan
from plugins.nl_models.subject import Subject
from tests.core.llm.conftest import World
from tests.core.llm.messages_api import Fail, MessagesApi, Say, say
from tests.nl_models.language.conftest import TODAY, Ask, told, tool_results
from tests.nl_models.language.library import (
    NORWEGIANS,
    SPANIARDS,
    calls,
    column,
    metrics,
    queries,
    query,
    rows_of,
    where,
)

_NORWAY = Comparison(
    left=ColumnRef(table="gold.authors", name="country"), operator="=", right=Literals(values=("Norway",))
)
_NORWEGIANS = Plan(select=(Measure(function="count", table="gold.authors"),), where=_NORWAY)


def test_a_plan_is_made_with_tools(ask: Ask, api: MessagesApi, subject: Subject) -> None:
    api.script = [
        calls("search_catalog", {"words": "writers and their country"}, 1),
        calls("describe", {"name": "gold.authors"}, 2),
        calls("find_values", {"text": "norway"}, 3),
        calls("try_plan", {"queries": [NORWEGIANS]}, 4),
        queries(NORWEGIANS),
    ]
    planned = ask("How many writers are Norwegian?", llm={"send_samples": True})
    assert planned is not None
    assert planned.plan == _NORWEGIANS
    assert subject.run(subject.sql(planned.plan)).rows == ((2,),)
    assert (planned.votes, planned.question_back) == (Votes(1, 1), None)

    found, described, values, tried = (result["content"] for result in tool_results(api))
    assert '"gold.authors.country"' in found
    assert '"name": "birth_year",\n   "type": "INTEGER"' in described
    assert "gold.books.author_id = gold.authors.author_id" in described
    assert '"country": "Norway"' in values
    assert '"row count": "1"' in tried
    assert '"count_star()": 2' in tried


def test_a_plan_over_metrics(ask: Ask, api: MessagesApi, subject: Subject) -> None:
    api.script = [
        calls("describe", {"name": "loans"}),
        metrics(
            dimensions=[{"name": "book__author__country"}, {"name": "metric_time", "grain": "month"}],
            filters=[{"dimension": "book__author__country", "operator": "in", "values": ["norway"]}],
            time_start="2024-03-01",
            time_end="2024-05-01",
            time_label="March and April 2024",
            order_by=[{"by": "metric_time__month", "descending": True}],
        ),
    ]
    planned = ask("How many loans of Norwegian authors' books were there in March and April, by month?")
    assert planned is not None
    analysis = planned.plan
    assert isinstance(analysis, Analysis)
    assert analysis.dimensions == (
        Dimension(name="book__author__country"),
        Dimension(name="metric_time", grain="month"),
    )
    assert analysis.filters == (
        DimensionFilter(dimension="book__author__country", operator="in", values=("Norway",)),
    )
    assert analysis.time_range == TimeRange(
        start=date(2024, 3, 1), end=date(2024, 5, 1), label="March and April 2024"
    )
    assert subject.run(subject.sql(analysis)).rows == (
        ("Norway", date(2024, 4, 1), 1),
        ("Norway", date(2024, 3, 1), 2),
    )
    assert '"name": "book__author__country"' in tool_results(api)[0]["content"]


def test_subqueries_are_written_as_names(ask: Ask, api: MessagesApi, subject: Subject) -> None:
    lent = query(column("loans", "reader_id"), name="lent")
    never = {"left": column("readers", "reader_id"), "operator": "not in", "right_query": "lent"}
    api.script = [queries(query(column("readers", "name"), where=[[never]]), lent)]
    planned = ask("Who never borrowed anything?")
    assert planned is not None
    assert planned.plan is not None
    assert subject.run(subject.sql(planned.plan)).rows == (("Max",),)


def test_what_is_sent(ask: Ask, api: MessagesApi) -> None:
    api.script = [queries(NORWEGIANS)] * 3
    ask("How many authors come from Norway?", candidates=3)
    for part in ("2024-05-15, a Wednesday", "2024-04-30", "How many authors come from Norway?"):
        assert part in told(api)
    summary = told(api).split("Catalog")[1]
    assert "metric loans in loans by D1; also lendings: How often books were lent." in summary
    assert "dimensions D1: metric_time, " in summary
    assert summary.index("table gold.authors, 3 rows") < summary.index("table gold.readers, 3 rows")
    assert "Ada Wolf" not in api.raw[0]
    # What the provider caches is the same in every request.
    assert len({json.dumps([body["system"], body["tools"]]) for body in api.bodies}) == 1
    asked = [next(name for name in APPROACHES if f"\n{name}\n" in told(api, n)) for n in range(3)]
    assert asked == list(APPROACHES)


def test_the_form_is_one_that_the_api_takes(ask: Ask, api: MessagesApi) -> None:
    api.script = [queries(NORWEGIANS)]
    ask("How many authors come from Norway?")
    schema = api.bodies[0]["output_config"]["format"]["schema"]
    objects = list(_objects(schema))
    assert len(objects) > 10
    assert all(set(found["required"]) == set(found["properties"]) for found in objects)
    assert json.dumps(schema).count('"anyOf"') <= 16
    assert not _is_recursive(schema)


def _objects(schema: Any) -> Any:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from _objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _objects(value)


def _is_recursive(schema: dict[str, Any]) -> bool:
    uses = {name: {other for other in schema["$defs"] if f'/{other}"' in json.dumps(part)}
            for name, part in schema["$defs"].items()}  # fmt: skip

    def reaches(start: str, seen: frozenset[str]) -> bool:
        return start in seen or any(reaches(other, seen | {start}) for other in uses[start])

    return any(reaches(name, frozenset()) for name in uses)


def test_a_plan_that_fails_comes_back_with_its_error(ask: Ask, api: MessagesApi) -> None:
    wrong = query(rows_of("authors"), where=where(column("authors", "nation"), "=", "Norway"))
    text = query(column("authors", "name"), where=where(column("authors", "birth_year"), ">", "long ago"))
    api.script = [queries(wrong), queries(text), queries(NORWEGIANS)]
    planned = ask("How many authors come from Norway?")
    assert planned is not None
    assert planned.plan == _NORWEGIANS
    first, second, third = (told(api, n).split("Plans that failed")[1] for n in range(3))
    assert "none" in first
    assert "there is no column of gold.authors called 'nation'; there are: " in second
    assert '"column\\":\\"nation' in second
    assert "Could not convert string 'long ago' to INT32" in third


def test_repairs_end(ask: Ask, api: MessagesApi, caplog: pytest.LogCaptureFixture) -> None:
    api.script = [queries(query(column("authors", "nation")))] * 20
    assert ask("Which nation?", bounds=replace(DEFAULT, repairs=1)) is None
    assert len(api.bodies) == 2
    assert "no column of gold.authors called 'nation'" in caplog.text
    api.bodies.clear()
    assert ask("Which nation?", candidates=2) is None
    assert len(api.bodies) == 2 * (1 + DEFAULT.repairs)


def test_the_answer_that_most_agree_on_wins(ask: Ask, api: MessagesApi) -> None:
    same = query({"function": "count", **column("authors", "author_id")}, where=NORWEGIANS["where"])
    api.script = [queries(SPANIARDS), queries(NORWEGIANS), queries(same)]
    planned = ask("How many authors come from Norway?", candidates=3)
    assert planned is not None
    assert planned.plan == _NORWEGIANS
    assert planned.votes == Votes(2, 3)
    assert planned.confidence == 0.6
    assert planned.notes == ("2 of 3 answers of the model give these rows",)


@pytest.mark.parametrize(("rows", "confidence"), [(2, 0.9), (1, 0.8)])
def test_another_planner_that_agrees_makes_it_surer(
    ask: Ask, api: MessagesApi, rows: int, confidence: float
) -> None:
    api.script = [queries(NORWEGIANS)] * 3
    other = Result(("n",), ("BIGINT",), ((rows,),), False)
    planned = ask("How many authors come from Norway?", candidates=3, other=other)
    assert planned is not None
    assert planned.confidence == confidence


def test_failed_answers_are_votes_for_nothing(ask: Ask, api: MessagesApi) -> None:
    api.script = [queries(NORWEGIANS), queries(query(column("authors", "nation"))), queries(NORWEGIANS)]
    planned = ask("How many authors come from Norway?", candidates=3, bounds=replace(DEFAULT, repairs=0))
    assert planned is not None
    assert planned.votes == Votes(2, 3)
    assert "an answer was dropped: there is no column" in planned.notes[-1]


def test_what_the_model_asks_back(ask: Ask, api: MessagesApi) -> None:
    hostile = "Which \x1b[31mauthors?\n\nSee https://evil.example/login?next=1 " + "x" * 1000
    api.script = [say(json.dumps({"question_back": hostile})), queries(NORWEGIANS), say('{"question_back": "?"}')]
    planned = ask("How many?", candidates=3)
    assert planned is not None
    assert (planned.plan, planned.confidence, planned.votes) == (None, 0.0, Votes(2, 3))
    assert planned.question_back is not None
    assert planned.question_back.startswith("Which [31mauthors? See [link] xxx")
    assert len(planned.question_back) == 300


def test_without_budget_there_is_no_plan(ask: Ask, api: MessagesApi, caplog: pytest.LogCaptureFixture) -> None:
    assert ask("How many authors?", llm={"budget_tokens": 1000}) is None
    assert api.bodies == []
    assert "could take this run to" in caplog.text


def test_what_was_answered_within_the_budget_counts(ask: Ask, api: MessagesApi) -> None:
    used = {"input_tokens": 60_000, "output_tokens": 2_000}
    api.script = [replace(queries(NORWEGIANS), usage=used), queries(NORWEGIANS)]
    planned = ask("How many authors come from Norway?", candidates=3, llm={"budget_tokens": 80_000})
    assert planned is not None
    assert planned.plan == _NORWEGIANS
    assert (planned.votes, planned.confidence) == (Votes(1, 3), 0.4)
    assert "the model stopped answering: the next call" in planned.notes[-1]


@pytest.mark.parametrize(
    "failure",
    [
        Fail(500, "api_error"),
        Fail(401, "authentication_error"),
        Say(["no"], "refusal"),
        Say(['{"queries": ['], "max_tokens"),
        say("Sorry, I can't."),
        say('{"sql": "drop table gold.books"}'),
        say('{"queries": "drop table gold.books"}'),
        say(json.dumps({"metrics": [{"metrics": ["loans"] * 1000}]})),
        say('{"queries": ' + "[" * 5000 + "]" * 5000 + "}"),
        say('{"metrics": [{"having": [{"metric": "loans", "operator": ">", "value": 1e999}], "metrics": []}]}'),
    ],
)  # fmt: skip
def test_a_model_that_fails_is_done_without(
    ask: Ask, api: MessagesApi, failure: Say | Fail, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    api.script = [failure] * 2
    assert ask("How many authors come from Norway?", candidates=3) is None
    assert "no plan of the language model can be used" in caplog.text
    assert len(api.bodies) <= 2


@pytest.mark.parametrize("question", ["", "  \n", "x" * 2_001])
def test_no_question_is_not_sent(ask: Ask, api: MessagesApi, question: str) -> None:
    assert ask(question) is None
    assert api.bodies == []


def test_without_a_key_questions_are_answered_as_ever(
    world: World, api: MessagesApi, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert open_model(load_settings(world.folder), None) is None  # type: ignore[arg-type]
    given = answer(Planner(subject.catalog), subject.con, "How many authors are from Norway?")
    assert given.result is not None
    assert given.result.rows == ((2,),)
    assert api.bodies == []


def test_the_package_loads_no_provider() -> None:
    code = (
        "import sys; import plugins.nl_models.language as language; language.plan_with_model; "
        "print([name for name in sys.modules if name.split('.')[0] in ('anthropic', 'httpx2', 'metricflow')])"
    )
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_what_was_masked_is_compared_with_all_the_same(ask: Ask, api: MessagesApi, subject: Subject) -> None:
    asked = query(column("authors", "name"), where=where(column("authors", "email"), "=", "[EMAIL]"))
    api.script = [queries(asked)]
    planned = ask("Who is ada.wolf@example.com?")
    assert planned is not None
    assert planned.plan is not None
    assert subject.run(subject.sql(planned.plan)).rows == (("Ada Wolf",),)
    assert "ada.wolf" not in api.raw[0]
    api.script = [queries(asked)]
    assert ask("Who wrote us?", bounds=replace(DEFAULT, repairs=0)) is None


def test_a_value_that_no_row_has_is_noted(ask: Ask, api: MessagesApi) -> None:
    api.script = [queries(query(rows_of("authors"), where=where(column("authors", "country"), "=", "Atlantis")))]
    planned = ask("How many authors come from Atlantis?")
    assert planned is not None
    assert "no row of gold.authors has any of the asked values in country" in planned.notes


def test_a_catalog_of_a_thousand_tables_is_told_in_as_many_words(
    world: World, api: MessagesApi, subject: Subject
) -> None:
    from plugins.nl_models.language import plan_with_model

    authors = subject.catalog.tables["gold.authors"]
    many = {
        f"gold.fct_{n}_{'thing' * 5}": replace(authors, name=f"gold.fct_{n}_{'thing' * 5}") for n in range(1000)
    }
    endless = replace(subject.catalog.tables["gold.loans"], name="gold.loans_of_readers" + "!" * 100_000)
    tables = {**many, **subject.catalog.tables, endless.name: endless}
    large = Subject(Catalog(tables, subject.catalog.joins), subject.con)
    api.script = [queries(NORWEGIANS)]
    assert plan_with_model("Which readers never loaned?", large, world.open(), today=TODAY, candidates=1)
    summary = told(api).split("Catalog, the most relevant first:")[1].split("Approach:")[0]
    assert len(summary) < DEFAULT.summary_characters + 100
    assert summary.index("table gold.readers") < summary.index("table gold.fct_")
    assert "more tables: search_catalog finds them)" in summary
