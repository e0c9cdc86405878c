"""A small project of three layers, built once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.schema_drift.small_bank import Bank


@pytest.fixture(scope="session")
def built_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Bank.build(tmp_path_factory.mktemp("bank") / "bank").folder


@pytest.fixture
def bank(built_bank: Path, tmp_path: Path) -> Bank:
    return Bank(shutil.copytree(built_bank, tmp_path / "bank"))
