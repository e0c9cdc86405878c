"""Answers a question over a database: planned, checked by the guard, and only then run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Limits, Result, check, run
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.plan import Plan
from plugins.nl_models.planner import Planner
from plugins.nl_models.render.sql import to_sql

LONGEST_QUESTION = 2_000


@dataclass(frozen=True)
class Answer:
    """sql: None if the question is declined; question_back: what to ask instead, or what was not understood.

    confidence: 0..1; a little less than the share of public questions that are answered right where as many words
    are not understood (`python -m bench ask`). assumptions: what was decided without being said.
    choices: other readings, in words.
    """

    sql: str | None
    confidence: float
    plan: Plan | Analysis | None = None
    question_back: str | None = None
    result: Result | None = None
    assumptions: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "sql": self.sql,
            "confidence": self.confidence,
            "plan": self.plan.model_dump(mode="json", exclude_defaults=True) if self.plan else None,
            "question_back": self.question_back,
        }


_CHANGING = frozenset({"delete", "drop", "remove", "update", "insert", "truncate", "alter", "create", "grant"})
# What words do not have.
_SQL = re.compile(r"[*=;]|\w\(|\w\.\w")
# Where all words are understood, where one is not, where more are not.
_CONFIDENCE = (0.8, 0.6, 0.35)


def refusal(question: str) -> str | None:
    """Why a text is no question, and what to do instead; None if it may be one."""
    words = question.lower().split()
    if not words:
        return "the question is empty: what do you want to know?"
    if len(question) > LONGEST_QUESTION:
        return f"the question has {len(question):,} characters: ask one of at most {LONGEST_QUESTION:,}"
    if words[0] in _CHANGING:
        return f"questions are answered, nothing is changed: what do you want to know, rather than {words[0]}?"
    if words[0] in ("select", "with") and _SQL.search(question):
        return "this is SQL: `smelt query` runs it on what is published; what is the question in words?"
    return None


def answer(
    planner: Planner, con: duckdb.DuckDBPyConnection, question: str, limits: Limits | None = None
) -> Answer:
    """Plan the question, and run it on a guarded connection; what can't be run is declined."""
    if declined := refusal(question):
        return Answer(None, 0.0, question_back=declined)
    planned = planner.plan(question)
    if planned.plan is None:
        tables = ", ".join(sorted(planner.catalog.tables)[:10])
        return Answer(None, 0.0, question_back=f"nothing of it is in this database; there are: {tables}")
    confidence = _CONFIDENCE[min(len(planned.doubts), len(_CONFIDENCE) - 1)]
    doubts = ", ".join(f"“{doubt}”" for doubt in planned.doubts)
    back = f"what does {doubts} mean here?" if doubts else None
    try:
        sql = to_sql(planned.plan, planner.catalog)
        result = run(con, check(sql, planner.catalog.tables), limits)
    except SmeltError as error:
        return Answer(None, 0.0, planned.plan, back or f"it can't be answered: {error.message}")
    return Answer(sql, confidence, planned.plan, back, result)
