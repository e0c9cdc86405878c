"""The suite judges rightly: a patch that a person would write scores, and one that is wrong is caught."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from bench.drift.shapes.answer import Answer, Asked, Outcome, Verdict
from bench.drift.shapes.cases import Case, choose, write_folder
from bench.drift.shapes.drifts import happenings
from bench.drift.shapes.oracle import Workbench, judge
from bench.drift.shapes.projects import SHAPES
from bench.drift.shapes.score import scores

STAGING = "models/staging/stg_shop__orders.sql"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """The plain shape, built."""
    prepared = Workbench(SHAPES["plain"], tmp_path_factory.mktemp("suite") / "plain")
    prepared.prepare()
    return prepared


def try_it(bench: Workbench, drift: str, answer: Answer, activity: str = "busy") -> Verdict:
    """The verdict on an answer to a drift of the plain shape."""
    case = Case(bench.shape, happenings(bench.shape)[drift], activity)
    bench.happen(case)
    return judge(bench, case, answer)


def edited(bench: Workbench, old: str, new: str) -> Answer:
    """An answer that replaces one text in the staging model."""
    text = bench.original(STAGING)
    assert text.count(old) == 1
    return Answer({STAGING: text.replace(old, new)})


@pytest.mark.full
@pytest.mark.parametrize(
    ("drift", "old", "new"),
    [
        ("renamed", "total_amt as", "value_gross as"),
        ("unit_milliseconds", "        pick_seconds,", "        pick_seconds / 1000 as pick_seconds,"),
        ("format_day_first", "cast(order_date as date)", "strptime(order_date, '%d/%m/%Y')::date"),
        (
            "rename_chain",
            "        street,\n        house_no as",
            "        house_no as street,\n        extra_text as",
        ),
        ("integer_to_text_with_misfits", "qty as", "try_cast(qty as integer) as"),
    ],
)
def test_what_a_person_would_type_is_right(bench: Workbench, drift: str, old: str, new: str) -> None:
    verdict = try_it(bench, drift, edited(bench, old, new))
    assert verdict.outcome is Outcome.RIGHT, verdict.why
    assert verdict.builds
    assert verdict.equal
    assert verdict.edits.needless == 0


@pytest.mark.full
@pytest.mark.parametrize(
    ("drift", "old", "new", "outcome"),
    [
        ("renamed", "total_amt as", "discount_pct as", Outcome.SILENT),
        ("renamed", "total_amt as", "no_such_column as", Outcome.BROKEN),
        ("unit_mixed", "total_amt as", "total_amt / 100 as", Outcome.SILENT),
        ("column_removed_text", "        remark,", "        cast(null as varchar) as remark,", Outcome.SILENT),
        ("none", "total_amt as", "total_amt + 0 as", Outcome.FALSE),
    ],
)
def test_what_is_wrong_is_told_so(bench: Workbench, drift: str, old: str, new: str, outcome: Outcome) -> None:
    assert try_it(bench, drift, edited(bench, old, new)).outcome is outcome


@pytest.mark.full
def test_a_patch_that_the_tool_itself_calls_failed_is_caught(bench: Workbench) -> None:
    wrong = edited(bench, "total_amt as", "discount_pct as")
    assert try_it(bench, "renamed", Answer(wrong.files, failed=True)).outcome is Outcome.CAUGHT


@pytest.mark.full
def test_a_deleted_test_is_no_way_to_make_a_build_pass(bench: Workbench) -> None:
    path = "models/gold/_gold.yml"
    weaker = bench.original(path).replace("        data_tests: [not_null, unique]\n", "")
    fixed = edited(bench, "total_amt as", "value_gross as")
    verdict = try_it(bench, "renamed", Answer({**fixed.files, path: weaker}))
    assert verdict.outcome is Outcome.SILENT
    assert any("tests" in why for why in verdict.why)


@pytest.mark.full
def test_doing_nothing_is_right_only_where_nothing_breaks(bench: Workbench) -> None:
    assert try_it(bench, "widened_integer", Answer()).outcome is Outcome.RIGHT
    assert try_it(bench, "renamed", Answer()).outcome is Outcome.MISSED
    assert try_it(bench, "unit_hundredths", Answer()).outcome is Outcome.MISSED
    assert try_it(bench, "none", Answer()).outcome is Outcome.RIGHT


@pytest.mark.full
def test_a_question_must_say_what_it_is_about(bench: Workbench) -> None:
    named = Answer(questions=(Asked("`orders.total_amt` is gone. What takes its place?"),))
    assert try_it(bench, "column_removed_summed", named).outcome is Outcome.RIGHT
    placed = Answer(questions=(Asked("What takes the place of total_amt?", STAGING),))
    assert try_it(bench, "column_removed_summed", placed).outcome is Outcome.RIGHT
    vague = Answer(questions=(Asked("Something is gone, please look."),))
    assert try_it(bench, "column_removed_summed", vague).outcome is Outcome.VAGUE
    assert try_it(bench, "renamed", named).outcome is Outcome.HANDED


def test_every_shape_meets_every_drift_and_samples_deal_them_evenly() -> None:
    every = choose()
    assert len({case.name for case in every}) == len(every) == len(SHAPES) * len(happenings(SHAPES["plain"]))
    some = choose(2)
    assert [case.name for case in some] == [case.name for case in choose(2)]
    counts = [sum(case.shape.name == name for case in some) for name in SHAPES]
    assert max(counts) - min(counts) <= 1
    # What is chosen for a case does not depend on which others are.
    activities = {case.name: case.activity for case in every}
    assert all(activities[case.name] == case.activity for case in some)


@pytest.mark.parametrize("name", ["plain/renamed", "quoted/nested_field_renamed", "contracts/tables_swapped"])
def test_a_written_case_can_be_repeated_by_anybody(name: str, tmp_path: Path) -> None:
    shape, drift = name.split("/")
    case = next(one for one in choose(shapes=[shape]) if one.happening.name == drift)
    write_folder(case, tmp_path / "case")
    expected = json.loads((tmp_path / "case" / "expected.json").read_text())
    assert expected["accepts"]
    assert expected["changes"]
    with duckdb.connect(str(tmp_path / "case" / "before.duckdb")) as con:
        con.execute((tmp_path / "case" / "activity.sql").read_text() or "select 1")
        con.execute((tmp_path / "case" / "drift.sql").read_text())
    assert (tmp_path / "case" / "project" / "dbt_project.yml").is_file()


def test_the_figures_of_a_run_count_what_they_say() -> None:
    def verdict(outcome: Outcome, did: str, accepts: tuple[str, ...], is_good: bool | None) -> Verdict:
        return Verdict("c", "k", "s", "quiet", outcome, did, accepts, builds=is_good, equal=is_good)

    found = scores(
        [
            verdict(Outcome.RIGHT, "patched", ("patched",), True),
            verdict(Outcome.BROKEN, "patched", ("patched",), False),
            verdict(Outcome.RIGHT, "asked", ("asked",), None),
            verdict(Outcome.MISSED, "nothing", ("asked",), True),
        ]
    )
    assert found["right_share"] == 0.5
    assert (found["patches"], found["patches_hold"]) == (2, 0.5)
    assert (found["needs_a_person"], found["asked_share"]) == (2, 0.5)
    assert (found["missed"], found["silent"]) == (1, 0)
