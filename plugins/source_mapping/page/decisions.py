"""What a reviewer decided, as the page sends it, and the mapping that comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from plugins.core.errors import SmeltError
from plugins.source_mapping.document import (
    ColumnMapping,
    EntityMapping,
    RunnerUp,
    SourceMapping,
    StreamMapping,
    Unmapped,
)
from plugins.source_mapping.matching import Table
from plugins.source_mapping.page.content import source_columns, target_columns
from plugins.source_mapping.page.expression import check_expression

# More than any page has; it bounds what a request may make us do.
_MOST = 50_000


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class EntityDecision(_Sent):
    """Whether a stream feeds an entity; `reopen` takes back what was decided."""

    stream: str
    entity: str
    verdict: Literal["accept", "reject", "reopen"]


class ColumnDecision(_Sent):
    """What a target column is made from.

    verdict: `accept` what is proposed, `override` it with `columns` or an `expression`, `none` at the source is
    this, `reject` it without an answer, or `reopen` what was decided.
    """

    stream: str
    entity: str
    target: str
    verdict: Literal["accept", "override", "none", "reject", "reopen"]
    columns: list[str] = Field(default=[], max_length=1_000)
    expression: str = ""


class Decisions(_Sent):
    """All that the page sends. version: of the file that the page was made from."""

    version: str
    entities: list[EntityDecision] = Field(default=[], max_length=_MOST)
    columns: list[ColumnDecision] = Field(default=[], max_length=_MOST)


class Problem(_Sent):
    """Why a decision cannot be taken; target: None if it is about the entity."""

    stream: str
    entity: str
    target: str | None
    message: str


class RefusedDecisions(SmeltError):
    """Some decisions don't fit the mapping; nothing of all was taken."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems), "correct these rows, and save again")
        self.problems = tuple(problems)


@dataclass(frozen=True)
class _Reviewer:
    """Takes decisions one by one; what is wrong is collected in `problems`."""

    name: str
    sources: Mapping[str, Table]
    targets: Mapping[str, Table]
    entities: Mapping[tuple[str, str], EntityDecision]
    columns: Mapping[tuple[str, str, str], ColumnDecision]
    problems: list[Problem] = field(default_factory=list)

    def stream(self, stream: StreamMapping) -> StreamMapping:
        """The stream as it was decided."""
        names = [column.name for column in source_columns(stream, self.sources.get(stream.stream))]
        entities = tuple(self.entity(stream.stream, entity, names) for entity in stream.entities)
        decided = stream.model_copy(update={"entities": entities})
        return decided.model_copy(update={"unmapped": tuple(self._unmapped(stream, decided, names))})

    def entity(self, stream: str, entity: EntityMapping, names: Collection[str]) -> EntityMapping:
        """The entity as it was decided; `names`: the stream's columns."""
        listed = {column.target: column for column in entity.columns}
        columns: list[ColumnMapping] = []
        for target in target_columns(entity, self.targets.get(entity.entity)):
            decision = self.columns.get((stream, entity.entity, target))
            if decision is not None:
                column = listed.get(target) or ColumnMapping(target=target, confidence=0.0)
                columns.append(self._column(column, decision, names))
            elif target in listed:
                columns.append(listed[target])
        update: dict[str, object] = {"columns": tuple(columns)}
        if (said := self.entities.get((stream, entity.entity))) is not None:
            update |= self._status(said.verdict)
        return entity.model_copy(update=update)

    def _column(self, column: ColumnMapping, said: ColumnDecision, names: Collection[str]) -> ColumnMapping:
        update = self._status(said.verdict)
        if said.verdict == "override":
            try:
                update |= _chosen(column, said, names)
            except SmeltError as error:
                message = f"{error.message}; {error.hint}" if error.hint else error.message
                self.problems.append(
                    Problem(stream=said.stream, entity=said.entity, target=said.target, message=message)
                )
        elif said.verdict == "none" and (column.columns or column.expression):
            update |= _instead(column, (), "") | {"evidence": "the reviewer: nothing at the source is this"}
        return column.model_copy(update=update)

    def _status(self, verdict: str) -> dict[str, object]:
        if verdict == "reopen":
            return {"status": "question", "reviewer": None}
        return {"status": "rejected" if verdict == "reject" else "approved", "reviewer": self.name}

    def _unmapped(self, before: StreamMapping, after: StreamMapping, names: Collection[str]) -> Iterator[Unmapped]:
        """What is still made into nothing, and what no longer is made into anything."""
        used = _used(after)
        yield from (one for one in before.unmapped if one.column not in used)
        known = {one.column for one in before.unmapped}
        freed = _used(before) - used - known
        for name in names:
            if name in freed:
                yield Unmapped(column=name, because=f"no longer used after the review of {self.name}")


