"""Asks a language model for a plan, several times, and repairs and compares what it answers."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from plugins.core.errors import SmeltError
from plugins.core.llm import Model, ModelError, Prompt, load_prompt
from plugins.core.sql.guard import Result
from plugins.nl_models.language.bounds import DEFAULT, Bounds
from plugins.nl_models.language.form import Reply
from plugins.nl_models.language.lastday import last_day
from plugins.nl_models.language.personal import Marked
from plugins.nl_models.language.search import Finder, tables_by_score
from plugins.nl_models.language.summary import summarise
from plugins.nl_models.language.tools import Tools
from plugins.nl_models.language.trial import Trials, Tried
from plugins.nl_models.language.values import Values
from plugins.nl_models.language.voting import Declined, ModelPlanned, decide
from plugins.nl_models.subject import Subject

_log = logging.getLogger(__name__)

# The API has no temperature; answers differ by the way of working that the prompt names. See prompts/question.md.
APPROACHES = ("direct", "data first", "doubtful")
_LONGEST_LINE = 300


def plan_with_model(
    question: str,
    subject: Subject,
    model: Model,
    *,
    today: date,
    candidates: int = 3,
    other: Result | None = None,
    marked: Marked = frozenset(),
    bounds: Bounds = DEFAULT,
) -> ModelPlanned | None:
    """The plan that most of the model's answers agree on, or what it asks back; None: go on without the model.

    other: what the deterministic planner's answer returns, if it has one; its agreement makes an answer surer.
    marked: (table, column) of what the project marks as personal. None, with the reason logged, if the model gave
    nothing that can be used: it was unavailable, over budget, refused, or its plans failed as often as they may.
    """
    if not question.strip() or len(question) > bounds.question_characters:
        _log.warning("no model is asked: a question has 1 to %s characters", f"{bounds.question_characters:,}")
        return None
    asking = _Asking.of(question, subject, model, today, marked, bounds)
    asked = max(1, min(candidates, bounds.candidates))
    answers: list[Tried | Declined] = []
    notes: list[str] = []
    for number in range(asked):
        try:
            answers.append(asking.answer(APPROACHES[number % len(APPROACHES)]))
        except ModelError as error:
            # The next would end in the same; what was answered before is paid for.
            notes.append(_readable(f"the model stopped answering: {error.message}"))
            break
        except SmeltError as error:
            notes.append(_readable(f"an answer was dropped: {error.message}"))
    if not answers:
        _log.warning("no plan of the language model can be used: %s", "; ".join(notes))
        return None
    planned = decide(answers, asked, other)
    return ModelPlanned(
        planned.plan, planned.confidence, planned.question_back, planned.votes, (*planned.notes, *notes)
    )


@dataclass
class _Asking:
    """One question, ready to be asked as often as wanted."""

    model: Model
    prompt: Prompt
    trials: Trials
    finder: Finder
    values: Values
    marked: Marked
    given: Mapping[str, Any]

    @classmethod
    def of(
        cls, question: str, subject: Subject, model: Model, today: date, marked: Marked, bounds: Bounds
    ) -> _Asking:
        """With all that each answer starts from."""
        finder = Finder.of(subject)
        tables = list(tables_by_score(finder.ranked(question)))
        last = last_day(subject, tables, today)
        given = {
            "question": question,
            "catalog": summarise(question, subject, finder, bounds),
            "today": f"{today.isoformat()}, a {today:%A}",
            "last_day": last.isoformat() if last else "unknown",
        }
        trials = Trials(question, subject, bounds)
        prompt = load_prompt("nl_models", "question")
        return cls(model, prompt, trials, finder, Values.of(subject, marked, bounds), marked, given)

    def answer(self, approach: str) -> Tried | Declined:
        """One answer, repaired if need be. Raises ModelError, or SmeltError with what the last plan failed by."""
        failed: list[dict[str, str]] = []
        while True:
            tools = Tools(self.trials, self.finder, self.values, self.marked)
            given = {**self.given, "approach": approach, "failed_plans": failed or "none"}
            reply = self.model.ask(self.prompt, given, Reply, tools=tools.all)
            is_empty = not reply.queries and not reply.metrics
            if is_empty and (back := _readable(reply.question_back)):
                return Declined(back)
            try:
                return self.trials.run(reply)
            except SmeltError as error:
                if len(failed) == self.trials.bounds.repairs:
                    raise
                plan = reply.model_dump_json(exclude_defaults=True)[: self.trials.bounds.failed_characters]
                failed.append({"plan": plan, "error": str(error)})


def _readable(text: str) -> str:
    """Words of a model for a terminal: one line, no control characters, no links to follow."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = re.sub(r"\w+://\S+", "[link]", line)
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
