"""Trying again: exponential backoff with jitter, or exactly as long as the source asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

T = TypeVar("T")

_LONGEST_WAIT = 60.0


class Transient(Exception):
    """A failure that may pass by itself: connection lost, server starting, too many requests.

    retry_after: seconds the source asks to wait (`Retry-After`), or None.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def retrying(
    call: Callable[[], T],
    *,
    attempts: int = 4,
    first_wait: float = 0.5,
    on_wait: Callable[[Transient, float], None] | None = None,
) -> T:
    """`call()`, repeated while it raises Transient; the last one is raised after `attempts` tries.

    Waits grow exponentially with jitter from `first_wait` seconds; a `retry_after` of the source wins,
    and `on_wait(error, seconds)` hears of each wait.
    """
    backoff = wait_random_exponential(multiplier=first_wait, max=_LONGEST_WAIT)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, Transient) else None
        return backoff(state) if asked is None else min(asked, _LONGEST_WAIT)

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if on_wait and isinstance(error, Transient) and state.next_action:
            on_wait(error, float(state.next_action.sleep))

    policy = Retrying(
        retry=retry_if_exception_type(Transient),
        wait=wait,
        stop=stop_after_attempt(attempts),
        before_sleep=tell,
        reraise=True,
    )
    return policy(call)
