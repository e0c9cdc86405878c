"""An answer as the content of its page."""

from __future__ import annotations

from plugins.nl_models.analysis import Analysis
from plugins.nl_models.answering import Answer
from plugins.nl_models.page import AnswerPage, columns_by_type, columns_of_analysis
from plugins.nl_models.plan import Plan
from plugins.nl_models.sessions import ProjectSession, Session


def page_of(session: Session, question: str, given: Answer, sentence: str) -> AnswerPage:
    """The page of an answer. sentence: its plan in words."""
    result = given.result
    columns = ()
    if result is not None and isinstance(session, ProjectSession) and isinstance(given.plan, Analysis):
        layer = session.answers.project.of(given.plan.metrics).layer
        assert layer is not None
        columns = columns_of_analysis(given.plan, layer, result.columns, result.types)
    if result is not None and not columns:
        plan = given.plan if isinstance(given.plan, Plan) else None
        columns = columns_by_type(result.columns, result.types, plan)
    return AnswerPage(
        question=question,
        columns=columns,
        rows=result.rows if result is not None else (),
        is_truncated=result.is_truncated if result is not None else False,
        sentence="; ".join([sentence, *given.assumptions]) if given.assumptions else sentence,
        confidence=given.confidence if given.sql is not None else None,
        question_back=given.question_back,
        choices=given.choices,
        sql=given.sql,
        sources=session.sources(given),
    )
