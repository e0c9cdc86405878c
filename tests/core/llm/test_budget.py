"""A run's budget holds before a call is sent; what is unknown is not zero."""

from __future__ import annotations

import json

import pytest

from plugins.core.llm import BudgetExceeded, Sample
from plugins.core.llm.accounting import Usage, most_used, price_of
from tests.core.llm.conftest import World
from tests.core.llm.messages_api import MessagesApi, Say, say, use
from tests.core.llm.test_tools import count_rows

_USED = {"input_tokens": 3000, "output_tokens": 2000}


def test_a_call_beyond_the_token_budget_is_not_sent(world: World, api: MessagesApi) -> None:
    world.configure(max_tokens=1000, budget_tokens=7000)
    api.script = [say("42", usage=_USED), say("43")]
    assert world.ask() == "42"
    # 5,000 are used; the next could use 1,000 for its answer and about 400 for the question.
    assert world.ask() == "43"
    with pytest.raises(BudgetExceeded, match="used 5,120 of 7,000") as caught:
        world.ask("x" * 4000)
    assert "llm.budget_tokens" in str(caught.value)
    assert len(api.bodies) == 2
    last = world.calls[-1]
    assert (last["outcome"], last["attempts"], last["input_tokens"]) == ("budget", 0, 0)


def test_models_of_one_run_share_its_budget_and_other_runs_have_their_own(world: World, api: MessagesApi) -> None:
    world.configure(max_tokens=1000, budget_tokens=6000)
    api.script = [say("42", usage=_USED), say("43")]
    world.ask()
    world.run_id, first = "01ANOTHERRUN00000000000000", world.run_id
    assert world.ask() == "43"
    world.run_id = first
    with pytest.raises(BudgetExceeded):
        world.ask()


def test_a_budget_holds_between_turns(world: World, api: MessagesApi) -> None:
    world.configure(max_tokens=1000, budget_tokens=6000)
    api.script = [Say([use("count_rows", {"name": "orders"})], "tool_use", usage=_USED), say("too much")]
    with pytest.raises(BudgetExceeded):
        world.ask(tools=[count_rows])
    assert len(api.bodies) == 1


def test_a_budget_holds_between_attempts(world: World, api: MessagesApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.core.llm.sending.time.sleep", lambda _seconds: None)
    world.configure(max_tokens=1000, budget_tokens=6000)
    api.script = [say("42", usage={"input_tokens": 5000, "output_tokens": 1}, cut=3), say("too much")]
    with pytest.raises(BudgetExceeded):
        world.ask()
    (call,) = world.calls
    assert (call["outcome"], call["attempts"], call["input_tokens"]) == ("budget", 1, 5000)


def test_a_call_beyond_the_budget_in_dollars_is_not_sent(world: World, api: MessagesApi) -> None:
    world.configure(max_tokens=1000, budget_usd=0.03)
    api.script = [say("42", usage=_USED), say("too much")]
    world.ask()
    with pytest.raises(BudgetExceeded, match=r"spent \$0\.0260 of \$0\.0300"):
        world.ask()
    assert len(api.bodies) == 1


def test_an_unknown_price_is_unknown(world: World, api: MessagesApi) -> None:
    world.configure(model="somebody-elses-1")
    api.script = [say("42")]
    world.ask()
    (call,) = world.calls
    assert (call["model"], call["cost_usd"], call["input_tokens"]) == ("somebody-elses-1", None, 100)


def test_a_budget_in_dollars_needs_a_price(world: World, api: MessagesApi) -> None:
    world.configure(model="somebody-elses-1", budget_usd=5.0)
    with pytest.raises(BudgetExceeded, match="the price of somebody-elses-1 is unknown"):
        world.ask()
    assert api.bodies == []


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("claude-haiku-5-5", Usage(100_000, 1000), 0.0105),
        ("claude-haiku-5-5", Usage(60_000, 1000, 0, 40_001), 0.03450005),
        ("claude-haiku-4-5-20251001", Usage(1_000_000, 0), 1.0),
        ("claude-opus-5-5", Usage(0, 0, 1_000_000, 1_000_000), 5.2),
    ],
)
def test_prices(model: str, usage: Usage, dollars: float) -> None:
    price = price_of(model)
    assert price is not None
    assert price.cost(usage) == pytest.approx(dollars)


@pytest.mark.parametrize("text", ["select id from orders", "中文" * 100, '{"a": [1, 2, 3]}', "äöü ß"])
def test_no_request_uses_more_than_is_reckoned_with(text: str) -> None:
    request = {"max_tokens": 10, "messages": [{"role": "user", "content": text}]}
    # Tokenizers make a token of three bytes or more of such text.
    assert most_used(request).cache_write_tokens >= len(json.dumps(request, ensure_ascii=False).encode()) / 3
    assert most_used(request).output_tokens == 10


def test_samples_count_as_sent(world: World, api: MessagesApi) -> None:
    world.configure(max_tokens=1000, budget_tokens=3000, send_samples=True)
    with pytest.raises(BudgetExceeded):
        world.ask(Sample([{"note": "word " * 1000}]))
    assert api.bodies == []
