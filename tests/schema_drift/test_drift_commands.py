"""`smelt drift` as people use it in their own dbt project: snapshot, check, propose, merge, undo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]

FILES = {
    "dbt_project.yml": "name: bikes\nversion: '1.0'\nprofile: bikes\nmodels: {bikes: {+materialized: table}}\n",
    "profiles.yml": "bikes: {target: dev, outputs: {dev: {type: duckdb, path: bikes.duckdb, threads: 2}}}\n",
    ".gitignore": "target/\nlogs/\n*.duckdb\n.user.yml\n.smelt/\n",
    "models/_hub__sources.yml": """\
sources:
  - name: hub
    schema: hub
    tables:
      - name: trips
        columns:
          - name: trip_id
            data_tests: [unique, not_null]
          - name: fare  # in pounds
            description: What the rider paid.
          - name: state
            data_tests:
              - accepted_values: {arguments: {values: [open, done, lost]}}
      - name: stations
""",
    "models/stg_hub__trips.sql": """\
with

source as (

    select * from {{ source('hub', 'trips') }}

),

renamed as (

    select

        ---------- ids
        trip_id,
        station_id,

        ---------- numerics
        cast(fare as decimal(10, 2)) as fare,

        ---------- text
        rider

    from source

)

select * from renamed
""",
    "models/stg_hub__stations.sql": "select station_id, name from {{ source('hub', 'stations') }}\n",
    "models/fares.sql": """\
select s.name as station, count(*) as trips, sum(t.fare) as fares, count(distinct t.rider) as riders
from {{ ref('stg_hub__trips') }} as t
join {{ ref('stg_hub__stations') }} as s using (station_id)
group by all
""",
}


@dataclass(frozen=True)
class Hub:
    folder: Path

    def git(self, *arguments: str) -> str:
        run = subprocess.run([*GIT, *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def smelt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        run = subprocess.run(
            [str(Path(sys.executable).with_name("smelt")), *arguments],
            cwd=self.folder,
            env={**os.environ, "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in run.stderr, run.stderr
        return run

    def json(self, *arguments: str) -> dict[str, Any]:
        run = self.smelt(*arguments, "--json")
        assert run.stdout, run.stderr
        return json.loads(run.stdout)

    def build(self) -> None:
        dbt = str(Path(sys.executable).with_name("dbt"))
        run = subprocess.run([dbt, "build", "-q"], cwd=self.folder, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "bikes.duckdb")) as con:
            return [row for one in statements for row in con.execute(one).fetchall()]

    def fares(self) -> list[tuple[Any, ...]]:
        return self.sql("select station, trips, fares, riders from fares order by 1")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in git, built once, whose sources were remembered; to be copied."""
    hub = _write(tmp_path_factory.mktemp("built") / "hub")
    hub.sql(
        "create schema hub",
        "create table hub.stations as select i as station_id, 'Station ' || i as name from range(12) as t(i)",
        "create table hub.trips as select i as trip_id, (i * 7) % 12 as station_id, "
        "((i * 137) % 2311) / 100 + 1.5 as fare, 'rider ' || (i * 31) % 419 as rider, "
        "['open', 'done', 'done', 'done', 'lost'][1 + (i * 17) % 5] as state from range(2000) as t(i)",
    )
    hub.git("init", "-qb", "main")
    hub.git("add", "-A")
    hub.git("commit", "-qm", "Bikes")
    hub.build()
    taken = hub.json("drift", "snapshot")
    assert taken["tables"] == 2
    return hub.folder


@pytest.fixture
def hub(built: Path, tmp_path: Path) -> Hub:
    return Hub(shutil.copytree(built, tmp_path / "hub"))


def _write(folder: Path) -> Hub:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Hub(folder)


def test_nothing_that_changed_is_no_drift(hub: Hub) -> None:
    hub.sql("insert into hub.trips select 2000 + i, i % 12, 3.5, 'rider ' || i, 'open' from range(40) as t(i)")
    found = hub.json("drift", "check")
    assert found["changes"] == []
    assert found["severity"] is None
    assert hub.smelt("drift", "check", "--fail-on", "any").returncode == 0
    assert hub.json("drift", "propose")["proposals"] == []


