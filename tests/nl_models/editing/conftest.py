"""A small bakery's project, built once: models in the house's style, and in those of others."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.core.project.project import Project
from plugins.core.settings import load_settings
from plugins.nl_models.catalog.project import AskedProject, open_project

PROJECT = Path(__file__).parent / "project"


def commit(folder: Path, message: str = "Change the project") -> None:
    for arguments in (["add", "-A"], ["commit", "-qm", message]):
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a repository of its own, built and compiled."""
    folder = tmp_path_factory.mktemp("bakery") / "bakery"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb", ".smelt"))
    subprocess.run(["git", "init", "-qb", "main"], cwd=folder, check=True)
    commit(folder, "Begin")
    project = Project(folder)
    outcome = project.build()
    assert not outcome.broken, [(node.name, node.message) for node in outcome.broken]
    project.compile()
    project.release()
    return folder


@pytest.fixture(scope="session")
def bakery(built: Path) -> Iterator[AskedProject]:
    project = open_project(load_settings(built))
    yield project
    project.con.close()
