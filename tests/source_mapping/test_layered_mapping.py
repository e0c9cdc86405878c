"""`smelt map` in a Smelt project, with its layers: what is merged stands, and what is only staged is said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
_KEPT = ("macros", "profiles.yml", "dbt_project.yml", ".dbtignore", ".gitignore")
_MACROS = '["audit_columns", "broken_rules", "is_valid", "latest_valid", "quarantined"]'
_CONTACTS = "id;Name;Umsatz\n" + "".join(f"{i};Ann {i};{i}.000,50\n" for i in range(1, 60))
_LATER = "".join(f"{i};Ann {i};{i},12345\n" for i in range(60, 90))


def _run(folder: Path, *command: str) -> str:
    names = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SMELT_"))}
    names |= {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    names |= {f"GIT_{who}_NAME": "ann" for who in ("AUTHOR", "COMMITTER")}
    names |= {f"GIT_{who}_EMAIL": "ann@example.com" for who in ("AUTHOR", "COMMITTER")}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=names, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _smelt(folder: Path, *arguments: str) -> dict[str, Any]:
    return json.loads(_run(folder, sys.executable, "-m", "plugins.cli", *arguments, "--json"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layered")
    for name in _KEPT:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    (folder / "models/silver/calendar").mkdir(parents=True)
    (folder / "models/silver/calendar/days.sql").write_text("select 1 as day_number\n")
    (folder / "contracts/silver").mkdir(parents=True)
    (folder / "exports").mkdir()
    (folder / "exports/contacts.csv").write_text(_CONTACTS)
    (folder / "exports/empty.csv").write_text("a,b\n")
    (folder / "smelt.toml").write_text(
        f'[review]\nmacros = {_MACROS}\n\n[connections.crm]\ntype = "files"\nurl = "{folder / "exports"}"\n'
    )
    (folder / "sources/crm").mkdir(parents=True)
    (folder / "sources/crm/source.yml").write_text(
        "description: Exports.\nkind: files\nconnection: crm\nowner: sales\n\nstreams:\n"
        "  - name: contacts\n    files: {glob: contacts.csv, format: csv, delimiter: ;}\n"
        "    sync_mode: incremental\n    primary_key: [id]\n"
        "  - name: empty\n    files: {glob: empty.csv, format: csv}\n    sync_mode: incremental\n"
    )
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "A project")):
        _run(folder, *GIT, *command)
    return folder


@pytest.mark.full
def test_what_is_merged_stands_and_what_is_only_staged_is_said(project: Path):
    _run(project, sys.executable, "-m", "plugins.cli", "ingest", "crm")
    first = _smelt(project, "map", "crm")
    assert first["failed"] is False
    body = Path(first["url"].removeprefix("file://")).read_text()
    assert "1 of 2 streams are only staged** (`empty`)" in body
    (branch,) = _run(project, *GIT, "branch", "--list", "smelt/mapping/*").split()
    _run(project, *GIT, "merge", "-q", branch)
    merged = (project / "models/silver/crm/stg_crm__contacts.sql").read_text()
    assert "decimal(18, 4)" in merged
    (project / "exports/contacts.csv").write_text(_CONTACTS + _LATER)
    _run(project, sys.executable, "-m", "plugins.cli", "ingest", "crm")
    (project / "sources/crm/mapping.yml").unlink()
    again = _smelt(project, "map", "crm")
    assert again["files"] == ["sources/crm/mapping.yml"], "no model is drafted anew"
    assert {entity["entity"] for stream in again["streams"] for entity in stream["entities"]} == {
        "contacts",
        "empty",
    }
