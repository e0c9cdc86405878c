"""Answers questions over a dbt project: metrics first, then gold tables, then the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import duckdb

from plugins.core.duck import quote
from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Result
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.answering import Answer, answer, refusal
from plugins.nl_models.catalog.database import relation
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.feedback import Examples
from plugins.nl_models.plan import Plan
from plugins.nl_models.planner import Planner
from plugins.nl_models.reflecting import counts_each_once, reflects
from plugins.nl_models.render.analysis_sentence import describe
from plugins.nl_models.render.metric_words import made_of, metric_name
from plugins.nl_models.render.periods import earlier
from plugins.nl_models.render.sentence import to_sentence
from plugins.nl_models.routing import is_about_entities, names_own, reads_entities
from plugins.nl_models.second_opinion import SecondOpinion
from plugins.nl_models.semantic.layer import SemanticLayer
from plugins.nl_models.semantic.planner import MetricPlanned, MetricPlanner
from plugins.nl_models.semantic.request import Request
from plugins.nl_models.subject import Subject
from plugins.nl_models.words.language import ONLY_ENGLISH, looks_foreign
from plugins.nl_models.words.tokens import tokenise

# An answer that is less sure is not given: it is asked back instead.
LEAST_SURE = 0.5
# Of tables how sure it is was learned on bare databases, where no metric says what is meant by a word.
LEAST_SURE_OF_TABLES, MOST_SURE_OF_TABLES = 0.8, 0.89
# Of metrics that nobody has defined.
_MOST_SURE_OF_INFERRED = 0.85
# Nothing came back where something was expected.
_PER_EMPTY = 0.6
_DAY = timedelta(days=1)


@dataclass
class ProjectAnswers:
    """Answers over one project. today: relative periods count from it, or from the last day of older data.

    before: what was asked last, which the next question may only change; a new session has none.
    second: a language model, for what the planner here is not sure of. kept: a folder for what takes a
    while to find out.
    """

    project: AskedProject
    today: date
    before: Request | None = None
    second: SecondOpinion | None = None
    kept: Path | None = None

    def answer(self, question: str) -> Answer:
        """The answer of the best planner that is sure enough; else the one question that would help."""
        if declined := refusal(question):
            return Answer(None, 0.0, question_back=declined)
        known, notes = self.examples.answer(question)
        given = known or self._routed(question)
        if notes and given.plan not in self.examples.said:
            given = replace(given, assumptions=(*given.assumptions, *notes))
        return given if self.second is None else self.second.on(question, given, self.subject)

    def _routed(self, question: str) -> Answer:
        """The project's own metrics and tables answer, except what is about entities that nobody has modelled."""
        entities = self.entities
        if entities is None:
            return self._deterministic(question)
        was_of_entities = self.before is not None and entities.before is self.before
        goes_on = was_of_entities and not names_own(question, self.project)
        if was_of_entities and not goes_on:
            self.before = None
        if not goes_on:
            entities.before = None
        if goes_on or is_about_entities(question, self.project):
            return self._of_entities(question)
        own = self._deterministic(question)
        if own.sql is not None and not reads_entities(own.plan, self.project):
            return own
        other = self._of_entities(question)
        return other if other.sql is not None or own.sql is not None else own

    def _of_entities(self, question: str) -> Answer:
        assert self.entities is not None
        given = self.entities._deterministic(question)
        if given.sql is not None:
            self.before = self.entities.before
        return given

    def _deterministic(self, question: str) -> Answer:
        metric = self.metric_planner.plan(question, self.before) if self.metric_planner is not None else None
        if metric is not None and self.metric_planner is not None:
            metric = self.examples.prefer(question, metric, self.metric_planner)
        if metric is not None and metric.is_sure:
            found = self._run(metric)
            if found.confidence >= LEAST_SURE:
                self.before = metric.request
                return found
        if metric is not None and metric.analysis is not None and metric.is_lacking and not self._is_inferred:
            return Answer(None, metric.confidence, metric.analysis, metric.question_back)
        relational = self._over_tables(question)
        if relational.result is not None and _is_nothing(relational.result):
            relational = replace(relational, confidence=round(relational.confidence * _PER_EMPTY, 2))
        if relational.confidence >= LEAST_SURE_OF_TABLES and not self._leaves_out(question, metric, relational):
            return replace(relational, confidence=min(relational.confidence, MOST_SURE_OF_TABLES))
        return self._asked_back(question, metric, relational)

    def _run(self, planned: MetricPlanned) -> Answer:
        analysis = planned.analysis
        assert analysis is not None
        try:
            sql = self.subject.sql(analysis, pretty=True)
            result = self.subject.run(sql)
        except SmeltError as error:
            return Answer(None, 0.0, analysis, f"it can't be answered: {error.message}")
        sure = planned.confidence * (_PER_EMPTY if _is_nothing(result) else 1.0)
        sure = min(sure, _MOST_SURE_OF_INFERRED) if self._is_inferred else sure
        assumptions = (*planned.assumptions, *self._taken_for_metrics(analysis))
        assumptions = (*assumptions, *self._counted_from(planned), *self._cut_off(analysis))
        own = self.sentence(analysis)
        choices = tuple(text for text in dict.fromkeys(map(self.sentence, planned.choices)) if text != own)
        return Answer(sql, round(sure, 2), analysis, None, result, assumptions, choices)

    def sentence(self, plan: Plan | Analysis) -> str:
        """A plan in words."""
        if isinstance(plan, Plan):
            said = to_sentence(plan)
        else:
            layer = self.project.of(plan.metrics).layer
            assert layer is not None
            said = describe(plan, layer)
        more = self.examples.said.get(plan)
        return f"{said}; {more}" if more else said

    def _taken_for_metrics(self, analysis: Analysis) -> list[str]:
        """What is calculated where the project does not say what a figure is."""
        layer = self.project.layer
        if layer is None or not layer.is_inferred:
            return []
        metrics = [layer.metrics[name] for name in analysis.metrics]
        taken = (f"{metric_name(metric)} is the {made_of(metric, layer)}" for metric in metrics)
        return [f"the project defines no metric; {text}" for text in taken]

    def _counted_from(self, planned: MetricPlanned) -> list[str]:
        """That the data ends before today, where a period depends on it."""
        is_relative = planned.request is not None and any(p.is_relative for p in planned.request.periods)
        if not is_relative or self.now == self.today:
            return []
        return [f"relative periods count from {self.now.isoformat()}, the last day of the data"]

    def _cut_off(self, analysis: Analysis) -> list[str]:
        """That the data begins, or ends, within a period that is compared."""
        span, compared = analysis.time_range, analysis.comparison
        if compared is None or span is None or span.start is None or not self._days:
            return []
        first, last = min(first for first, _ in self._days), max(last for _, last in self._days)
        cut = [f"the data begins on {first.isoformat()}"] if earlier(span.start, compared) < first else []
        cut += [f"the data ends on {last.isoformat()}"] if span.end is not None and last < span.end - _DAY else []
        return [f"{' and '.join(cut)}: what is compared is not whole"] if cut else []

    def _over_tables(self, question: str) -> Answer:
        found = answer(self._gold_planner, self.project.con, question)
        if found.confidence >= LEAST_SURE or self.project.gold is self.project.catalog:
            return found
        other = answer(self._planner, self.project.con, question)
        return other if other.confidence > found.confidence else found

    def _leaves_out(self, question: str, metric: MetricPlanned | None, relational: Answer) -> bool:
        """Whether something that was said is not in the plan over tables."""
        if metric is None or metric.request is None or not isinstance(relational.plan, Plan):
            return relational.sql is None
        if counts_each_once(relational.plan, self.project.catalog):
            return True
        if self._is_inferred and not self._has_measures(relational.plan, metric.request):
            return True
        chunks = self._planner.linker.link(tokenise(question))
        return not reflects(relational.plan, self.sentence(relational.plan), chunks, metric.request)

    def _has_measures(self, plan: Plan, request: Request) -> bool:
        """Whether the columns that inferred metrics are made of are in a plan over tables."""
        layer, text = self.project.layer, plan.model_dump_json()
        assert layer is not None
        measures = [layer.measures[name] for metric in request.metrics for name in layer.metrics[metric].measures]
        return all(f'"name":"{m.expr}"' in text for m in measures if m.agg in ("sum", "average"))

    def _asked_back(self, question: str, metric: MetricPlanned | None, relational: Answer) -> Answer:
        if looks_foreign(question):
            return Answer(None, 0.0, None, ONLY_ENGLISH)
        backs = [metric.question_back if metric is not None else None, relational.question_back]
        is_about_nothing = metric is not None and metric.request is not None and not metric.request.doubts
        back = next((text for text in backs if text and not is_about_nothing), None)
        back = back or "which figure do you want to know, of what, and when?"
        plan = metric.analysis if metric is not None and metric.analysis is not None else relational.plan
        return Answer(None, relational.confidence, plan, back)

    @property
    def _is_inferred(self) -> bool:
        """Whether metrics are what the names of columns say, since the project defines none."""
        return self.project.layer is not None and self.project.layer.is_inferred

    @cached_property
    def entities(self) -> ProjectAnswers | None:
        """Answers over the entities that nobody has modelled, if there are any."""
        project = self.project.entities if self.project.unmodelled else None
        kept = self.kept / "entities" if self.kept is not None else None
        return ProjectAnswers(project, self.today, kept=kept) if project is not None else None

    @cached_property
    def examples(self) -> Examples:
        """Questions that people have corrected the answers of."""
        return Examples(self.project, self.subject)

    @cached_property
    def subject(self) -> Subject:
        """What questions are about."""
        project, marked = self.project, frozenset[tuple[str, str]]()
        if self.second is not None:
            from plugins.nl_models.language.marked import marked_columns

            marked = marked_columns(project)
        return Subject(project.gold, project.con, project.layer, project.values, kept=self.kept, marked=marked)

    @cached_property
    def metric_planner(self) -> MetricPlanner | None:
        """Over the semantic layer, if there is one."""
        return MetricPlanner(self.subject, self.now) if self.project.layer is not None else None

    @cached_property
    def _gold_planner(self) -> Planner:
        return Planner(self.project.gold)

    @cached_property
    def _planner(self) -> Planner:
        return Planner(self.project.catalog)

    @cached_property
    def last_day(self) -> date | None:
        """The last day that metrics have data of."""
        return max((last for _, last in self._days), default=None)

    @cached_property
    def _days(self) -> list[tuple[date, date]]:
        """The first and the last day of each fact that metrics are made of."""
        layer = self.project.layer
        return [] if layer is None else list(_days_of(self.project.con, layer, self.project.catalog))

    @property
    def now(self) -> date:
        """The day that relative periods count from: no later than the data goes."""
        return self.today if self.last_day is None else min(self.today, self.last_day)


def _is_nothing(result: Result) -> bool:
    """Whether there are no rows, or nothing but nulls and zeros in them."""
    return all(value is None or value == 0 for row in result.rows for value in row)


def _days_of(
    con: duckdb.DuckDBPyConnection, layer: SemanticLayer, catalog: Catalog
) -> Iterator[tuple[date, date]]:
    for model in layer.models.values():
        expressions: Mapping[str, str] = {label: expr for label, _, expr, _ in model.dimensions}
        if model.time is None or model.relation not in catalog.tables or model.time not in expressions:
            continue
        expr = expressions[model.time]
        column = quote(expr) if expr.isidentifier() else f"({expr})"
        try:
            days = f"select min(({column})::date), max(({column})::date) from {relation(model.relation)}"
            ((first, last),) = con.execute(days).fetchall()
        except duckdb.Error:
            # An expression of another dialect: the other models tell.
            continue
        if last is not None:
            yield first, last
