"""The worlds that tests of forges happen in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.review.forge.server import TOKEN
from tests.review.forge.world import World, make_world


@pytest.fixture(params=["github", "gitlab"])
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("GITHUB_REPOSITORY", "GITHUB_API_URL", "CI_PROJECT_PATH", "CI_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORGE_TOKEN", TOKEN)
    with make_world(request.param, tmp_path) as made:
        yield made
