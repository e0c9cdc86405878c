"""Answers: whole, of the type that was asked for, accounted for; or an error that says what happened."""

from __future__ import annotations

import hashlib

import pytest
from pydantic import BaseModel, Field

from plugins.core.llm import Malformed, Refused, Truncated
from tests.core.llm.conftest import PROMPT, World
from tests.core.llm.messages_api import MessagesApi, Say, say


class Plan(BaseModel):
    """A query, planned."""

    measure: str
    limit: int = Field(ge=1)


def test_text_arrives_whole_and_is_accounted_for(world: World, api: MessagesApi) -> None:
    api.script = [say("Forty-two, in all: " + "very " * 500 + "many.")]
    assert world.ask() == "Forty-two, in all: " + "very " * 500 + "many."
    (call,) = world.calls
    assert call["run_id"] == world.run_id
    assert (call["capability"], call["prompt"], call["prompt_version"]) == ("nl_models", "question", "3")
    assert call["prompt_hash"] == hashlib.sha256(PROMPT.encode()).hexdigest()
    assert (call["model"], call["outcome"], call["attempts"]) == ("claude-sonnet-5-5", "ok", 1)
    assert (call["input_tokens"], call["output_tokens"]) == (100, 20)
    assert call["cost_usd"] == pytest.approx((100 * 2 + 20 * 10) / 1e6)
    assert call["seconds"] > 0
    assert call["error"] is None
    assert not any("Forty-two" in str(value) or "How many" in str(value) for value in call.values())


def test_the_stable_part_is_cached_and_the_request_streams(world: World, api: MessagesApi) -> None:
    usage = {"input_tokens": 5, "cache_creation_input_tokens": 1000, "cache_read_input_tokens": 200}
    api.script = [say("42", usage={**usage, "output_tokens": 7})]
    world.ask()
    (body,) = api.bodies
    assert body["system"][-1]["cache_control"] == {"type": "ephemeral"}
    assert body["system"][0]["text"].startswith("You answer questions about orders.")
    assert "How many?" not in body["system"][0]["text"]
    assert body["stream"] is True
    assert "temperature" not in body
    (call,) = world.calls
    assert (call["cache_write_tokens"], call["cache_read_tokens"]) == (1000, 200)
    assert call["cost_usd"] == pytest.approx((5 * 2 + 1000 * 2.5 + 200 * 0.1 + 7 * 10) / 1e6)


def test_a_typed_answer_is_asked_for_by_schema(world: World, api: MessagesApi) -> None:
    api.script = [
        Say([{"type": "thinking", "thinking": "hm", "signature": "sig"}, '{"measure": "revenue", "limit": 5}'])
    ]
    assert world.ask("Top five?", Plan) == Plan(measure="revenue", limit=5)
    shape = api.bodies[0]["output_config"]["format"]
    assert shape["type"] == "json_schema"
    assert set(shape["schema"]["properties"]) == {"measure", "limit"}


def test_a_malformed_answer_is_repaired_once(world: World, api: MessagesApi) -> None:
    api.script = [say('{"measure": "revenue", "limit": 0}'), say('{"measure": "revenue", "limit": 1}')]
    assert world.ask("Top one?", Plan) == Plan(measure="revenue", limit=1)
    question, wrong, complaint = api.bodies[1]["messages"]
    assert question == api.bodies[0]["messages"][0]
    assert wrong["role"] == "assistant"
    assert wrong["content"][0]["text"] == '{"measure": "revenue", "limit": 0}'
    assert "limit: Input should be greater than or equal to 1" in complaint["content"]
    assert [call["outcome"] for call in world.calls] == ["malformed", "ok"]


@pytest.mark.parametrize("text", ["not JSON", '{"measure": "revenue"}', "[]", ""])
def test_an_answer_that_stays_malformed_is_an_error(world: World, api: MessagesApi, text: str) -> None:
    api.script = [say(text), say(text), say('{"measure": "too late", "limit": 1}')]
    with pytest.raises(Malformed, match="is no valid Plan") as caught:
        world.ask("Top one?", Plan)
    assert caught.value.hint
    assert [call["outcome"] for call in world.calls] == ["malformed", "malformed"]
    assert "no valid Plan" in world.calls[1]["error"]


def test_no_text_at_all_is_malformed(world: World, api: MessagesApi) -> None:
    api.script = [Say([]), Say([])]
    with pytest.raises(Malformed, match="answered nothing"):
        world.ask()
    assert [message["role"] for message in api.bodies[1]["messages"]] == ["user", "user"]


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
def test_a_truncated_answer_is_none(world: World, api: MessagesApi, reason: str) -> None:
    # What is there of it would pass for a whole answer.
    api.script = [say('{"measure": "revenue", "limit": 5}', stop_reason=reason)]
    with pytest.raises(Truncated, match="in the middle of its answer"):
        world.ask("Top five?", Plan)
    (call,) = world.calls
    assert (call["outcome"], call["output_tokens"]) == ("truncated", 20)
    assert len(api.bodies) == 1


def test_a_refusal_is_no_answer(world: World, api: MessagesApi) -> None:
    api.script = [say('{"measure": "revenue", "limit": 5}', stop_reason="refusal")]
    with pytest.raises(Refused):
        world.ask("Top five?", Plan)
    assert [call["outcome"] for call in world.calls] == ["refused"]
    assert len(api.bodies) == 1
