"""The language model is asked what the deterministic planner is not sure of; its plan goes the same way as any."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from plugins.core.errors import SmeltError
from plugins.core.llm import Model, has_model, open_model
from plugins.core.settings import Settings
from plugins.nl_models.answering import Answer
from plugins.nl_models.subject import Subject

_log = logging.getLogger(__name__)

# Surer answers cost nobody a call.
SURE_ENOUGH = 0.9


@contextmanager
def model_of(settings: Settings, what: str) -> Iterator[Model | None]:
    """The model that is configured, its calls accounted to a run of this kind; None without one, and no run."""
    if not has_model(settings):
        yield None
        return
    # Imported here, as the model's client is: who has no provider doesn't pay for it.
    from plugins.core.ledger import Ledger, open_run

    with open_run(Ledger(settings), what) as run:
        yield open_model(settings, run)


@dataclass(frozen=True)
class SecondOpinion:
    """A model that may be asked. today: what the question counts from."""

    model: Model
    today: date

    def on(self, question: str, given: Answer, subject: Subject) -> Answer:
        """The model's answer where the one that is `given` is not sure, and the model's is; else that one."""
        if given.sql is not None and given.confidence >= SURE_ENOUGH:
            return given
        from plugins.nl_models.language import plan_with_model

        planned = plan_with_model(
            question, subject, self.model, today=self.today, other=given.result, marked=subject.marked
        )
        if planned is None:
            return given
        if planned.plan is None:
            return given if given.sql is not None else Answer(None, 0.0, given.plan, planned.question_back)
        if planned.confidence < given.confidence:
            return given
        try:
            sql = subject.sql(planned.plan, pretty=True)
            result = subject.run(sql)
        except SmeltError as error:
            _log.warning("the language model's plan cannot be run: %s", error.message)
            return given
        return Answer(sql, planned.confidence, planned.plan, None, result, planned.notes)
