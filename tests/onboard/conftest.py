"""A project without models, in a repository, and the command in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Smelt = Callable[..., subprocess.CompletedProcess[str]]


def environment() -> dict[str, str]:
    """What a command is run with: an author for commits, and none of this process's own settings."""
    names = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SMELT_"))}
    for who in ("AUTHOR", "COMMITTER"):
        names |= {f"GIT_{who}_NAME": "ann", f"GIT_{who}_EMAIL": "ann@example.com"}
    return names | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "commit.gpgsign=false", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A project with a folder `exports` of one file."""
    (tmp_path / "smelt.toml").write_text("# ours\n[lake]\n")
    (tmp_path / "dbt_project.yml").write_text("name: tried\nprofile: tried\nmodel-paths: [models, sources]\n")
    profile = "tried: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}\n"
    (tmp_path / "profiles.yml").write_text(profile)
    (tmp_path / ".dbtignore").write_text("sources/*/source.yml\nsources/*/mapping.yml\n")
    (tmp_path / ".gitignore").write_text("lake/\n.smelt/\ntarget/\nlogs/\n*.duckdb\nexports/\n")
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports/bookings.csv").write_text("id,name\n1,Ann\n2,Bo\n")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "A project")
    return tmp_path


@pytest.fixture
def smelt(bare: Path) -> Smelt:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "plugins.cli", *arguments]
        return subprocess.run(command, cwd=bare, capture_output=True, text=True, env=environment(), check=False)

    return run
