"""What happened to the rows of a fact: tickets were opened, and closed; each is counted by its own day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from plugins.nl_models.catalog.names import table_words, words_of
from plugins.nl_models.catalog.schema import Column, Table
from plugins.nl_models.semantic.inferring.measures import Measured
from plugins.nl_models.semantic.inferring.star import sql_name

# Of the names of days: they say that it is a day, not of what.
_DAYS = frozenset({"at", "on", "date", "time", "day", "datetime", "timestamp", "ts", "dt", "utc"})
_IRREGULAR = frozenset({"sent", "sold", "paid", "bought", "lent", "made", "won", "lost", "built", "left", "begun"})


def done(table: Table, column: Column) -> list[str]:
    """The verbs that a day's name says: opened of `opened_at`, hired of `hire_date`."""
    words = [word for word in column.name.lower().split("_") if word not in _DAYS]
    if len(words) != 1 or words_of(words[0])[-1] in table_words(table.name):
        return []
    (word,) = words
    if word.endswith("ed") or word in _IRREGULAR:
        return [word]
    return [f"{word}d" if word.endswith("e") else f"{word}ed"]


def happened(counted: Measured, table: Table, main: str | None, days: dict[str, str]) -> Iterator[Measured]:
    """The rows as they are counted by their main day, and by each other one under a name of its own.

    main: the main day, as SQL. days: dimensions by the column that they are of.
    """
    for name, column in table.columns.items():
        for verb in done(table, column) if column.kind == "time" else ():
            said = (f"{counted.label} {verb}", f"number of {counted.label} {verb}")
            if sql_name(name) == main:
                counted = replace(counted, synonyms=(*counted.synonyms, *said))
            elif name in days:
                yield replace(
                    counted,
                    name=f"{counted.name}_{verb}",
                    label=said[0],
                    synonyms=said[1:],
                    about=(*counted.about, verb),
                    day=days[name],
                )
    yield counted
