"""One request to the Messages API: streamed, repeated where that helps, its use counted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2
from anthropic.types import Message

from plugins.core.llm.accounting import Usage
from plugins.core.llm.errors import Unavailable
from plugins.core.settings import mask
from plugins.core.settings.policies import LlmSettings

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
# Inside a stream errors come as events, under the status 200.
_PASSING_TYPES = {"overloaded_error", "api_error", "rate_limit_error", "timeout_error"}


class _Cut(Exception):
    """The stream ended before the message did."""


_Failure = anthropic.APIError | httpx2.RequestError | _Cut | ValueError | RuntimeError


@dataclass
class Delivery:
    """How a request went so far. Attempts that broke off are billed for what they had produced."""

    attempts: int = 0
    usage: Usage = field(default_factory=Usage)


def send(
    client: anthropic.Anthropic,
    request: dict[str, Any],
    settings: LlmSettings,
    delivery: Delivery,
    allow: Callable[[Usage], None],
) -> Message:
    """The whole message that answers `request`; `delivery` is kept up to date, whatever happens.

    Rate limits, overload, server errors, lost connections and silence are waited out with growing pauses, or as
    long as the server asks, within `retries` and `wait_seconds`. `allow` is called before each attempt with what
    was used so far, and raises to forbid it. Raises Unavailable.
    """
    waited = 0.0
    while True:
        allow(delivery.usage)
        delivery.attempts += 1
        try:
            return _attempt(client, request, delivery)
        except (anthropic.APIError, httpx2.RequestError, _Cut, ValueError, RuntimeError) as failure:
            pause = _pause(failure, delivery.attempts)
            over = delivery.attempts > settings.retries or waited + pause > settings.wait_seconds
            if over or not _is_passing(failure):
                raise _explained(failure, client, settings, delivery, pause) from failure
        time.sleep(pause)
        waited += pause


def _attempt(client: anthropic.Anthropic, request: dict[str, Any], delivery: Delivery) -> Message:
    """Stream one answer. A silent connection is noticed by its timeout, however long the answer is."""
    whole: Message | None = None
    used = Usage()
    try:
        with client.messages.stream(**request) as stream:
            if "event-stream" not in (kind := stream.response.headers.get("content-type", "")):
                raise ValueError(f"it answered with {kind or 'nothing'}")
            for event in stream:
                if event.type == "message_start":
                    used = _usage(event.message.usage, used)
                elif event.type == "message_delta":
                    used = _usage(event.usage, used)
                elif event.type == "message_stop":
                    whole = event.message
    finally:
        delivery.usage += used
    if whole is None or whole.stop_reason is None:
        raise _Cut
    return whole


def _usage(told: Any, before: Usage) -> Usage:
    """The counts of an event; they are totals, and those left out stay as they were."""
    return Usage(
        _or(told.input_tokens, before.input_tokens),
        _or(told.output_tokens, before.output_tokens),
        _or(told.cache_creation_input_tokens, before.cache_write_tokens),
        _or(told.cache_read_input_tokens, before.cache_read_tokens),
    )


def _or(count: int | None, before: int) -> int:
    return before if count is None else count


def _is_passing(failure: _Failure) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(failure, anthropic.APIStatusError):
        if (told := failure.response.headers.get("x-should-retry")) in ("true", "false"):
            return told == "true"
        status = failure.status_code
        return status in (408, 409, 429) or status >= 500 or failure.type in _PASSING_TYPES
    return isinstance(failure, anthropic.APIConnectionError | httpx2.TransportError | _Cut)


def _pause(failure: _Failure, attempts: int) -> float:
    """Seconds before the next attempt: what the server asks for, or twice as long each time, with jitter."""
    if isinstance(failure, anthropic.APIStatusError) and (told := failure.response.headers.get("retry-after")):
        try:
            return max(0.0, float(told))
        except ValueError:
            try:
                return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
            except (ValueError, TypeError):
                pass  # An unreadable header asks for nothing.
    longest = min(_FIRST_PAUSE * 2 ** (attempts - 1), _LONGEST_PAUSE)
    return longest * random.uniform(0.75, 1)  # noqa: S311


def _explained(
    failure: _Failure, client: anthropic.Anthropic, settings: LlmSettings, delivery: Delivery, pause: float
) -> Unavailable:
    """What went wrong, and what helps; never the key, which some servers repeat."""
    where = mask(str(client.base_url))
    after = f" after {delivery.attempts} attempts" if delivery.attempts > 1 else ""
    if isinstance(failure, anthropic.APIStatusError):
        return _refusal_of_server(failure, where, settings, after, pause)
    if isinstance(failure, anthropic.APITimeoutError | httpx2.TimeoutException):
        return Unavailable(
            f"{where} was silent for {settings.timeout_seconds:g} s{after}",
            "raise llm.timeout_seconds, or try later",
        )
    if isinstance(failure, anthropic.APIConnectionError | httpx2.TransportError | _Cut):
        return Unavailable(
            f"the connection to {where} was lost or never made{after}",
            "check the network, and llm.base_url or ANTHROPIC_BASE_URL",
        )
    return Unavailable(
        f"{where} does not speak the Messages API: {mask(str(failure)[:200])}",
        "check llm.base_url or ANTHROPIC_BASE_URL",
    )


def _refusal_of_server(
    failure: anthropic.APIStatusError, where: str, settings: LlmSettings, after: str, pause: float
) -> Unavailable:
    said = mask(failure.api_message or failure.type or "no reason given")
    match failure.status_code:
        case 401:
            key = settings.api_key or "env:ANTHROPIC_API_KEY"
            return Unavailable(f"{where} does not accept the API key", f"put a valid key behind {key}")
        case 403:
            return Unavailable(f"{where} forbids the request: {said}", "check what the API key may do")
        case 404:
            return Unavailable(
                f"{where} has no model {settings.model!r}: {said}", "correct llm.model in smelt.toml"
            )
        case 429 | 529:
            asked = f"; it asks to wait {pause:.0f} s" if "retry-after" in failure.response.headers else ""
            why = "limits the rate of requests" if failure.status_code == 429 else "is overloaded"
            return Unavailable(f"{where} {why}{after}: {said}{asked}", "try later, or raise llm.wait_seconds")
        case status:
            return Unavailable(
                f"{where} answered {status}{after}: {said}",
                "try later"
                if status >= 500 or status == 200
                else "the request itself is at fault: see the reason",
            )
