"""A library that is asked through the loopback server, which plays the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from plugins.core.sql.guard import Limits, open_guarded
from plugins.nl_models.catalog.database import read_database
from plugins.nl_models.catalog.project import restricted
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.language import ModelPlanned, plan_with_model
from plugins.nl_models.semantic.layer import SemanticLayer
from plugins.nl_models.subject import Subject
from tests.core.llm.conftest import World, api, world
from tests.core.llm.messages_api import MessagesApi
from tests.nl_models.language.library import HOSTILE, SQL, manifest

__all__ = ["api", "world"]

TODAY = date(2024, 5, 15)
_ASKED = {"gold.authors", "gold.books", "gold.loans", "gold.readers"}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "library.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(SQL)
    return path


@pytest.fixture(scope="session")
def subject(library: Path) -> Subject:
    """What may be asked of the library; `hr.salaries` may not."""
    con = open_guarded(library)
    catalog = _described(restricted(read_database(con), _ASKED))
    values = {("authors", "country"): ("Norway", "Spain"), ("books", "title"): catalog_values(catalog)}
    return Subject(catalog, con, SemanticLayer.of(manifest()), values, Limits(seconds=10))


def catalog_values(catalog: Catalog) -> tuple[str, ...]:
    return catalog.column("gold.books", "title").values or ()


def _described(catalog: Catalog) -> Catalog:
    """With a description and a synonym that say what the model should do instead."""
    books = catalog.tables["gold.books"]
    title = replace(books.columns["title"], description=HOSTILE, synonyms=(HOSTILE,))
    hostile = replace(books, description=HOSTILE, synonyms=(HOSTILE,), columns={**books.columns, "title": title})
    return replace(catalog, tables={**catalog.tables, "gold.books": hostile})


Ask = Callable[..., ModelPlanned | None]


@pytest.fixture
def ask(world: World, api: MessagesApi, subject: Subject) -> Ask:
    """Ask a question; keyword arguments are those of `plan_with_model`, and `llm` for smelt.toml."""

    def asked(question: str, *, candidates: int = 1, llm: dict[str, Any] | None = None, **more: Any) -> Any:
        world.configure(**{"timeout_seconds": 5, "retries": 0, "wait_seconds": 1, **(llm or {})})
        more = {"today": TODAY, **more}
        return plan_with_model(question, subject, world.open(), candidates=candidates, **more)

    return asked


def told(api: MessagesApi, number: int = -1) -> str:
    """The user part of a request's first message."""
    return api.bodies[number]["messages"][0]["content"]


def tool_results(api: MessagesApi, number: int = -1) -> list[dict[str, Any]]:
    """All results of tools, in order, as the last request has them, or another one."""
    contents = [m["content"] for m in api.bodies[number]["messages"] if m["role"] == "user"]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return json.loads(json.dumps(blocks))
