"""An answer on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from plugins.nl_models.answering import Answer
from plugins.nl_models.sources import Source

# More rows are counted, not shown: nobody reads them.
_MOST_ROWS = 40


def show(
    given: Answer, sentence: str, console: Console, sources: Sequence[Source] = (), *, with_sql: bool = True
) -> None:
    """Rows, what was understood, the SQL, where it comes from, how sure it is, and what else could be meant."""
    if given.result is not None:
        console.print(_rows(given))
        if (left := len(given.result.rows) - _MOST_ROWS) > 0:
            console.print(f"[dim]… and {left:,} more rows: --json has all of them[/]")
    if sentence:
        console.print(Text(sentence, style="italic"))
    for assumption in given.assumptions:
        console.print(Text(f"assumed: {assumption}", style="yellow"))
    if given.sql is not None:
        if with_sql:
            console.print(Syntax(given.sql, "sql", background_color="default", word_wrap=True))
        for column, made_of in _made_of(sources):
            console.print(Text(f"{column} from {', '.join(made_of)}", style="dim"))
        console.print(f"[dim]confidence {given.confidence:.2f}[/]")
    for choice in given.choices:
        console.print(Text(f"or: {choice}", style="dim"))
    if given.question_back is not None:
        console.print(Text(f"? {given.question_back}", style="yellow"))


def _made_of(sources: Sequence[Source]) -> list[tuple[str, list[str]]]:
    """By column of the answer, the columns of models that it is made from, and of what in turn."""
    found: dict[str, list[str]] = {}
    for source in sources:
        if source.answer is not None:
            origins = f" (of {', '.join(source.origins)})" if source.origins else ""
            found.setdefault(source.answer, []).append(f"{source.model}.{source.column}{origins}")
    return [(column, list(dict.fromkeys(made_of))) for column, made_of in found.items()]


def _rows(given: Answer) -> Table:
    assert given.result is not None
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, data_type in zip(given.result.columns, given.result.types, strict=True):
        is_number = data_type.upper().startswith(("DECIMAL", "DOUBLE", "FLOAT")) or "INT" in data_type.upper()
        table.add_column(Text(column), justify="right" if is_number else "left")
    for row in given.result.rows[:_MOST_ROWS]:
        table.add_row(*(Text("∅" if value is None else _written(value)) for value in row))
    return table


def _written(value: object) -> str:
    """Fractions to four digits: more are noise on a terminal; --json has them."""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
