"""A project whose source drifts, built once."""

from __future__ import annotations

from pathlib import Path

import pytest
from drifted_shop import DriftedShop, copy_shop, make_shop


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> DriftedShop:
    """The project as it was before, to be copied."""
    folder = tmp_path_factory.mktemp("built") / "shop"
    folder.mkdir()
    return make_shop(folder)


@pytest.fixture
def shop(built: DriftedShop, tmp_path: Path) -> DriftedShop:
    """A copy for one test."""
    return copy_shop(built, tmp_path / "shop")
