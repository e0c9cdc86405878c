"""Questions one after the other: each may only say what to change of the one before it."""

from __future__ import annotations

from rich.console import Console
from rich.prompt import Prompt

from plugins.core.errors import SmeltError
from plugins.nl_models.sessions import ProjectSession, Session
from plugins.nl_models.terminal import show

_HELP = 'Ask, then change: "now by month", "only Germany", "and in euros", "top 5". `sql` shows it, `new` forgets.'
_LEAVE = frozenset({"exit", "quit", "bye", ":q"})


def converse(session: Session, console: Console | None = None) -> int:
    """Ask and answer until the end of input, or until it is said; returns how many questions there were."""
    console = console or Console(highlight=False)
    if isinstance(session, ProjectSession):
        session.is_conversation = True
    console.print(f"[dim]{_HELP}[/]")
    last = None
    asked = 0
    while True:
        try:
            question = Prompt.ask("[bold]ask[/]", console=console).strip()
        except (EOFError, KeyboardInterrupt):
            console.print()
            return asked
        if question.lower() in _LEAVE:
            return asked
        if question.lower() == "new":
            if isinstance(session, ProjectSession):
                session.answers.before = None
            continue
        if question.lower() == "sql":
            console.print(last.sql if last is not None and last.sql else "nothing was answered yet", markup=False)
            continue
        if not question:
            continue
        asked += 1
        try:
            last = session.answer(question)
            show(last, session.sentence(last), console, with_sql=False)
        except SmeltError as error:
            console.print(str(error), style="red", markup=False)
