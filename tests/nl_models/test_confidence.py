"""How sure an answer is, what else it could mean, and the one question back; over the public surface."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from plugins.core.sql.guard import open_guarded
from plugins.nl_models import Answer, Planner, answer, read_database

Session = tuple[Planner, duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def courier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    path = tmp_path_factory.mktemp("courier") / "courier.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(
            """
            create table depots (depot_id integer, name varchar, town varchar, is_open varchar);
            insert into depots values
                (1, 'North', 'Ulm', 'yes'), (2, 'South', 'Graz', 'no'), (3, 'West', 'Bern', 'yes');
            create table riders (rider_id integer, name varchar, country varchar, hired_on date, pay double);
            insert into riders values
                (1, 'Ida', 'United States', '2019-04-01', 21), (2, 'Bo', 'France', '2021-06-30', 18),
                (3, 'Cem', 'France', '2021-12-31', 25), (4, 'Dee', 'Norway', '2022-01-01', 17);
            create table parcels (
                parcel_id integer, rider_id integer, origin_depot_id integer, destination_depot_id integer,
                weight_kg double, shipped_on varchar
            );
            insert into parcels values
                (1, 1, 1, 2, 2.5, '2022-03-01'), (2, 1, 1, 3, 12, '2022-05-09'), (3, 2, 2, 1, 4, '2023-01-15'),
                (4, 3, 3, 1, 8, '2023-02-20'), (5, 1, 2, 3, 1, '2023-02-28');
            """
        )
    con = open_guarded(path)
    yield Planner(read_database(con)), con
    con.close()


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        # Years and months of dates, also of dates that are kept as text.
        ("Which riders were hired in 2021?", [("Bo",), ("Cem",)]),
        ("Which riders were hired after 2021?", [("Dee",)]),
        ("How many parcels were shipped in February 2023?", [(2,)]),
        ("How many parcels were shipped in 2023 or later?", [(3,)]),
        # The same table in two roles.
        ("How many parcels have the origin depot North?", [(2,)]),
        ("How many parcels went to North?", [(2,)]),
        # Values that are written otherwise, and columns of yes and no.
        ("Show the names of riders from the USA", [("Ida",)]),
        ("What are the names of French riders?", [("Bo",), ("Cem",)]),
        ("How many depots are open?", [(2,)]),
        ("Names of depots that are not open", [("South",)]),
        # Verbs that say a column, and turns of phrase.
        ("Who earns the most?", [("Cem",)]),
        ("Which rider has carried the most parcels?", [("Ida",)]),
        ("What is the total weight of the parcels of each rider? Show the rider's name.",
         [("Bo", 4.0), ("Cem", 8.0), ("Ida", 15.5)]),
        ("List the names of riders, best paid first", None),
        ("Which riders have never carried a parcel?", [("Dee",)]),
        ("What are the highest, lowest and average weights of parcels?", [(12.0, 1.0, 5.5)]),
        ("Parcels heavier than the average: how many?", [(2,)]),
    ],
)  # fmt: skip
def test_looser_wordings(courier: Session, question: str, rows: list[tuple] | None) -> None:
    given = answer(*courier, question)
    assert given.result is not None, given.question_back
    if rows is not None:
        assert sorted(tuple(sorted(row, key=str)) for row in given.result.rows) == sorted(
            tuple(sorted(row, key=str)) for row in rows
        ), given.sql


def test_a_plain_question_is_surer_than_one_that_is_half_understood(courier: Session) -> None:
    plain = answer(*courier, "How many riders are there?")
    half = answer(*courier, "How many frobnicated riders per wombat are there?")
    assert plain.confidence >= 0.9
    assert plain.question_back is None
    assert half.confidence < plain.confidence - 0.3


def test_what_is_not_there_is_named_with_what_is_closest(courier: Session) -> None:
    given = answer(*courier, "What is the salary of the wombat?")
    assert given.question_back is not None
    assert "wombat" in given.question_back


def test_where_nothing_is_understood_the_question_back_says_what_there_is(courier: Session) -> None:
    given = answer(*courier, "Tell me about quarks")
    assert given.sql is None
    assert given.question_back is not None
    assert "parcel" in given.question_back


def test_other_readings_are_told_in_sentences(courier: Session) -> None:
    given = answer(*courier, "Show the names")
    assert _is_about(given, "depot") or _is_about(given, "rider")
    assert any("name of" in choice.lower() for choice in given.choices)


def _is_about(given: Answer, table: str) -> bool:
    return given.sql is not None and table in given.sql.lower()


def test_a_plan_comes_with_alternatives_and_their_confidence(courier: Session) -> None:
    planned = courier[0].plan("Show the names")
    assert planned.plan is not None
    assert planned.alternatives
    assert all(0.0 <= other.confidence <= 1.0 and other.plan != planned.plan for other in planned.alternatives)
