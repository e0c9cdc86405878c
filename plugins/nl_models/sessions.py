"""What is asked: databases by name, or a dbt project; each is opened once."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.llm import Model
from plugins.core.settings import Settings
from plugins.core.sql.guard import open_guarded
from plugins.core.warehouse.newer import copy_tables, is_newer
from plugins.nl_models.answering import Answer, answer, refusal
from plugins.nl_models.asking import ProjectAnswers
from plugins.nl_models.catalog.database import read_database
from plugins.nl_models.catalog.project import open_project
from plugins.nl_models.plan import Plan
from plugins.nl_models.planner import Planner
from plugins.nl_models.render.sentence import to_sentence
from plugins.nl_models.second_opinion import SecondOpinion
from plugins.nl_models.sources import Source, sources
from plugins.nl_models.subject import Subject
from plugins.nl_models.words.english import english
from plugins.nl_models.words.language import ONLY_ENGLISH, looks_foreign


class Session(Protocol):
    """Something that can be asked."""

    def answer(self, question: str, db_id: str | None = None) -> Answer:
        """The answer; `db_id` names a database where there are several."""
        ...

    def sentence(self, given: Answer) -> str:
        """The answer's plan in words."""
        ...

    def sources(self, given: Answer) -> tuple[Source, ...]:
        """Which columns of which models the answer is made from, as far as that is known."""
        ...

    @property
    def unread(self) -> Mapping[str, str]:
        """Why some tables of what was asked can't be, by name."""
        ...


class DatabaseSession:
    """DuckDB files: one, or all of a folder."""

    def __init__(self, database: Path | None, folder: Path | None, model: Model | None = None) -> None:
        self._database = database
        self._folder = folder
        self._second = SecondOpinion(model, date.today()) if model is not None else None
        self._copies: list[tempfile.TemporaryDirectory[str]] = []
        self._open: dict[Path, tuple[Planner, duckdb.DuckDBPyConnection]] = {}

    def answer(self, question: str, db_id: str | None = None) -> Answer:
        """Answer from the database of this id, or from the one that was named."""
        planner, con = self._session(self._path(db_id))
        given = answer(planner, con, question)
        if given.question_back is not None and looks_foreign(question):
            given = Answer(None, 0.0, question_back=ONLY_ENGLISH)
        if self._second is None or refusal(question):
            return given
        return self._second.on(question, given, Subject(planner.catalog, con))

    def sentence(self, given: Answer) -> str:
        """The plan in words."""
        return to_sentence(given.plan) if isinstance(given.plan, Plan) else ""

    def sources(self, given: Answer) -> tuple[Source, ...]:
        """None: a bare database has no models."""
        return ()

    @property
    def unread(self) -> Mapping[str, str]:
        """Of all databases that were asked."""
        return {name: why for planner, _ in self._open.values() for name, why in planner.catalog.unread.items()}

    def _path(self, db_id: str | None) -> Path:
        if self._database is not None:
            return self._database
        assert self._folder is not None
        if not db_id:
            raise SmeltError("a question has no db_id", "with --database-dir each names its database")
        path = (self._folder / f"{db_id}.duckdb").resolve()
        if path.parent != self._folder.resolve():
            raise SmeltError(f"the db_id {db_id!r} is no file's name", f"name a file of {self._folder}")
        return path

    def _session(self, path: Path) -> tuple[Planner, duckdb.DuckDBPyConnection]:
        if path not in self._open:
            if not path.is_file():
                raise SmeltError(f"there is no database {path}", "give a DuckDB file")
            con = open_guarded(self._readable(path))
            self._open[path] = (Planner(read_database(con)), con)
        return self._open[path]

    def _readable(self, path: Path) -> Path:
        if not is_newer(path):
            return path
        folder = tempfile.TemporaryDirectory(prefix="smelt-ask-")
        # Deleted when the command ends.
        self._copies.append(folder)
        return copy_tables(path, Path(folder.name))


@dataclass
class ProjectSession:
    """What a dbt project has published, or the DuckDB file of its target."""

    settings: Settings
    target: str | None = None
    profiles_dir: Path | None = None
    model: Model | None = None
    is_conversation: bool = field(default=False)

    def answer(self, question: str, db_id: str | None = None) -> Answer:
        """The answer; in a conversation a question may go on from the one before it."""
        if not self.is_conversation:
            self.answers.before = None
        given = self.answers.answer(question)
        english().save(self._kept)
        return given

    def sentence(self, given: Answer) -> str:
        """The plan in words."""
        return self.answers.sentence(given.plan) if given.plan is not None else ""

    def sources(self, given: Answer) -> tuple[Source, ...]:
        """Column by column, up to the dbt sources."""
        return sources(given.sql, self.answers.project) if given.sql is not None else ()

    @property
    def unread(self) -> Mapping[str, str]:
        """Models that are built, and can't be read."""
        return self.answers.project.catalog.unread

    def close(self) -> None:
        """Let go of the database: while it is open, this process can open it in no other way."""
        self.answers.project.con.close()

    @cached_property
    def answers(self) -> ProjectAnswers:
        """The project, open. Raises SmeltError if there is nothing to ask yet."""
        english().read(self._kept)
        project = open_project(self.settings, self.target, self.profiles_dir)
        second = SecondOpinion(self.model, date.today()) if self.model is not None else None
        return ProjectAnswers(project, date.today(), second=second, kept=self._kept)

    @cached_property
    def _kept(self) -> Path:
        return self.settings.make_local_root() / "ask"


def read_questions(file: Path) -> list[dict[str, Any]]:
    """The questions of a file of JSON lines; `-` is standard input. Raises SmeltError that names the line."""
    found = []
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise SmeltError(f"{file} cannot be read: {error}", "give a file of JSON lines in UTF-8") from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise SmeltError(f"{file}:{number} is not JSON: {error}", 'write {"id": …, "question": …}') from error
        if not isinstance(entry, dict) or not isinstance(entry.get("question"), str):
            raise SmeltError(f"{file}:{number} has no question", 'write {"id": …, "question": …}')
        found.append(entry)
    return found
