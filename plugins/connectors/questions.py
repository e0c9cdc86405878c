"""What is doubtful, as questions that a person answers in the files or a language model from the spec's prose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plugins.connectors.inferred import Inferred
from plugins.connectors.manifest.requester import input_name
from plugins.connectors.plain import plain
from plugins.connectors.spec.api import Parameter
from plugins.connectors.streams import Inference, Stream

_ASKED = {
    "records": "Where in the answer are the records?",
    "primary_key": "What identifies a record?",
    "pagination": "How is the next page asked for?",
    "cursor": "Which field and parameter find what is new?",
    "given": "Where do its parameters come from?",
    "is_collection": "Is this a collection worth syncing?",
}


@dataclass(frozen=True)
class Question:
    """A doubt about one field of a stream, or (no stream) of the API; `others` are the runners-up."""

    stream: str
    field: str
    question: str
    taken: Any
    others: tuple[Any, ...]
    confidence: float
    reason: str


def ask(inference: Inference) -> tuple[Question, ...]:
    """Every doubt: about the whole API, what the user has to give (once, whoever needs it), about streams."""
    doubts = tuple(one for stream in inference.streams for one in _about(stream))
    return (*_about_api(inference), *_inputs(inference), *doubts)


def _inputs(inference: Inference) -> Iterator[Question]:
    asked: dict[str, list[tuple[Stream, Parameter]]] = {}
    for stream in inference.streams:
        for one in stream.given.value.asked:
            asked.setdefault(input_name(stream, one.name), []).append((stream, one))
    for name, wanted in asked.items():
        stream, parameter = wanted[0]
        others = f" {len(wanted)} streams need it." if len(wanted) > 1 else ""
        yield Question(
            stream=stream.name if len(wanted) == 1 else "",
            field=name,
            question=f"What is {parameter.name}? Nothing in the API gives it.{others}",
            taken=None,
            others=tuple(parameter.shape.enum),
            confidence=stream.given.confidence,
            reason=parameter.prose[:300] or stream.given.reason,
        )


def _about_api(inference: Inference) -> Iterator[Question]:
    server = inference.server
    if not server.value.url:
        yield _question("", "base_url", "Where is the API?", server)
    elif server.value.variables:
        yield _question("", "base_url", f"What is {_names(inference)} in {server.value.url}?", server)
    elif server.is_doubtful:
        yield _question("", "base_url", "Which server?", server)
    if inference.auth.is_doubtful:
        yield _question("", "auth", "How do requests authenticate?", inference.auth)
    if inference.limits.is_doubtful:
        yield _question("", "rate_limit", "How often may it be asked?", inference.limits)


def _about(stream: Stream) -> Iterator[Question]:
    for name, question in _ASKED.items():
        inferred: Inferred[Any] = getattr(stream, name)
        if not inferred.is_doubtful:
            continue
        if name == "given" and inferred.value.asked:
            continue
        yield _question(stream.name, "parent" if name == "given" else name, question, inferred)


def _question(stream: str, field: str, question: str, inferred: Inferred[Any]) -> Question:
    others = tuple(plain(one) for one in inferred.runners_up)
    return Question(
        stream, field, question, plain(inferred.value), others, round(inferred.confidence, 2), inferred.reason
    )


def _names(inference: Inference) -> str:
    return " and ".join(one.name for one in inference.server.value.variables)
