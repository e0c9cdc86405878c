"""A review of a small mapping, and a browser to look at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from reviewed_mapping import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "sources" / "library" / "mapping.yml")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; only tests marked `full` may ask for it."""
    from mapping_reader import open_browser

    with open_browser() as browser:
        yield browser
