"""Fixtures that several test folders share: a project of its own, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project: its lake, ledger and sources are below it."""
    (tmp_path / "smelt.toml").write_text("")
    (tmp_path / "sources").mkdir()
    return tmp_path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of a running PostgreSQL; tests make schemas of their own in it."""
    from demo.postgres import start_server

    server = start_server(tmp_path_factory.mktemp("postgres") / "data")
    yield server.dsn
    server.stop()
