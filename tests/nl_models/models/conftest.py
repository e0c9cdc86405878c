"""A small dbt project with metrics, in a git repository, built once; models are proposed to copies of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from asked_shop import Shop

from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.nl_models.catalog.project import open_project

PROJECT = Path(__file__).parent / "project"
GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]


@pytest.fixture(scope="session")
def built_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "shop"
    shutil.copytree(PROJECT, folder)
    project = Project(folder)
    built = project.build()
    project.compile()
    project.release()
    assert not built.broken, built.broken
    (folder / ".gitignore").write_text("target/\nlogs/\n*.duckdb\n.smelt/\n")
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "the project"]):
        subprocess.run([*GIT, *arguments], cwd=folder, check=True)
    return folder


@pytest.fixture
def shop(built_shop: Path, tmp_path: Path) -> Iterator[Shop]:
    folder = tmp_path / "shop"
    shutil.copytree(built_shop, folder)
    asked = open_project(load_settings(folder))
    yield Shop(folder, asked)
    asked.con.close()
