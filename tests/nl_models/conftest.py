"""A dbt project of bike rentals, with a semantic layer, built once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from filelock import FileLock

from plugins.core.settings import load_settings
from plugins.nl_models import ProjectAnswers, open_project

SOURCE = Path(__file__).with_name("rentals")


@pytest.fixture(scope="session")
def rentals(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The built project's folder, which all processes share: nothing may be written to it but by its copy."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    folder = shared / "rentals"
    with FileLock(shared / "rentals.lock"):
        if not folder.exists():
            half = shared / "rentals.half"
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(SOURCE, half)
            built = subprocess.run(
                [Path(sys.executable).with_name("dbt"), "build", "--no-use-colors", "--profiles-dir", "."],
                cwd=half,
                env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"},
                capture_output=True,
                text=True,
            )
            assert built.returncode == 0, built.stdout
            half.rename(folder)
    return folder


@pytest.fixture(scope="session")
def answers(rentals: Path) -> ProjectAnswers:
    """The project, open for questions."""
    return ProjectAnswers(open_project(load_settings(rentals)), date(2026, 11, 20))
