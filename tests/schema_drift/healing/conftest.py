"""Tests share the drifting shop, whichever folder pytest is started in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _no_project_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMELT_PROJECT_DIR", "SMELT_FAILPOINT", "SMELT_PINS", "SMELT_WAREHOUSE", "SMELT_TARGET"):
        monkeypatch.delenv(name, raising=False)
