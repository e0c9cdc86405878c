"""What people corrected before they merged it: examples in the project's YAML, by which questions are answered.

They are text that anybody may have written: names are looked up in the catalog, and SQL passes the same checks of
its Jinja and the same guard as any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from plugins.core.errors import SmeltError
from plugins.nl_models.analysis import Analysis
from plugins.nl_models.answering import LONGEST_QUESTION, Answer
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.feedback.corrected import as_corrected, as_plan
from plugins.nl_models.plan import Plan
from plugins.nl_models.semantic.planner import MetricPlanned, MetricPlanner
from plugins.nl_models.semantic.spans import spans_of, tokens_of
from plugins.nl_models.subject import Subject

# People looked at it and merged it; what is in the model may have changed since.
_SURE = 0.95
_WORD = re.compile(r"[^\W_]+(?:[.,]\d+)*|[<>=%€£$+]")
_EMPTY = frozenset({"a", "an", "the", "please"})
# Days that these mean are others each time.
_PASSING = re.compile(
    r"\b(today|yesterday|tomorrow|now|ago|last|this|current(ly)?|past|previous|recent(ly)?|latest|next)\b"
)
_SLOTS = {"number": "<number>", "quoted": "<value>"}


@dataclass(frozen=True)
class Example:
    """model: in whose YAML it stands. figures, by, where: of that model as it was merged; sql: instead of these.

    relation: the model's table; "" if it is not there, or may not be asked. proposal: where it was corrected.
    """

    question: str
    model: str
    relation: str
    figures: tuple[str, ...]
    by: tuple[str, ...]
    where: frozenset[str]
    sql: str
    proposal: str

    @property
    def told(self) -> str:
        """What an answer says of it."""
        where = f" ({self.proposal}, {self.model})" if self.proposal else f" (the example of {self.model})"
        return f"as corrected in an earlier pull request{where}"


@dataclass
class Examples:
    """The examples of one project. said: by plan, what its sentence says besides."""

    project: AskedProject
    subject: Subject
    said: dict[Plan | Analysis, str] = field(default_factory=dict)
    _shapes: dict[Example, tuple[str, ...]] = field(default_factory=dict)

    def answer(self, question: str) -> tuple[Answer | None, tuple[str, ...]]:
        """The answer to a question that was asked in these words before, if an example still has it, and notes."""
        words, notes = words_of(question), list[str]()
        if _PASSING.search(question.casefold()):
            return None, ()
        for example in self.all:
            if words_of(example.question) != words:
                continue
            try:
                return self._answer(example), tuple(notes)
            except SmeltError as error:
                notes.append(_left_out(example, error))
        return None, tuple(notes)

    def prefer(self, question: str, planned: MetricPlanned, planner: MetricPlanner) -> MetricPlanned:
        """A sure reading as one that has the same words but for values, numbers and periods was corrected; of the
        same words too, where the model that has their answer is gone."""
        asked = planned.analysis
        if asked is None or not planned.is_sure:
            return planned
        for example in self._near(question, planner):
            before = planner.plan(example.question).analysis
            if before is None or (before.metrics, before.dimensions) != (asked.metrics, asked.dimensions):
                continue
            try:
                found = as_corrected(asked, before, example.figures, example.by, example.where, self.project)
            except SmeltError as error:
                if words_of(example.question) == words_of(question):
                    # What `answer` says of it is enough.
                    continue
                return replace(planned, assumptions=(*planned.assumptions, _left_out(example, error)))
            if found == asked:
                return planned
            self.said[found] = f"read {example.told}"
            return replace(planned, analysis=found, choices=(asked,))
        return planned

    def _near(self, question: str, planner: MetricPlanner) -> Iterator[Example]:
        """Examples of the same shape; most others have too few of the words to be looked at."""
        shape, words = _shape(question, planner) if self.all else (), set(words_of(question))
        for example in self.all:
            shared = words.intersection(words_of(example.question))
            is_like = 2 * len(shared) >= len(words) and not example.sql
            if is_like and self._shape_of(example, planner) == shape:
                yield example

    def _shape_of(self, example: Example, planner: MetricPlanner) -> tuple[str, ...]:
        if example not in self._shapes:
            self._shapes[example] = _shape(example.question, planner)
        return self._shapes[example]

    @cached_property
    def all(self) -> tuple[Example, ...]:
        """The latest first; what is no example is passed over."""
        tables = {node: relation for relation, node in self.project.nodes.items()}
        found = [
            example
            for node, entry in self.project.manifest.document["nodes"].items()
            for written in _written(entry)
            if (example := _read(written, entry["name"], tables.get(node, ""))) is not None
        ]
        return tuple(sorted(found, key=lambda one: one.proposal, reverse=True))

    def _answer(self, example: Example) -> Answer:
        if example.sql:
            sql = self._compiled(example.sql)
            return Answer(sql, _SURE, None, None, self.subject.run(sql), (example.told,))
        plan = as_plan(example.relation, example.model, example.figures, example.by, self.subject)
        sql = self.subject.sql(plan, pretty=True)
        self.said[plan] = example.told
        return Answer(sql, _SURE, plan, None, self.subject.run(sql))

    def _compiled(self, sql: str) -> str:
        """SQL with the tables that its Jinja names; of that, only what a machine may write."""
        from jinja2 import TemplateError

        from plugins.nl_models.models.compiling import compile_text
        from plugins.nl_models.models.ground import lay_ground

        relations = {one.jinja: one.relation for one in lay_ground(self.project).inputs.values()}
        try:
            return compile_text(sql, relations)
        except (TemplateError, KeyError, TypeError) as error:
            raise SmeltError(f"its SQL does not compile: {error}", "correct it") from error


def words_of(question: str) -> tuple[str, ...]:
    """A question's words, whatever its case, spaces and commas are."""
    found = _WORD.findall(question.casefold())
    return tuple(word for word in found if word not in _EMPTY)


def _shape(question: str, planner: MetricPlanner) -> tuple[str, ...]:
    """Its words with a mark where a value, a number or a period stands."""
    found = []
    for span in spans_of(tokens_of(question), planner.vocabulary, planner.now):
        named, said = span.named, span.said
        if span.kind in _SLOTS:
            found.append(_SLOTS[span.kind])
        elif said is not None and said.grain is None and said.comparison is None:
            found.append("<period>")
        elif named is not None and named.values and not (named.metrics or named.dimensions):
            found.append(f"<{'|'.join(sorted({dimension for dimension, _ in named.values}))}>")
        elif span.kind != "filler":
            found += words_of(span.text)
    return tuple(found)


def _written(entry: Mapping[str, Any]) -> Iterator[Any]:
    metas = ((entry.get("config") or {}).get("meta"), entry.get("meta"))
    listed = next((meta["examples"] for meta in metas if isinstance(meta, Mapping) and "examples" in meta), ())
    yield from listed if isinstance(listed, list) else ()


def _read(written: Any, model: str, relation: str) -> Example | None:
    if not isinstance(written, Mapping) or not isinstance(written.get("question"), str):
        return None
    question, sql = written["question"].strip(), written.get("sql")
    figures, by, where = (_texts(written.get(key)) for key in ("figures", "by", "where"))
    sql = sql.strip().rstrip(";") if isinstance(sql, str) else ""
    if len(question) > LONGEST_QUESTION or not words_of(question) or not (figures or sql):
        return None
    return Example(
        question, model, relation, figures, by, frozenset(where), sql, str(written.get("proposal") or "")
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _left_out(example: Example, error: SmeltError) -> str:
    return f"an example of {example.model} is left out: {error.message}"
