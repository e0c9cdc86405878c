"""What a project marks as personal is not shown to the model, wherever its models hand it on to."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from plugins.core.project import Manifest
from plugins.nl_models import ProjectAnswers
from plugins.nl_models.analysis import Analysis, Dimension
from plugins.nl_models.language.marked import marked_columns
from plugins.nl_models.language.personal import personal_positions
from plugins.nl_models.second_opinion import SecondOpinion
from plugins.nl_models.semantic.layer import SemanticLayer
from plugins.nl_models.subject import Subject
from tests.core.llm.conftest import World
from tests.core.llm.messages_api import MessagesApi
from tests.nl_models.language.conftest import tool_results
from tests.nl_models.language.library import calls, queries, query

_FACT, _STATIONS = "main_marts.fct_rentals", "main_marts.dim_stations"
Marking = Callable[..., ProjectAnswers]


@pytest.fixture
def marking(answers: ProjectAnswers) -> Marking:
    """The rentals with marks: (model, column, what stands in its YAML)."""

    def marked(*marks: tuple[str, str, dict[str, Any]]) -> ProjectAnswers:
        document = copy.deepcopy(dict(answers.project.manifest.document))
        for model, column, said in marks:
            columns = document["nodes"][f"model.rentals.{model}"]["columns"]
            columns[column] = {**columns.get(column, {}), "name": column, **said}
        project = replace(answers.project, manifest=Manifest(document))
        return ProjectAnswers(project, date(2026, 11, 20))

    return marked


def test_marks_are_handed_on_by_models(marking: Marking) -> None:
    marked = marking(
        ("stg_city__rentals", "bike_type", {"config": {"meta": {"pii": True}}}),
        ("dim_stations", "station_name", {"tags": ["PII"]}),
    )
    found = set(marked_columns(marked.project))
    assert {(_FACT, "bike_type"), (_STATIONS, "station_name")} <= found
    assert not {(_FACT, "fee_eur"), (_STATIONS, "city")} & found


def test_without_marks_nothing_is_hidden(answers: ProjectAnswers) -> None:
    assert marked_columns(answers.project) == frozenset()


def test_the_planner_with_a_model_shows_it_no_marked_value(
    marking: Marking, world: World, api: MessagesApi
) -> None:
    asked = marking(
        ("stg_city__rentals", "bike_type", {"meta": {"pii": True}}),
        ("dim_stations", "station_name", {"config": {"tags": ["pii"]}}),
    )
    world.configure(timeout_seconds=5, retries=0, wait_seconds=1, send_samples=True)
    asked.second = SecondOpinion(world.open(), date(2026, 11, 20))
    columns = [{"table": _FACT, "column": "bike_type"}, {"table": _STATIONS, "column": "city"}]
    kinds = query(*columns, {"table": _STATIONS, "column": "station_name"})
    turns = [calls("try_plan", {"queries": [kinds]}, 1), calls("find_values", {"text": "cargo bike"}, 2)]
    api.script = [*turns, *[queries(kinds)] * 3]
    asked.answer("which of the whatnots are like that thing")
    tried, found = (result["content"] for result in tool_results(api, 2))
    assert '"bike_type": "[PII]"' in tried
    assert '"station_name": "[PII]"' in tried
    assert '"city": "' in tried
    assert '"[PII]"' in found
    for value in ("e-bike", "cargo bike", "Old Harbour", "Town Hall"):
        assert value not in tried + found


def test_names_and_extremes_of_marked_columns_are_hidden_too(answers: ProjectAnswers) -> None:
    project = answers.project
    assert project.layer is not None
    measure = replace(project.layer.measures["distance"], agg="max")
    layer = SemanticLayer(
        project.layer.metrics, {**project.layer.measures, "distance": measure}, project.layer.models
    )
    subject = Subject(project.gold, project.con, layer)
    plan = Analysis(
        metrics=("distance", "rentals"), dimensions=(Dimension(name="station", shown_by="station__station_name"),)
    )
    marked = {(_STATIONS, "station_name"), (_FACT, "distance_km")}
    assert personal_positions(plan, ("station", "distance", "rentals"), subject, marked) == {0, 1}
    assert personal_positions(plan, ("station", "distance", "rentals"), subject, set()) == set()
