"""A folder into which files are dropped, and the project that loads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ingest.landed import Landed


class Drop(Landed):
    """The folder `drop` of the project."""

    @property
    def folder(self) -> Path:
        return self.project / "drop"

    def put(self, name: str, content: str | bytes) -> Path:
        """Write a file below the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def stream(self, glob: str = "*.csv", format: str = "csv", key: str | None = "id", **files: Any) -> None:
        """Declare the stream."""
        self.declare(files={"glob": glob, "format": format, **files}, primary_key=[key] if key else [])


@pytest.fixture
def drop(project: Path) -> Drop:
    made = Drop(project, "files", {"type": "files", "url": "drop"})
    made.folder.mkdir()
    made.stream()
    return made
