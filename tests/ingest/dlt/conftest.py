"""A project whose source is a dlt resource."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.ingest.landed import Landed


class Dlt(Landed):
    """The stream `t` of a dlt source."""

    def stream(self, source: str, arguments: dict[str, Any] | None = None, key: str = "id", **stream: Any) -> None:
        """Declare the stream; `resource` names another resource than `t`."""
        named = {"resource": stream.pop("resource")} if "resource" in stream else {}
        self.declare(dlt={"source": source, "arguments": arguments or {}, **named}, primary_key=[key], **stream)

    def module(self, text: str) -> str:
        """A Python module in the project's folder; its name is its own, as Python imports a name once."""
        name = f"feed_{uuid4().hex}"
        (self.project / f"{name}.py").write_text(text)
        return name


@pytest.fixture
def feed(project: Path) -> Dlt:
    return Dlt(project, "dlt", {"type": "dlt"})