def apply_decisions(
    mapping: SourceMapping,
    decisions: Decisions,
    sources: Mapping[str, Table],
    targets: Mapping[str, Table],
    reviewer: str,
) -> SourceMapping:
    """The mapping with the decisions in it, each with the reviewer's name; what is not decided stays as it is.

    What an answer replaces is kept among its runners-up. Raises RefusedDecisions that names every row that is
    unknown, decided twice, or overridden by what cannot be.
    """
    taker = _Reviewer(
        reviewer,
        sources,
        targets,
        {(one.stream, one.entity): one for one in decisions.entities},
        {(one.stream, one.entity, one.target): one for one in decisions.columns},
        _misplaced(mapping, decisions, targets),
    )
    streams = tuple(map(taker.stream, mapping.streams))
    if taker.problems:
        raise RefusedDecisions(taker.problems)
    return mapping.model_copy(update={"streams": streams})


def _misplaced(mapping: SourceMapping, decisions: Decisions, targets: Mapping[str, Table]) -> list[Problem]:
    known: set[tuple[str, str, str | None]] = set()
    for stream in mapping.streams:
        for entity in stream.entities:
            known.add((stream.stream, entity.entity, None))
            known |= {
                (stream.stream, entity.entity, name) for name in target_columns(entity, targets.get(entity.entity))
            }
    places: list[tuple[str, str, str | None]] = [(one.stream, one.entity, None) for one in decisions.entities]
    places += [(one.stream, one.entity, one.target) for one in decisions.columns]
    return [
        Problem(
            stream=place[0],
            entity=place[1],
            target=place[2],
            message="it is decided twice" if place in known else "the mapping has no such row",
        )
        for place, count in Counter(places).items()
        if place not in known or count > 1
    ]


def _chosen(column: ColumnMapping, said: ColumnDecision, names: Collection[str]) -> dict[str, object]:
    expression = said.expression.strip()
    if expression:
        return _instead(column, check_expression(expression, names), expression)
    if not said.columns:
        raise SmeltError("no column is chosen", "choose one, write an expression, or say that there is none")
    unknown = [name for name in said.columns if name not in names]
    if unknown:
        raise SmeltError(f"the stream has no column {', '.join(unknown)[:60]}", "choose one that it has")
    if len(said.columns) > 1:
        raise SmeltError(
            "several columns need an expression that makes one value of them", "such as concat_ws(' ', a, b)"
        )
    return _instead(column, tuple(said.columns), "")


def _instead(column: ColumnMapping, columns: tuple[str, ...], expression: str) -> dict[str, object]:
    """The person's answer, which is sure; what stood there before becomes the first runner-up."""
    runners_up = [one for one in column.runners_up if (one.column,) != columns]
    if len(column.columns) == 1 and column.columns != columns:
        before = column.columns[0]
        runners_up = [one for one in runners_up if one.column != before]
        runners_up.insert(0, RunnerUp(column=before, confidence=column.confidence))
    return {
        "columns": columns,
        "expression": expression,
        "confidence": 1.0,
        "evidence": "the reviewer's choice",
        "runners_up": tuple(runners_up),
    }


def _used(stream: StreamMapping) -> set[str]:
    return {
        name
        for entity in stream.entities
        if entity.status != "rejected"
        for column in entity.columns
        if column.status != "rejected"
        for name in column.columns
    }
