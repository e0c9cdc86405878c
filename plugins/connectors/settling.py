"""A language model reads the spec's prose to settle what is doubtful; it may only choose among the candidates."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, Field

from plugins.connectors.inferred import Inferred
from plugins.connectors.plain import plain
from plugins.connectors.spec.api import Api, Operation
from plugins.connectors.streams import Inference, Stream
from plugins.core.llm import Model, ModelError, load_prompt

_log = logging.getLogger(__name__)

_FIELDS = ("records", "primary_key", "pagination", "cursor")
# A request holds this many questions, and of each endpoint this much prose.
_AT_ONCE = 20
_PROSE = 3000
_GENERAL = 8000


class Choice(BaseModel):
    """One question, answered."""

    question: int
    candidate: int = Field(description="The candidate's number, -1 for none.")
    because: str = Field(description="The words of the documentation that decide it.")


class Choices(BaseModel):
    """All answers."""

    choices: list[Choice]


@dataclass(frozen=True)
class _Doubt:
    stream: Stream
    field: str
    inferred: Inferred[Any]

    @property
    def candidates(self) -> tuple[Any, ...]:
        return (self.inferred.value, *self.inferred.runners_up)


def settle(inference: Inference, api: Api, model: Model) -> Inference:
    """The inference with doubts settled that prose settles. What the model gets wrong, or fails at, changes
    nothing."""
    operations = {operation.path: operation for operation in api.operations}
    doubts = [
        _Doubt(stream, name, inferred)
        for stream in inference.streams
        for name in _FIELDS
        if (inferred := getattr(stream, name)).is_doubtful and inferred.runners_up and stream.path in operations
    ]
    settled: dict[str, Stream] = {stream.path: stream for stream in inference.streams}
    for start in range(0, len(doubts), _AT_ONCE):
        asked = doubts[start : start + _AT_ONCE]
        try:
            answer = model.ask(load_prompt("connectors", "settle"), _values(api, operations, asked), Choices)
        except ModelError as error:
            _log.info("the language model settled nothing: %s", error)
            break
        for choice in answer.choices:
            _apply(choice, asked, settled)
    return replace(inference, streams=tuple(settled[stream.path] for stream in inference.streams))


def _apply(choice: Choice, asked: list[_Doubt], settled: dict[str, Stream]) -> None:
    """Take an answer that is one of the candidates of a question that was asked; no other."""
    if not 0 <= choice.question < len(asked):
        return
    doubt = asked[choice.question]
    if not 0 <= choice.candidate < len(doubt.candidates):
        return
    value = doubt.candidates[choice.candidate]
    reason = f"the documentation, as a language model reads it: “{choice.because[:200]}”"
    stream = settled[doubt.stream.path]
    settled[doubt.stream.path] = replace(stream, **{doubt.field: doubt.inferred.settled(value, reason)})


def _values(api: Api, operations: Mapping[str, Operation], asked: list[_Doubt]) -> dict[str, Any]:
    paths = dict.fromkeys(doubt.stream.path for doubt in asked)
    return {
        "api": f"{api.title}\n{api.description[:_GENERAL]}",
        "documentation": {path: _documentation(operations[path]) for path in paths},
        "questions": [
            {
                "question": number,
                "endpoint": doubt.stream.path,
                "about": doubt.field.replace("_", " "),
                "candidates": {str(place): plain(one) for place, one in enumerate(doubt.candidates)},
            }
            for number, doubt in enumerate(asked)
        ],
    }


def _documentation(operation: Operation) -> dict[str, Any]:
    return {
        "says": operation.prose[:_PROSE],
        "parameters": {one.name: one.prose[:400] for one in operation.parameters},
    }
