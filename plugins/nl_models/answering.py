"""Answers a question over a database: planned, checked by the guard, and only then run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import duckdb

from plugins.core.sql.guard import Limits, Result
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.plan import Plan
from plugins.nl_models.planner import Planner
from plugins.nl_models.ranking.asking_back import ask_back, what_is_missing
from plugins.nl_models.ranking.coverage import unknown_splits
from plugins.nl_models.ranking.model import model
from plugins.nl_models.ranking.trial import try_readings
from plugins.nl_models.render.sentence import to_sentence

LONGEST_QUESTION = 2_000


@dataclass(frozen=True)
class Answer:
    """sql: None if the question is declined; question_back: what to ask instead, or what was not understood.

    confidence: 0..1, the share of questions with such evidence that are answered right (`python -m bench ask`).
    assumptions: what was decided without being said. choices: other readings, in words, the likeliest first.
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
            "plan": self.plan.model_dump(mode="json", exclude_none=True) if self.plan else None,
            "question_back": self.question_back,
        }


_CHANGING = frozenset({"delete", "drop", "remove", "update", "insert", "truncate", "alter", "create", "grant"})
# What words do not have.
_SQL = re.compile(r"[*=;]|\w\(|\w\.\w")
# An answer that is less sure comes with a question back: of those, hardly more than half are right.
LEAST_SURE = 0.6
MOST_CHOICES = 3


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
    tried = try_readings(planner.readings(question), planner.catalog, con, model(), limits)
    if not tried:
        return Answer(None, 0.0, question_back=what_is_missing(question, planner))
    best, *others = tried
    if best.result is None:
        return Answer(None, 0.0, best.reading.plan, f"it can't be answered: {best.error}")
    confidence = round(model().probability(best.evidence), 2)
    # A figure that is not split as it was asked is no answer, however sure the rest is.
    is_unsplit = bool(unknown_splits(best.reading.chunks))
    is_sure = confidence >= LEAST_SURE and not best.evidence["unknown nouns"] and not is_unsplit
    back = None if is_sure else ask_back(best, others, planner)
    choices = tuple(dict.fromkeys(to_sentence(other.reading.plan) for other in others if other.result is not None))
    own = to_sentence(best.reading.plan)
    choices = tuple(text for text in choices if text != own)[:MOST_CHOICES]
    return Answer(best.reading.sql, confidence, best.reading.plan, back, best.result, choices=choices)
