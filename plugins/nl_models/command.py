"""`smelt ask`: thin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plugins.core.errors import SmeltError

if TYPE_CHECKING:
    from plugins.core.llm import Model
    from plugins.core.settings import Settings
    from plugins.nl_models.answering import Answer
    from plugins.nl_models.sessions import ProjectSession, Session
    from plugins.review import Proposal


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ask")(ask)


def ask(
    question: Annotated[
        str, typer.Argument(help="The question, in English; without one, a conversation on a terminal.")
    ] = "",
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Propose a dbt model of this name that holds it.")
    ] = None,
    edit: Annotated[
        str | None, typer.Option("--edit", metavar="MODEL", help="Propose this change to an existing model.")
    ] = None,
    learn: Annotated[
        bool, typer.Option("--learn", help="Propose synonyms from what reviewers corrected in merged models.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the answer as a page with a plot.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; with --file one line an answer.")] = False,
    file: Annotated[
        Path | None,
        typer.Option("--file", help='JSON lines {"id", "question"}, and "db_id" with --database-dir; - is stdin.'),
    ] = None,
    database: Annotated[
        Path | None, typer.Option("--database", help="Ask a DuckDB file instead of the project.")
    ] = None,
    database_dir: Annotated[
        Path | None, typer.Option("--database-dir", help="Folder of DB_ID.duckdb files, for questions with db_id.")
    ] = None,
    forge: Annotated[
        str | None, typer.Option("--forge", help="Where to open a proposal: local, github or gitlab.")
    ] = None,
    project_dir: Annotated[
        Path, typer.Option("--project-dir", help="Folder of the dbt project.", show_default="this folder")
    ] = Path(),
    profiles_dir: Annotated[
        Path | None, typer.Option("--profiles-dir", help="Folder of profiles.yml.", show_default="as dbt finds it")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="dbt target to ask.", show_default="what is published")
    ] = None,
) -> None:
    """Ask in English: the answer, what was understood, its SQL and how sure it is. Nothing is ever written.

      smelt ask "revenue by month in 2011, against last year"
      smelt ask "top 5 countries by revenue in EUR" --html answer.html
      smelt ask "monthly revenue by country for returning customers" --model agg_returning_revenue
      smelt ask "also split by customer type" --edit agg_revenue_daily
      smelt ask                                             a conversation: "now by month", "only Germany"
      smelt ask "how many singers are there?" --database music.duckdb
      smelt ask --database music.duckdb --file questions.jsonl --json

    Metrics of the semantic layer are asked first, then gold tables, then the others; private models never.
    """
    from plugins.core.settings import load_settings
    from plugins.nl_models.second_opinion import model_of

    _require_one_thing(question, model, edit, learn, file)
    settings = load_settings(project_dir.resolve() if project_dir != Path() else None)
    with model_of(settings, "ask") as language_model:
        if database is not None or database_dir is not None:
            if model or edit or learn:
                raise SmeltError("models are proposed to a dbt project, not to a database", "leave --database out")
            from plugins.nl_models.sessions import DatabaseSession

            _answer(DatabaseSession(database, database_dir, language_model), question, file, html, as_json)
            return
        session = _project_session(settings, target, profiles_dir, language_model)
        if learn:
            _learn(session, forge, as_json)
        elif edit is not None:
            _edit(session, edit, question, forge, as_json)
        elif model is not None:
            _propose(session, question, model, forge, as_json)
        else:
            _answer(session, question, file, html, as_json)


def _require_one_thing(question: str, model: str | None, edit: str | None, learn: bool, file: Path | None) -> None:
    wanted = [
        name
        for name, given in (("--model", model), ("--edit", edit), ("--learn", learn), ("--file", file))
        if given
    ]
    if len(wanted) > 1:
        raise SmeltError(f"{' and '.join(wanted)} cannot be had at once", "give one of them")
    if wanted and wanted[0] in ("--model", "--edit") and not question:
        raise SmeltError(
            f"{wanted[0]} needs words", 'smelt ask "revenue by month and country" --model agg_revenue'
        )


def _project_session(
    settings: Settings, target: str | None, profiles_dir: Path | None, model: Model | None
) -> ProjectSession:
    from plugins.nl_models.sessions import ProjectSession

    if not (settings.project_dir / "dbt_project.yml").is_file():
        raise SmeltError(
            f"there is no dbt project in {settings.project_dir}",
            "run it in a dbt project, or give --project-dir, or --database FILE",
        )
    return ProjectSession(settings, target, profiles_dir, model)


def _answer(session: Session, question: str, file: Path | None, html: Path | None, as_json: bool) -> None:
    if file is not None:
        _answer_all(session, file, as_json=as_json)
    elif question:
        _answer_one(session, question, html, as_json=as_json)
    else:
        _converse(session)
        return
    _say_unread(session)


def _say_unread(session: Session) -> None:
    from plugins.nl_models.catalog.schema import told_unread

    if session.unread:
        typer.echo(f"left out: {told_unread(session.unread)}", err=True)


def _answer_all(session: Session, file: Path, *, as_json: bool) -> None:
    from rich.progress import track

    from plugins.nl_models.sessions import read_questions

    questions = read_questions(file)
    shown = track(questions, "asking", transient=True) if sys.stderr.isatty() and not as_json else questions
    for entry in shown:
        given = session.answer(entry["question"], entry.get("db_id"))
        typer.echo(json.dumps({"id": entry.get("id"), **given.document()}, default=str))


def _answer_one(session: Session, question: str, html: Path | None, *, as_json: bool) -> None:
    from rich.console import Console

    from plugins.nl_models.terminal import show

    given = session.answer(question)
    sentence = session.sentence(given)
    if html is not None:
        typer.echo(_write_page(session, question, given, sentence, html), err=as_json)
    if as_json:
        _print_json(_document(session, given, sentence))
    elif html is None or given.sql is None:
        show(given, sentence, Console(highlight=False), session.sources(given))
    if given.sql is None:
        _say_unread(session)
        raise typer.Exit(1)


def _document(session: Session, given: Answer, sentence: str) -> dict[str, Any]:
    from dataclasses import asdict

    rows = [list(row) for row in given.result.rows] if given.result else None
    columns = list(given.result.columns) if given.result else None
    said = {"sentence": sentence, "assumptions": list(given.assumptions), "choices": list(given.choices)}
    said["sources"] = [asdict(source) for source in session.sources(given)]
    return {**given.document(), **said, "columns": columns, "rows": rows}


def _write_page(session: Session, question: str, given: Answer, sentence: str, path: Path) -> Path:
    from plugins.nl_models.page import write_page
    from plugins.nl_models.picture import page_of

    return write_page(path, page_of(session, question, given, sentence))


def _converse(session: Session) -> None:
    from plugins.nl_models.conversation import converse

    if converse(session) == 0 and not sys.stdin.isatty():
        raise SmeltError("there is no question", 'smelt ask "revenue by month", or --file questions.jsonl')


def _propose(session: ProjectSession, question: str, name: str, forge: str | None, as_json: bool) -> None:
    from plugins.nl_models.analysis import Analysis
    from plugins.nl_models.models import Reuse, propose_model

    given = session.answer(question)
    sentence = session.sentence(given)
    if given.plan is None or given.sql is None:
        raise SmeltError(f"no model is proposed: {given.question_back}", "ask again with that said")
    project = session.answers.project
    if isinstance(given.plan, Analysis):
        project = project.of(given.plan.metrics)
    proposed = propose_model(
        given.plan,
        name=name,
        question=question,
        sentence=sentence,
        confidence=given.confidence,
        project=project,
    )
    if isinstance(proposed, Reuse):
        if as_json:
            _print_json({"reuse": proposed.model, "why": proposed.why})
        else:
            typer.echo(f"{proposed.model} holds this already: {proposed.why}")
        return
    _open(session, proposed, forge, as_json)


def _edit(session: ProjectSession, model: str, request: str, forge: str | None, as_json: bool) -> None:
    from plugins.nl_models.editing import propose_edit

    answers = session.answers
    _open(session, propose_edit(model, request, answers.project, today=answers.now), forge, as_json)


def _learn(session: ProjectSession, forge: str | None, as_json: bool) -> None:
    from plugins.nl_models.feedback import propose_feedback

    found = propose_feedback(session.settings, session.answers.project)
    if not found and not as_json:
        typer.echo("no merged proposal was corrected since the last time")
    for proposal in found:
        _open(session, proposal, forge, as_json)


def _open(session: ProjectSession, proposal: Proposal, forge: str | None, as_json: bool) -> None:
    from rich.console import Console

    from plugins.core.project.project import Project
    from plugins.nl_models.opening import open_proposal

    session.close()
    project = Project(session.settings.project_dir, target=session.target, profiles_dir=session.profiles_dir)
    with Console(stderr=True).status("building it in the sandbox") as status:
        opened = open_proposal(project, session.settings, proposal, forge=forge, on_progress=status.update)
    if as_json:
        _print_json(opened.document())
    elif opened.url is not None:
        typer.echo(f"opened  {opened.proposal.branch}\n{opened.url}\n")
        typer.echo(f"smelt proposals show {opened.proposal.id}    what its reviewer reads")
        typer.echo(f"git diff HEAD...{opened.proposal.branch}    its files")
    else:
        typer.echo(opened.body)
        typer.echo(
            f"not opened: its evidence speaks against it (smelt proposals show {opened.proposal.id})", err=True
        )
    if opened.url is None:
        raise typer.Exit(1)


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, default=str, indent=2))