def test_a_rename_is_proposed_merged_and_leaves_no_trace(hub: Hub) -> None:
    before = hub.fares()
    hub.sql("alter table hub.trips rename column fare to price_gbp")
    found = hub.json("drift", "check")
    (change,) = found["changes"]
    assert (change["kind"], change["table"], change["before"], change["after"]) == (
        "column_renamed", "hub.trips", ["fare"], ["price_gbp"],
    )  # fmt: skip
    assert change["severity"] == "breaking"
    assert change["confidence"] > 0.9
    assert change["restores"][0]["rows_equal"] == change["restores"][0]["rows_compared"] == 2000
    assert hub.smelt("drift", "check", "--fail-on", "breaking").returncode == 1

    (proposal,) = hub.json("drift", "propose")["proposals"]
    assert not proposal["has_failed"]
    assert set(proposal["files"]) == {"models/_hub__sources.yml", "models/stg_hub__trips.sql"}
    diff = hub.git("diff", "-U0", "main", proposal["branch"], "--", "models/stg_hub__trips.sql")
    assert "+        cast(price_gbp as decimal(10, 2)) as fare," in diff
    yaml = hub.git("show", f"{proposal['branch']}:models/_hub__sources.yml")
    assert yaml == FILES["models/_hub__sources.yml"].replace("- name: fare ", "- name: price_gbp ").strip()
    body = hub.smelt("proposals", "show", proposal["proposal"]).stdout
    assert "2,000 of 2,000 rows" in body

    hub.git("merge", "-q", "--no-edit", proposal["branch"])
    hub.build()
    assert hub.fares() == before
    assert hub.json("drift", "propose")["proposals"] == []


@pytest.mark.full
def test_a_second_change_joins_the_open_proposal_and_an_undone_one_closes_it(hub: Hub) -> None:
    hub.sql("alter table hub.trips rename column fare to price_gbp")
    (first,) = hub.json("drift", "propose")["proposals"]
    hub.sql("alter table hub.trips rename column rider to passenger")
    (second,) = hub.json("drift", "propose")["proposals"]
    assert second["proposal"] == first["proposal"]
    assert not second["is_new"]
    patched = hub.git("show", f"{second['branch']}:models/stg_hub__trips.sql")
    assert "price_gbp" in patched
    assert "passenger as rider" in patched

    hub.sql("alter table hub.trips rename column passenger to rider")
    hub.sql("alter table hub.trips rename column price_gbp to fare")
    assert hub.json("drift", "propose")["closed"] == [first["proposal"]]
    (listed,) = json.loads(hub.smelt("proposals", "list", "--json").stdout)
    assert listed["state"] == "closed"


@pytest.mark.full
def test_what_a_person_commits_to_the_branch_is_kept_beside_a_second_change(hub: Hub, tmp_path: Path) -> None:
    hub.sql("alter table hub.trips rename column fare to price_gbp")
    (first,) = hub.json("drift", "propose")["proposals"]
    answer = Hub(tmp_path / "answer")
    hub.git("worktree", "add", "-q", str(answer.folder), first["branch"])
    fares = answer.folder / "models/fares.sql"
    fares.write_text(fares.read_text() + "-- looked at\n")
    answer.git("commit", "-qam", "Look at fares")
    hub.sql("alter table hub.trips rename column rider to passenger")
    found = hub.json("drift", "propose")
    assert "is checked out" in found["failed"]["hub"]["message"]
    hub.git("worktree", "remove", str(answer.folder))

    run = hub.smelt("drift", "propose")
    assert run.returncode == 0, run.stderr
    assert "Look at fares): kept, and what is new was added beside it" in run.stdout
    assert hub.git("show", f"{first['branch']}:models/fares.sql").endswith("-- looked at")
    assert "passenger as rider" in hub.git("show", f"{first['branch']}:models/stg_hub__trips.sql")
    assert "Ann: Look at fares" in hub.git("show", "-s", f"{first['branch']}^1", "--format=%an: %s")


@pytest.mark.full
def test_a_changed_unit_is_dangerous_and_converted(hub: Hub) -> None:
    before = hub.fares()
    hub.sql("update hub.trips set fare = fare * 100")
    found = hub.json("drift", "check")
    assert [(c["kind"], c["severity"]) for c in found["changes"]] == [("unit_changed", "dangerous")]
    assert found["changes"][0]["detail"]["factor"] == 100
    (proposal,) = hub.json("drift", "propose")["proposals"]
    hub.git("merge", "-q", "--no-edit", proposal["branch"])
    hub.build()
    assert hub.fares() == before


@pytest.mark.full
def test_a_needed_column_that_is_gone_is_asked_for_and_its_readers_are_named(hub: Hub) -> None:
    hub.sql("alter table hub.trips drop column fare")
    (proposal,) = hub.json("drift", "propose")["proposals"]
    said = " ".join(proposal["questions"])
    assert "fare" in said
    assert "fares" in said
    assert not any("stg_hub__trips.sql" in path for path in proposal["files"])


@pytest.mark.full
def test_what_is_being_edited_is_left_alone(hub: Hub) -> None:
    model = hub.folder / "models/stg_hub__trips.sql"
    model.write_text(model.read_text() + "-- not finished\n")
    hub.sql("alter table hub.trips rename column fare to price_gbp")
    (proposal,) = hub.json("drift", "propose")["proposals"]
    assert model.read_text().endswith("-- not finished\n")
    assert "not finished" not in hub.git("show", f"{proposal['branch']}:models/stg_hub__trips.sql")


