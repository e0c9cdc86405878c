"""What calls use and cost, and whether a run may make another one."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select

from plugins.core.ledger import TABLES, Run
from plugins.core.llm.errors import BudgetExceeded
from plugins.core.settings.policies import LlmSettings

_PRICES = Path(__file__).parent / "prices.toml"
_MILLION = 1_000_000
# Text rarely has fewer than two bytes a token, in any script; budgets are kept by what a call could use.
_BYTES_PER_TOKEN = 2


@dataclass(frozen=True)
class Usage:
    """Tokens of one request, as the provider bills them. `input_tokens` are those that no cache held."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0

    @property
    def total(self) -> int:
        """All tokens, in and out."""
        return self.input_tokens + self.output_tokens + self.cache_write_tokens + self.cache_read_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
        )


@dataclass(frozen=True)
class Price:
    """USD per million tokens of one model; prompts longer than `long_prompt_tokens` cost a multiple."""

    input: float
    output: float
    cache_write: float
    cache_read: float
    long_prompt_tokens: int | None = None
    long_prompt_factor: float = 1

    def cost(self, usage: Usage) -> float:
        """USD for one request."""
        prompt = usage.input_tokens + usage.cache_write_tokens + usage.cache_read_tokens
        is_long = self.long_prompt_tokens is not None and prompt > self.long_prompt_tokens
        dollars = (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_write_tokens * self.cache_write
            + usage.cache_read_tokens * self.cache_read
        ) / _MILLION
        return dollars * (self.long_prompt_factor if is_long else 1)


@cache
def _prices() -> dict[str, Price]:
    models = tomllib.loads(_PRICES.read_text(encoding="utf-8"))["models"]
    return {name: Price(**values) for name, values in models.items()}


def price_of(model: str) -> Price | None:
    """The price of `model`, with or without the date of its version at the end; None if it isn't known."""
    return _prices().get(model) or _prices().get(re.sub(r"-\d{8}$", "", model))


def most_used(request: dict[str, Any]) -> Usage:
    """The most that `request` can use: its size if nothing is cached, and the longest answer it allows."""
    size = len(json.dumps(request, ensure_ascii=False, default=str).encode())
    # All of it may be written to the cache, which is what costs most.
    return Usage(output_tokens=request["max_tokens"], cache_write_tokens=size // _BYTES_PER_TOKEN + 1)


def check_budget(run: Run, settings: LlmSettings, most: Usage, unrecorded: Usage) -> None:
    """Raise BudgetExceeded if an attempt that uses `most` could take the run beyond its budget.

    What the run used so far is read from the ledger, so that all models of a run share one budget, and
    `unrecorded`: that of earlier attempts at the same call.
    """
    calls = TABLES["model_calls"]
    made = run.ledger.read(select(calls).where(calls.c.run_id == run.id))
    used_tokens = sum(call[kind.name] or 0 for call in made for kind in fields(Usage)) + unrecorded.total
    needed = used_tokens + most.total
    if needed > settings.budget_tokens:
        raise BudgetExceeded(
            f"the next call to {settings.model} could take this run to {needed:,} tokens; "
            f"it used {used_tokens:,} of {settings.budget_tokens:,}",
            "raise llm.budget_tokens in smelt.toml, or lower llm.max_tokens",
        )
    if settings.budget_usd is None:
        return
    if (price := price_of(settings.model)) is None:
        raise BudgetExceeded(
            f"llm.budget_usd can't be kept: the price of {settings.model} is unknown",
            "remove llm.budget_usd (llm.budget_tokens still holds), or choose a model that is in prices.toml",
        )
    used_usd = sum(call["cost_usd"] or 0 for call in made) + price.cost(unrecorded)
    if (needed_usd := used_usd + price.cost(most)) > settings.budget_usd:
        raise BudgetExceeded(
            f"the next call to {settings.model} could take this run to ${needed_usd:.4f}; "
            f"it spent ${used_usd:.4f} of ${settings.budget_usd:.4f}",
            "raise llm.budget_usd in smelt.toml, or lower llm.max_tokens",
        )
