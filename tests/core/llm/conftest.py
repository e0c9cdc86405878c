"""A project whose model is the loopback server, and a way to ask it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from plugins.core.ledger import TABLES, Ledger, Run, new_id
from plugins.core.llm import Model, Prompt, open_model
from plugins.core.llm.prompt import read_prompt
from plugins.core.settings import load_settings
from tests.core.llm.messages_api import KEY, MessagesApi, serve

PROMPT = """\
---
version: 3
---
# System
You answer questions about orders.
# User
Question: {{ question }}
"""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[MessagesApi]:
    """The loopback server, which the environment points at."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serve() as served:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", served.url)
        yield served


@dataclass
class World:
    """One run in a project. `configure` writes smelt.toml's section [llm]."""

    folder: Path
    run_id: str

    def configure(self, **llm: object) -> None:
        lines = [f"{key} = {_toml(value)}" for key, value in llm.items()]
        (self.folder / "smelt.toml").write_text("\n".join(["[llm]", *lines]))

    def open(self) -> Model:
        settings = load_settings(self.folder)
        model = open_model(settings, Run(Ledger(settings), self.run_id, "test"))
        assert model is not None
        return model

    def prompt(self, text: str = PROMPT) -> Prompt:
        path = self.folder / "question.md"
        path.write_text(text)
        return read_prompt(path, "nl_models")

    def ask(self, question: Any = "How many?", *more: Any, **named: Any) -> Any:
        return self.open().ask(self.prompt(), {"question": question}, *more, **named)

    @property
    def calls(self) -> list[dict[str, Any]]:
        table = TABLES["model_calls"]
        return Ledger(load_settings(self.folder)).read(select(table).order_by(table.c.event_id))


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


@pytest.fixture
def world(project: Path, api: MessagesApi) -> World:
    """A project with a short patience, so that failures are quick."""
    made = World(project, new_id())
    made.configure(timeout_seconds=5, wait_seconds=20)
    return made
