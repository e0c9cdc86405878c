"""Tools: the model calls typed functions, reads what they return, and answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import BaseModel

from plugins.core.errors import SmeltError
from plugins.core.llm import ModelError, Sample
from tests.core.llm.conftest import World
from tests.core.llm.messages_api import MessagesApi, Say, say, use


class Table(BaseModel):
    """Which table."""

    name: str


class Answer(BaseModel):
    """The answer."""

    rows: int


def count_rows(table: Table) -> int:
    """Count the rows of a table."""
    if table.name == "orders":
        return 42
    raise SmeltError(f"there is no table {table.name!r}", "list the tables first")


def list_tables(table: Table) -> list[str]:
    """List tables called like this one."""
    return [f"{table.name}_a", f"{table.name}_b"]


def test_the_model_calls_tools_until_it_answers(world: World, api: MessagesApi) -> None:
    thinking = {"type": "thinking", "thinking": "let me see", "signature": "c2lnbmVk"}
    api.script = [
        Say(
            [thinking, use("count_rows", {"name": "orders"}, "t1"), use("list_tables", {"name": "x"}, "t2")],
            "tool_use",
        ),
        Say([use("count_rows", {"name": "orders"}, "t3")], "tool_use"),
        say('{"rows": 42}'),
    ]
    assert world.ask("How many?", Answer, tools=[count_rows, list_tables]) == Answer(rows=42)

    described = {tool["name"]: tool for tool in api.bodies[0]["tools"]}
    assert described["count_rows"]["description"] == "Count the rows of a table."
    assert described["count_rows"]["input_schema"]["required"] == ["name"]

    _, called, results = api.bodies[1]["messages"]
    # Thinking is signed: it must come back as it was.
    assert {key: called["content"][0][key] for key in thinking} == thinking
    first, second = results["content"]
    assert (first["type"], first["tool_use_id"], first["is_error"]) == ("tool_result", "t1", False)
    assert "42" in first["content"]
    assert second["tool_use_id"] == "t2"
    assert '"x_b"' in second["content"]
    assert len(api.bodies[2]["messages"]) == 5
    assert [call["outcome"] for call in world.calls] == ["ok", "ok", "ok"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (use("count_rows", {"name": "lost"}), "there is no table 'lost'\n  fix: list the tables first"),
        (use("count_rows", {"nome": "orders"}), "name\n  Field required"),
        (use("drop_table", {"name": "orders"}), "there is no tool 'drop_table'; there are: count_rows"),
    ],
)
def test_a_tool_error_goes_back_to_the_model(
    world: World, api: MessagesApi, call: dict[str, object], told: str
) -> None:
    api.script = [Say([call], "tool_use"), say("none")]
    assert world.ask(tools=[count_rows]) == "none"
    (result,) = api.bodies[1]["messages"][-1]["content"]
    assert result["is_error"] is True
    assert told in result["content"]


def test_a_defect_of_a_tool_goes_back_too(world: World, api: MessagesApi) -> None:
    def divide(table: Table) -> float:
        """Divide by nothing."""
        return 1 / (len(table.name) - 1)

    api.script = [Say([use("divide", {"name": "x"})], "tool_use"), say("none")]
    assert world.ask(tools=[divide]) == "none"
    (result,) = api.bodies[1]["messages"][-1]["content"]
    assert result["is_error"] is True
    assert "ZeroDivisionError" in result["content"]


def test_turns_are_limited(world: World, api: MessagesApi) -> None:
    api.script = [Say([use("count_rows", {"name": "orders"})], "tool_use")] * 50
    with pytest.raises(ModelError, match="without answering question"):
        world.ask(tools=[count_rows])
    assert len(api.bodies) == 12


def _leak(what: object) -> Callable[[Table], object]:
    def read_rows(table: Table) -> object:
        """Read rows."""
        if isinstance(what, Exception):
            raise what
        return what

    return read_rows


@pytest.mark.parametrize(
    "what",
    [
        "call jane.canary@example.com",
        {"note": ["jane.canary@example.com"]},
        ValueError("could not convert 'jane.canary@example.com'"),
        Sample([{"who": "jane.canary@example.com"}], frozenset({"who"})),
    ],
)
@pytest.mark.parametrize("send_samples", [True, False])
def test_results_are_masked_like_everything_else(
    world: World, api: MessagesApi, what: object, send_samples: bool
) -> None:
    world.configure(send_samples=send_samples)
    api.script = [Say([use("read_rows", {"name": "orders"})], "tool_use"), say("done")]
    world.ask(tools=[_leak(what)])
    assert "tool_result" in api.raw[1]
    assert "canary" not in api.raw[1]
