"""The tools that the model may call while it plans. They read names, and values only as samples; nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from plugins.core.llm import Sample
from plugins.core.llm.tools import Tool
from plugins.core.sql.guard import Result
from plugins.nl_models.language.form import PlanForm
from plugins.nl_models.language.naming import PlanError, shown
from plugins.nl_models.language.personal import Marked, personal_positions
from plugins.nl_models.language.search import Finder
from plugins.nl_models.language.summary import describe
from plugins.nl_models.language.trial import Trials
from plugins.nl_models.language.values import Values

# Of a text in a row that is shown.
_LONGEST = 200


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Arguments):
    """What is looked for, in a few words."""

    words: str = Field(max_length=300)


class Name(_Arguments):
    """The exact name of a table or a metric."""

    name: str = Field(max_length=300)


class ValueSearch(_Arguments):
    """A value as the question has it. columns: `table.column` or dimensions to look in; []: all."""

    text: str = Field(max_length=300)
    columns: tuple[str, ...] = Field(default=(), max_length=20)


@dataclass
class Tools:
    """The tools of one answer; they can be called so often, and no oftener."""

    trials: Trials
    finder: Finder
    values: Values
    marked: Marked
    calls: int = 0
    tries: int = 0

    @property
    def all(self) -> list[Tool]:
        """As a model takes them."""
        return [self.search_catalog, self.describe, self.find_values, self.try_plan]

    def search_catalog(self, arguments: Words) -> list[dict[str, str]]:
        """Find tables, columns, metrics and dimensions by words: of names, synonyms, descriptions, or alike."""
        self._count()
        found = self.finder.ranked(arguments.words)[: self.trials.bounds.found_names]
        return [
            {"kind": entry.kind, "name": entry.name, "description": shown(entry.description)} for entry, _ in found
        ]

    def describe(self, arguments: Name) -> dict[str, Any]:
        """Describe a table (columns, types, key, joins) or a metric (unit, the dimensions it can be had by)."""
        self._count()
        return describe(arguments.name, self.trials.subject, self.trials.bounds)

    def find_values(self, arguments: ValueSearch) -> dict[str, Any]:
        """Find columns and dimensions that have a value like this one, and how the value is written there."""
        self._count()
        found = self.values.like(arguments.text, arguments.columns)
        if not found:
            raise PlanError("no column whose values are known has one like it", "compare with `contains`")
        return {
            place: Sample([{column: value} for value in values], frozenset({column} if is_personal else ()))
            for (place, column, is_personal), values in found.items()
        }

    def try_plan(self, arguments: PlanForm) -> dict[str, Any]:
        """Run a plan: columns with their types, how many rows, and the first ones; or what is wrong with it."""
        self._count()
        self.tries += 1
        if self.tries > self.trials.bounds.tries:
            raise PlanError("no more plans can be tried", "answer now")
        tried = self.trials.run(arguments)
        result = tried.result
        hidden = personal_positions(tried.plan, result.columns, self.trials.subject, self.marked)
        return {
            "columns": dict(zip(_names(result), result.types, strict=True)),
            "row count": f"{len(result.rows)}{' or more' if result.is_truncated else ''}",
            "notes": list(tried.notes),
            "rows": _sample(result, hidden, self.trials.bounds.rows_shown),
        }

    def _count(self) -> None:
        self.calls += 1
        if self.calls > self.trials.bounds.tool_calls:
            raise PlanError("no more tools can be called", "answer now")


def _names(result: Result) -> list[str]:
    """The columns' names; one that is there already gets a number."""
    return [
        name if name not in result.columns[:number] else f"{name}_{number + 1}"
        for number, name in enumerate(result.columns)
    ]


def _sample(result: Result, hidden: set[int], most: int) -> Sample:
    names = _names(result)
    rows = [
        {
            name: value if number in hidden else _short(value)
            for number, (name, value) in enumerate(zip(names, row, strict=True))
        }
        for row in islice(result.rows, most)
    ]
    return Sample(rows, frozenset(names[number] for number in hidden))


def _short(value: Any) -> Any:
    is_plain = value is None or isinstance(value, bool | int | float)
    return value if is_plain else str(value)[:_LONGEST]
