"""Repeating what may be repeated: rate limits are waited out and lost connections retried, within a budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from plugins.core.errors import SmeltError

_T = TypeVar("_T")
_TRANSIENT = {408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524}
_backoff = wait_random_exponential(multiplier=0.2, max=20)


class ForgeFailure(Exception):
    """One request to a forge failed. status: HTTP's; None: no answer came. retry_after: seconds, if it said so."""

    def __init__(
        self, status: int | None, message: str, retry_after: float | None = None, is_rate_limit: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after
        self.is_rate_limit = is_rate_limit

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.is_rate_limit or self.status is None or self.status in _TRANSIENT


@dataclass
class Attempts:
    """A budget of waiting, in seconds, that the requests of one command share."""

    forge: str
    budget: float
    _ends: float = field(init=False)

    def __post_init__(self) -> None:
        self._ends = time.monotonic() + self.budget

    def run(self, call: Callable[[], _T]) -> _T:
        """The result of `call`, repeated while its ForgeFailure is transient and the budget lasts.

        `call` must be safe to repeat. Raises SmeltError when the budget is used up, and
        ForgeFailure when it is not transient.
        """
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, ForgeFailure) and error.is_transient),
            wait=_wait,
            stop=lambda state: self._left() < (state.upcoming_sleep or 0),
            reraise=True,
        )
        try:
            return retrying(call)
        except ForgeFailure as failure:
            if failure.is_transient:
                raise self._explain(failure) from failure
            raise

    def _left(self) -> float:
        return self._ends - time.monotonic()

    def _explain(self, failure: ForgeFailure) -> SmeltError:
        if failure.is_rate_limit:
            after = f" for another {failure.retry_after:.0f} s" if failure.retry_after else ""
            return SmeltError(
                f"{self.forge} refuses further requests{after}: its rate limit is reached",
                f"run again later; a repeat adds nothing twice (forge.wait_seconds is {self.budget:g})",
            )
        said = "does not answer" if failure.status is None else f"answers with HTTP {failure.status}"
        return SmeltError(
            f"{self.forge} {said}: {failure.message}",
            "check the network and the forge's status, then run again; a repeat adds nothing twice",
        )


def _wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, ForgeFailure) and failure.retry_after is not None:
        return failure.retry_after
    return _backoff(state)


def limit_of(status: int, headers: dict[str, str], message: str) -> tuple[bool, float | None]:
    """Whether an answer is a rate limit, and after how many seconds to come back, by its headers.

    GitHub's rules: 429, or 403 with Retry-After, or with x-ratelimit-remaining 0, or that says so.
    GitLab: 429 with Retry-After or RateLimit-Reset. Without a hint a minute is what GitHub asks for.
    """
    named = {key.lower(): value for key, value in headers.items()}
    is_limit = status == 429 or (
        status == 403
        and (
            "retry-after" in named or named.get("x-ratelimit-remaining") == "0" or "rate limit" in message.lower()
        )
    )
    if after := named.get("retry-after", ""):
        return is_limit, float(after) if after.isdigit() else None
    reset = named.get("x-ratelimit-reset", named.get("ratelimit-reset", ""))
    if is_limit and reset.isdigit():
        return True, max(0.0, int(reset) - time.time()) + 1
    return is_limit, 60.0 if is_limit else None
