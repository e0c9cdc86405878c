"""`smelt ask`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugins.core.errors import SmeltError

if TYPE_CHECKING:
    import duckdb

    from plugins.nl_models.answering import Answer
    from plugins.nl_models.planner import Planner


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ask")(ask)


def ask(
    question: Annotated[str, typer.Argument(help="The question, in English.")] = "",
    database: Annotated[Path | None, typer.Option("--database", help="A DuckDB file to ask.")] = None,
    database_dir: Annotated[
        Path | None, typer.Option("--database-dir", help="Folder of DB_ID.duckdb files, for questions with db_id.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help='JSON lines {"id", "question"}, and "db_id" with --database-dir.'),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --file one line an answer.")] = False,
) -> None:
    """Ask a DuckDB database in English: the answer, its SQL and how sure it is.

    smelt ask "how many singers are from each country?" --database music.duckdb
    smelt ask --database music.duckdb --file questions.jsonl --json
    """
    sessions = _Sessions(database, database_dir)
    if file is not None:
        for entry in _questions(file):
            given = sessions.answer(entry["question"], entry.get("db_id"))
            typer.echo(json.dumps({"id": entry.get("id"), **given.document()}, default=str))
        return
    if not question:
        raise SmeltError("there is no question", 'smelt ask "how many … ?" --database FILE, or give --file')
    given = sessions.answer(question)
    if as_json:
        rows = [list(row) for row in given.result.rows] if given.result else None
        columns = list(given.result.columns) if given.result else None
        typer.echo(json.dumps({**given.document(), "columns": columns, "rows": rows}, default=str, indent=2))
    else:
        _show(given)
    if given.sql is None:
        raise typer.Exit(1)


class _Sessions:
    """The databases that were asked so far, each with its planner."""

    def __init__(self, database: Path | None, folder: Path | None) -> None:
        if database is None and folder is None:
            raise SmeltError("there is no database to ask", "give --database FILE or --database-dir DIR")
        self._database = database
        self._folder = folder
        self._copies: list[tempfile.TemporaryDirectory[str]] = []
        self._open: dict[Path, tuple[Planner, duckdb.DuckDBPyConnection]] = {}

    def answer(self, question: str, db_id: str | None = None) -> Answer:
        """Answer from the database of this id, or from the one that was named."""
        from plugins.nl_models.answering import answer

        planner, con = self._session(self._path(db_id))
        return answer(planner, con, question)

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
        from plugins.core.sql.guard import open_guarded
        from plugins.nl_models.catalog.database import read_database
        from plugins.nl_models.planner import Planner

        if path not in self._open:
            if not path.is_file():
                raise SmeltError(f"there is no database {path}", "give a DuckDB file")
            con = open_guarded(self._readable(path))
            self._open[path] = (Planner(read_database(con)), con)
        return self._open[path]

    def _readable(self, path: Path) -> Path:
        from plugins.core.warehouse.newer import copy_tables, is_newer

        if not is_newer(path):
            return path
        folder = tempfile.TemporaryDirectory(prefix="smelt-ask-")
        # Deleted when the command ends.
        self._copies.append(folder)
        return copy_tables(path, Path(folder.name))


def _questions(file: Path) -> list[dict[str, Any]]:
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


def _show(given: Answer) -> None:
    from rich.console import Console
    from rich.syntax import Syntax
    from rich.table import Table
    from rich.text import Text

    from plugins.nl_models.render.sentence import to_sentence

    console = Console(highlight=False)
    if given.result is not None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in given.result.columns:
            table.add_column(Text(column))
        for row in given.result.rows:
            table.add_row(*(Text("∅" if value is None else str(value)) for value in row))
        console.print(table)
    if given.plan is not None:
        console.print(Text(to_sentence(given.plan), style="italic"))
    if given.sql is not None:
        console.print(Syntax(given.sql, "sql", background_color="default", word_wrap=True))
        console.print(f"[dim]confidence {given.confidence:.2f}[/]")
    if given.question_back is not None:
        console.print(Text(f"? {given.question_back}", style="yellow"))
