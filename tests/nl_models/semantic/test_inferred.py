"""A project that defines no metrics is asked by what its facts and dimensions say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML

from plugins.core.settings import load_settings
from plugins.nl_models import ProjectAnswers, open_project, read_database
from plugins.nl_models.semantic.inferring import infer_layer

SOURCE = Path(__file__).parents[1] / "bookshop"
CASES = YAML(typ="safe").load(Path(__file__).with_name("bookshop.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bookshop(tmp_path_factory: pytest.TempPathFactory) -> ProjectAnswers:
    """A project of facts and dimensions, with a header and its lines, and without any YAML."""
    folder = tmp_path_factory.mktemp("bookshop") / "bookshop"
    shutil.copytree(SOURCE, folder)
    built = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "build", "--no-use-colors", "--profiles-dir", "."],
        cwd=folder,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout
    return ProjectAnswers(open_project(load_settings(folder)), date(2025, 7, 1))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["question"])
def test_an_answer_has_the_rows_of_hand_written_sql(bookshop: ProjectAnswers, case: dict[str, str]) -> None:
    bookshop.before = None
    given = bookshop.answer(case["question"])
    assert given.result is not None, given.question_back
    wanted = bookshop.project.con.execute(case["gold"]).fetchall()
    assert sorted(map(_plain, given.result.rows)) == sorted(map(_plain, wanted)), given.sql
    assert 0.5 <= given.confidence < 0.9


def test_what_it_takes_for_a_metric_is_said(bookshop: ProjectAnswers) -> None:
    bookshop.before = None
    given = bookshop.answer("freight by customer")
    assert given.plan is not None
    assert "sum of freight_amount" in bookshop.sentence(given.plan)
    assert any("no metric" in text for text in given.assumptions)


def test_what_the_tables_do_not_have_is_asked_back(bookshop: ProjectAnswers) -> None:
    bookshop.before = None
    given = bookshop.answer("profit margin by genre")
    assert given.sql is None
    assert given.question_back is not None


def test_what_stands_in_each_line_is_not_summed() -> None:
    with duckdb.connect() as con:
        con.execute(
            "create table dim_halls as select i as hall_id, 'Hall ' || i as hall_name from range(3) as r(i)"
        )
        con.execute(
            "create table fct_tickets as select i as ticket_id, i // 2 as booking_id, i % 3 as hall_id, "
            "date '2024-01-01' + (i // 2)::int as booked_on, 10 + i % 4 as seat_price, 1 + i % 2 as quantity, "
            "(100 + i // 2)::decimal(9, 2) as booking_total from range(40) as r(i)"
        )
        found = infer_layer(read_database(con), con, {})
    assert found is not None
    metrics = found.layer.metrics
    assert "booking_total" not in metrics
    assert found.layer.measures["sales_amount_measure"].expr == "seat_price * quantity"
    assert metrics["average_booking_value"].measures == ("sales_amount_measure", "bookings_measure")


def test_a_database_without_facts_has_no_layer() -> None:
    with duckdb.connect() as con:
        con.execute("create table settings as select 'theme' as name, 'dark' as value")
        assert infer_layer(read_database(con), con, {}) is None


def _plain(row: Sequence[Any]) -> tuple[str, ...]:
    return tuple(
        f"{float(value):.6g}" if isinstance(value, (int, float, Decimal)) else str(value)[:10] for value in row
    )
