"""`smelt onboard` of a folder in a Smelt project: discovered, loaded, mapped, proposed; merged, it builds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
# What a project of Smelt's needs, without the sample's own sources and models.
_KEPT = ("macros", "profiles.yml", "dbt_project.yml", ".dbtignore", ".gitignore")

# As a German spreadsheet saves it: another encoding, another delimiter, another decimal sign.
CONTACTS = "id;Vorname;Nachname;E-Mail;Straße;Umsatz;select\n" + "".join(
    f"{i};Ann;Lee{i};a{i}@example.com;Weg {i} €;{i}.000,50;{i}\n" for i in range(1, 60)
)
TICKETS = "id,contact_id,opened at,state\n" + "".join(
    f"{i},{i % 59 + 1},2024-01-{i % 28 + 1:02d} 10:00:00,{('open', 'closed')[i % 2]}\n" for i in range(1, 200)
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onboarded")
    for name in _KEPT:
        there = ROOT / name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if there.is_dir() else shutil.copy)(there, folder / name)
    macros = '["audit_columns", "broken_rules", "is_valid", "latest_valid", "quarantined"]'
    (folder / "smelt.toml").write_text(f"[review]\nmacros = {macros}\n")
    (folder / "contracts/silver").mkdir(parents=True)
    (folder / "models/silver/calendar").mkdir(parents=True)
    (folder / "models/silver/calendar/days.sql").write_text("select 1 as day_number\n")
    (folder / "exports").mkdir()
    (folder / "exports/contacts.csv").write_text(CONTACTS, encoding="cp1252")
    (folder / "exports/repeated.csv").write_text("a,a,\n1,2,3\n")
    (folder / "exports/headonly.csv").write_text("a,b\n")
    (folder / "exports/tickets.csv").write_text(TICKETS)
    _run(folder, *GIT, "init", "-q", "-b", "main")
    _run(folder, *GIT, "add", "-A")
    _run(folder, *GIT, "commit", "-qm", "A project")
    return folder


def _run(folder: Path, *command: str, expected: int = 0) -> str:
    names = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SMELT_"))}
    names |= {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    names |= {f"GIT_{who}_{what}": f"ann{sign}" for who in ("AUTHOR", "COMMITTER") for what, sign in _WHO}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=names, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout if expected == 0 else done.stderr


_WHO = (("NAME", ""), ("EMAIL", "@example.com"))


def _smelt(folder: Path, *arguments: str, expected: int = 0) -> str:
    return _run(folder, sys.executable, "-m", "plugins.cli", *arguments, expected=expected)


@pytest.mark.full
def test_a_folder_becomes_loaded_streams_and_a_pull_request_that_builds(project: Path):
    done = json.loads(_smelt(project, "onboard", "exports", "--name", "crm", "--json"))
    assert done["failed"] is False
    rows = {one["stream"]: one["rows"] for one in done["streams"]}
    assert rows == {"crm.contacts": 59, "crm.tickets": 199, "crm.headonly": 0}
    assert _run(project, *GIT, "status", "--porcelain") == "", "what was written is committed"
    _run(project, *GIT, "merge", "-q", _run(project, *GIT, "branch", "--list", "smelt/*").split()[-1])
    built = _smelt(project, "run", "--json")
    assert json.loads(built)["failed"] is False
    (project / "exports/contacts.csv").write_text(CONTACTS + "60;Bo;Fox;b@example.com;Weg;12.00 EUR;1\n", "cp1252")
    again = json.loads(_smelt(project, "run", "--json"))
    assert again["failed"] is False
    held = _smelt(project, "quarantine", "show", "contacts", "--json")
    assert "umsatz_readable" in held, "what can't be read is held, and not made null in silence"
    query = "select nachname, umsatz, strasse, contact_select from silver.contacts where contact_id = 7"
    found = _smelt(project, "query", query, "--json")
    assert "7000.5" in found
    assert "Weg 7 €" in json.dumps(json.loads(found), ensure_ascii=False)


@pytest.mark.full
def test_the_same_again_changes_nothing_and_another_under_the_name_is_refused(project: Path):
    again = json.loads(_smelt(project, "onboard", "exports", "--name", "crm", "--json"))
    assert again["failed"] is False
    (project / "other").mkdir(exist_ok=True)
    (project / "other/a.csv").write_text("a,b\n1,2\n")
    told = _smelt(project, "onboard", "other", "--name", "crm", "--yes", expected=1)
    assert "is there already" in told
    assert "Traceback" not in told


def test_what_is_no_place_is_one_clear_message(tmp_path: Path):
    (tmp_path / "smelt.toml").write_text("")
    told = _smelt(tmp_path, "onboard", "nowhere", "--yes", expected=1)
    assert "nowhere is no file, folder, bucket, database or URL" in told
    (tmp_path / "empty").mkdir()
    told = _smelt(tmp_path, "onboard", "empty", "--yes", expected=1)
    assert "nothing to read" in told
