"""A language model looks at the doubtful pairs only: profiles in, a choice among the candidates out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from plugins.core.discovery import ColumnProfile
from plugins.core.llm import Model, ModelError, load_prompt
from plugins.source_mapping.document import ColumnMapping, EntityMapping, StreamMapping
from plugins.source_mapping.entities import Entity
from plugins.source_mapping.planning.pairing import planned_expression
from plugins.source_mapping.planning.plan import ASKED_BELOW, Plan
from plugins.source_mapping.streams import SourceStream

_log = logging.getLogger(__name__)

_AT_ONCE = 30
# Two that agree, of which neither knows for certain; and one alone, which a person still decides.
_AGREED = 0.85
_ALONE = 0.6


class Choice(BaseModel):
    """One question, answered."""

    question: int
    candidate: int = Field(description="The candidate's number, -1 for none.")
    because: str


class Choices(BaseModel):
    """All answers."""

    choices: list[Choice]


def settle(plan: Plan, model: Model) -> Plan:
    """The plan with doubts settled. What the model gets wrong, or fails at, changes nothing."""
    streams = tuple(
        stream
        if all(one.is_new for one in stream.entities)
        else stream.model_copy(
            update={"entities": tuple(_entity(plan, stream, entity, model) for entity in stream.entities)}
        )
        for stream in plan.mapping.streams
    )
    return replace(plan, mapping=plan.mapping.model_copy(update={"streams": streams}))


def _entity(plan: Plan, stream: StreamMapping, mapping: EntityMapping, model: Model) -> EntityMapping:
    entity = plan.entities.get(mapping.entity)
    doubts = [
        place
        for place, column in enumerate(mapping.columns)
        if column.status == "question" and not column.is_decided and _candidates(column)
    ]
    if entity is None or not doubts:
        return mapping
    source = plan.source.stream(stream.stream)
    columns = list(mapping.columns)
    for start in range(0, len(doubts), _AT_ONCE):
        asked = doubts[start : start + _AT_ONCE]
        try:
            values = _values(source, entity, [columns[place] for place in asked])
            answer = model.ask(load_prompt("source_mapping", "settle"), values, Choices)
        except ModelError as error:
            _log.info("the language model settled nothing: %s", error)
            break
        for choice in answer.choices:
            if 0 <= choice.question < len(asked):
                place = asked[choice.question]
                columns[place] = _settled(source, entity, columns[place], choice)
    return mapping.model_copy(update={"columns": tuple(columns)})


def _candidates(column: ColumnMapping) -> list[str]:
    return [*(column.columns if len(column.columns) == 1 else ()), *(one.column for one in column.runners_up)]


def _settled(stream: SourceStream, entity: Entity, column: ColumnMapping, choice: Choice) -> ColumnMapping:
    """The mapping with the model's choice, if that is one of the candidates."""
    candidates = _candidates(column)
    if not 0 <= choice.candidate < len(candidates):
        return column
    chosen = candidates[choice.candidate]
    because = f"a language model: {' '.join(choice.because.split())[:150]}"
    if column.columns == (chosen,):
        confidence = max(column.confidence, _AGREED)
        evidence = "; ".join(filter(None, (column.evidence, because)))
        status = "proposed" if confidence >= ASKED_BELOW else "question"
        return column.model_copy(update={"confidence": confidence, "evidence": evidence, "status": status})
    made = planned_expression(stream, entity, column.target, chosen)
    if made is None:
        return column
    changes = {"columns": (chosen,), "expression": made.sql, "confidence": _ALONE, "evidence": because}
    return column.model_copy(update=changes)


def _values(stream: SourceStream, entity: Entity, asked: list[ColumnMapping]) -> Mapping[str, Any]:
    names = dict.fromkeys(name for column in asked for name in _candidates(column))
    return {
        "stream": {
            "name": stream.name,
            "columns": {name: _profile(stream.profile.column(name)) for name in names},
        },
        "entity": {"name": entity.name, "description": entity.table.description[:500]},
        "questions": [
            {
                "question": number,
                "target": column.target,
                "type": entity.types.get(column.target, ""),
                "description": entity.table.by_name[column.target].description[:300],
                "candidates": {str(place): name for place, name in enumerate(_candidates(column))},
            }
            for number, column in enumerate(asked)
        ],
    }


def _profile(column: ColumnProfile) -> dict[str, Any]:
    """What a column is like, without a value of it."""
    return {
        "type": column.casts_to or column.data_type,
        "holds": column.semantic.value,
        "format": column.format,
        "different": column.distinct,
        "empty": round(column.null_share, 2),
        "mean length": round(column.mean_length, 1),
    }
