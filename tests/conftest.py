"""Fixtures that several test folders share: a project of its own, and a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plugins.core.settings import secrets

# What a command prints is read in tests; how wide the terminal of whoever runs them is doesn't matter to them.
os.environ["COLUMNS"] = "200"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project: its lake, ledger and sources are below it."""
    (tmp_path / "smelt.toml").write_text("")
    (tmp_path / "sources").mkdir()
    return tmp_path


@contextmanager
def server_folder() -> Iterator[Path]:
    """A folder for a server that runs as another user: pytest closes its own to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="smelt-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> Iterator[None]:
    """What one test resolved is no secret in the next."""
    yield
    secrets.forget()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The DSN of a running PostgreSQL; tests make schemas of their own in it."""
    from demo.postgres import start_server

    with server_folder() as folder:
        server = start_server(folder / "data")
        yield server.dsn
        server.stop()