@pytest.mark.full
def test_a_snapshot_of_a_large_project_keeps_its_parse(hub: Hub) -> None:
    parse = hub.folder / ".smelt/review/partial_parse.msgpack"
    hub.smelt("drift", "snapshot")
    assert not parse.exists()
    for number in range(200):
        (hub.folder / f"models/more_{number}.sql").write_text("select * from {{ ref('fares') }}\n")
    hub.git("add", "-A")
    hub.git("commit", "-qm", "Many more")
    hub.build()
    hub.smelt("drift", "snapshot")
    assert parse.exists()


@pytest.mark.full
def test_propagating_carries_the_new_name_on(hub: Hub) -> None:
    hub.sql("alter table hub.trips rename column rider to passenger")
    (proposal,) = hub.json("drift", "propose", "--propagate")["proposals"]
    fares = hub.git("show", f"{proposal['branch']}:models/fares.sql")
    assert "count(distinct t.passenger) as riders" in fares


def test_a_value_that_no_test_accepts_breaks_the_build(hub: Hub) -> None:
    hub.sql("update hub.trips set state = 'paused' where trip_id % 7 = 0")
    (change,) = hub.json("drift", "check")["changes"]
    assert (change["kind"], change["severity"]) == ("values_added", "breaking")
    assert change["detail"]["added_values"] == ["paused"]
    assert "286 of 286 new or changed rows" in change["evidence"][0]["text"]


def test_columns_on_one_line_are_counted_and_what_is_being_edited_is_told(hub: Hub) -> None:
    model = hub.folder / "models/fares.sql"
    model.write_text(f"{model.read_text()}-- not finished\n")
    hub.sql(*(f"alter table hub.trips add column more_{number} integer" for number in range(3)))
    shown = " ".join(hub.smelt("drift", "check").stdout.split())
    assert "3 columns added: more_0, more_1, more_2" in shown
    assert "3 changes in 1 of 2 tables" in shown
    assert "note not committed: models/fares.sql. A check reads the project as these files are now" in shown


def test_names_that_the_warehouse_takes_for_one_break_nothing(hub: Hub) -> None:
    hub.sql("alter table hub.trips rename column fare to Fare")
    (change,) = hub.json("drift", "check")["changes"]
    assert (change["kind"], change["severity"]) == ("column_renamed", "informative")


def test_tables_that_changed_places_are_told_by_their_rows(hub: Hub) -> None:
    hub.sql(
        "alter table hub.trips rename to moving",
        "alter table hub.stations rename to trips",
        "alter table hub.moving rename to stations",
    )
    found = hub.json("drift", "check")
    assert [(one["kind"], one["before"], one["after"]) for one in found["changes"]] == [
        ("table_renamed", ["hub.stations"], ["hub.trips"]),
        ("table_renamed", ["hub.trips"], ["hub.stations"]),
    ]
    assert not any("Error" in note for note in found["notes"])


def test_what_a_source_calls_its_columns_is_shown_and_does_nothing(hub: Hub) -> None:
    names = ("\x1b[2J\x1b]0;owned\x07", "[bold red]{{ 1 / 0 }}[/]", "; drop table hub.trips; --")
    hub.sql(*(f'alter table hub.trips add column "{name}" integer' for name in names))
    run = hub.smelt("drift", "check")
    assert run.returncode == 0
    assert "\x1b" not in run.stdout
    shown = " ".join(run.stdout.split())
    assert "3 changes" in shown
    assert "{{ 1 / 0 }}" in shown
    assert "[bold red]" in shown
    assert sorted(one["after"][0] for one in hub.json("drift", "check")["changes"]) == sorted(names)
    assert hub.sql("select count(*) from hub.trips") == [(2000,)]


def test_without_a_snapshot_it_says_how_to_take_one(tmp_path: Path) -> None:
    hub = _write(tmp_path)
    hub.sql("create schema hub", "create table hub.trips (trip_id int)")
    hub.sql("create table hub.stations (station_id int)")
    run = hub.smelt("drift", "check")
    assert run.returncode != 0
    assert "smelt drift snapshot" in run.stderr


def test_a_folder_without_a_project_is_named(tmp_path: Path) -> None:
    run = Hub(tmp_path).smelt("drift", "check")
    assert run.returncode == 1
    assert "there is no dbt_project.yml" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "--before", "nowhere.duckdb"), "nowhere.duckdb"),
        (("check", "--select", "hubb"), "hub"),
        (("check", "--fail-on", "sometimes"), "never"),
    ],
)
def test_wrong_arguments_are_one_message(hub: Hub, arguments: tuple[str, ...], said: str) -> None:
    run = hub.smelt("drift", *arguments)
    assert run.returncode != 0
    assert said in run.stderr
