"""The API limits, fails, falls silent or isn't one: waited out where that helps, told clearly where not."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from plugins.core.llm import Unavailable
from tests.core.llm.conftest import World
from tests.core.llm.messages_api import KEY, Fail, Hang, MessagesApi, Page, Say, say


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses are noted, not made."""
    made: list[float] = []
    monkeypatch.setattr("plugins.core.llm.sending.time.sleep", made.append)
    return made


@pytest.mark.parametrize(
    "failure",
    [
        Fail(429, "rate_limit_error"),
        Fail(529, "overloaded_error"),
        Fail(500, "api_error"),
        Fail(503, "api_error"),
        Fail(408, "timeout_error"),
        Fail(200, "overloaded_error"),
        say("Forty-", cut=0),
        say("Forty-", cut=5),
        say("Forty-", cut=5, reset=True),
        say("Forty-two", cut=6),
        say("Forty-two", cut=7),
    ],
    ids=lambda failure: f"{failure}"[:60],
)
def test_what_passes_is_waited_out(
    world: World, api: MessagesApi, pauses: list[float], failure: Fail | Say
) -> None:
    api.script = [failure, failure, say("Forty-two")]
    assert world.ask() == "Forty-two"
    first, second = pauses
    assert 0.3 < first <= 0.5 < second <= 1
    assert api.bodies[0] == api.bodies[1] == api.bodies[2]
    (call,) = world.calls
    assert (call["attempts"], call["outcome"]) == (3, "ok")


def test_attempts_that_broke_off_are_billed(world: World, api: MessagesApi) -> None:
    api.script = [say("Forty-two", cut=5), say("Forty-two")]
    world.ask()
    (call,) = world.calls
    assert (call["input_tokens"], call["output_tokens"]) == (200, 21)


def test_the_wait_that_the_server_asks_for_is_kept(world: World, api: MessagesApi, pauses: list[float]) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    api.script = [
        Fail(429, "rate_limit_error", headers={"retry-after": "7"}),
        Fail(529, "overloaded_error", headers={"retry-after": date}),
        say("42"),
    ]
    assert world.ask() == "42"
    assert pauses[0] == 7
    assert 6 < pauses[1] <= 9


def test_a_wait_beyond_the_budget_is_not_made(world: World, api: MessagesApi, pauses: list[float]) -> None:
    api.script = [Fail(429, "rate_limit_error", headers={"retry-after": "3600"}), say("too late")]
    with pytest.raises(Unavailable, match="asks to wait 3600 s") as caught:
        world.ask()
    assert "llm.wait_seconds" in str(caught.value)
    assert pauses == []
    assert [call["outcome"] for call in world.calls] == ["error"]


def test_patience_ends(world: World, api: MessagesApi) -> None:
    world.configure(retries=2)
    api.script = [Fail(529, "overloaded_error", "busy")] * 3
    with pytest.raises(Unavailable, match="is overloaded after 3 attempts: busy"):
        world.ask()
    (call,) = world.calls
    assert (call["attempts"], call["outcome"]) == (3, "error")


@pytest.mark.parametrize(
    ("failure", "message", "hint"),
    [
        (
            Fail(401, "authentication_error", f"invalid x-api-key {KEY}"),
            "does not accept the API key",
            "env:ANTHR",
        ),
        (Fail(403, "permission_error", f"{KEY} may not"), "forbids the request", "what the API key may do"),
        (Fail(404, "not_found_error", "model: claude-x"), "has no model 'claude-sonnet-5-5'", "llm.model"),
        (Fail(400, "invalid_request_error", "prompt is too long"), "prompt is too long", "request itself"),
        (Fail(413, "request_too_large"), "answered 413", "request itself"),
        (Fail(200, "invalid_request_error", "no"), "answered 200", "later"),
        (Fail(429, "rate_limit_error", headers={"x-should-retry": "false"}), "limits the rate", "later"),
    ],
)
def test_what_stays_is_told_at_once(
    world: World, api: MessagesApi, failure: Fail, message: str, hint: str
) -> None:
    api.script = [failure, say("too late")]
    with pytest.raises(Unavailable) as caught:
        world.ask()
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert len(api.bodies) == 1
    (call,) = world.calls
    assert message in call["error"]
    assert KEY not in str(caught.value) + str(call)


def test_silence_is_noticed(world: World, api: MessagesApi) -> None:
    world.configure(timeout_seconds=0.2, retries=1)
    api.script = [Hang(), Hang()]
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"was silent for 0\.2 s after 2 attempts"):
        world.ask()
    assert time.monotonic() - started < 5


def test_an_unreachable_api_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://me:hush-hush@127.0.0.1:9")
    world.configure(retries=1)
    with pytest.raises(Unavailable, match="lost or never made after 2 attempts") as caught:
        world.ask()
    assert "127.0.0.1:9" in caught.value.message
    assert "hush-hush" not in str(caught.value)


def test_a_page_instead_of_the_api_is_no_answer(world: World, api: MessagesApi) -> None:
    api.script = [Page(), say("too late")]
    with pytest.raises(Unavailable, match="does not speak the Messages API: it answered with text/html") as caught:
        world.ask()
    assert "llm.base_url" in str(caught.value)
    assert len(api.bodies) == 1


def test_the_key_may_stand_in_a_file(
    world: World, api: MessagesApi, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    (project / "key").write_text("key-from-a-file\n")
    world.configure(api_key="file:key", base_url=api.url)
    monkeypatch.delenv("ANTHROPIC_BASE_URL")
    api.script = [say("42")]
    assert world.ask() == "42"
    assert api.headers[0]["authorization"] == "Bearer key-from-a-file"
