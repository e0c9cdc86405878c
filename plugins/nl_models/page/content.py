"""What an answer's page shows, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from plugins.nl_models.analysis import Grain
from plugins.nl_models.sources import Source

Role = Literal["dimension", "time", "measure", "comparison", "detail"]

SHARE = "share"
"""The unit of parts of a whole, which are shown in per cent."""


@dataclass(frozen=True)
class PageColumn:
    """One column of the answer.

    role: a `measure` is plotted, a `comparison` beside it; a `detail` is in the table only. type: DuckDB's.
    grain: of a time, how long its buckets are. of: the measure that a comparison or detail belongs to.
    is_additive: whether the measure of several groups is the sum of theirs.
    """

    name: str
    type: str
    role: Role
    label: str
    unit: str = ""
    grain: Grain | None = None
    of: str | None = None
    is_additive: bool = False

    @property
    def heading(self) -> str:
        """Label and unit: `Revenue (EUR)`; per cent are written at each value."""
        says_it = not self.unit or self.unit == SHARE or self.unit.lower() in self.label.lower()
        return self.label if says_it else f"{self.label} ({self.unit})"


@dataclass(frozen=True)
class AnswerPage:
    """An answer, or why there is none (`question_back`, and no columns).

    rows: values as DuckDB gives them, in the order of `columns`. is_truncated: there are more rows. sentence: the
    plan in words. confidence: 0..1. choices: other readings of the question, in words. title: of the browser's
    window; the question, if it is empty.
    """

    question: str
    columns: Sequence[PageColumn] = ()
    rows: Sequence[Sequence[Any]] = ()
    is_truncated: bool = False
    sentence: str = ""
    confidence: float | None = None
    question_back: str | None = None
    choices: Sequence[str] = ()
    sql: str | None = None
    sources: Sequence[Source] = ()
    title: str = ""

    def of_role(self, *roles: Role) -> list[int]:
        """Positions of the columns with one of these roles."""
        return [n for n, column in enumerate(self.columns) if column.role in roles]
