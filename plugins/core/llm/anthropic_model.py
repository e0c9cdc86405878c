"""The Messages API of Anthropic, or of whatever speaks it, as a Model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import anthropic
import httpx2
from anthropic.types import Message
from pydantic import BaseModel, ValidationError

from plugins.core.ledger import Run
from plugins.core.llm.accounting import check_budget, most_used, price_of
from plugins.core.llm.errors import Malformed, ModelError, Refused, Truncated
from plugins.core.llm.prompt import Prompt, as_data
from plugins.core.llm.redaction import Redactor
from plugins.core.llm.sample import samples_in
from plugins.core.llm.sending import Delivery, send
from plugins.core.llm.tools import Tool, Toolbox
from plugins.core.settings import Settings

# Turns of one conversation: the model calls tools in all but the last.
_MAX_TURNS = 12


class AnthropicModel:
    """See `Model`. One row of the ledger's `model_calls` for each request."""

    def __init__(self, settings: Settings, run: Run, api_key: str) -> None:
        self._settings = settings.llm
        self._run = run
        self._redactor = Redactor(settings)
        self._client = anthropic.Anthropic(
            api_key=api_key,
            base_url=self._settings.base_url,
            # Attempts are ours, so that one dropped in the middle is repeated and each is counted.
            max_retries=0,
            timeout=httpx2.Timeout(self._settings.timeout_seconds),
        )

    def ask(
        self,
        prompt: Prompt,
        values: Mapping[str, Any],
        answer: type[BaseModel] | None = None,
        *,
        tools: Sequence[Tool] = (),
    ) -> Any:
        """The model's answer; a malformed one is sent back once, with what is wrong with it. See `Model.ask`."""
        for sample in samples_in(values):
            self._redactor.learn(sample.personal_values)
        box = Toolbox.of(tools, self._redactor, self._settings.send_samples)
        user = prompt.render(values, self._redactor.clean, self._settings.send_samples)
        messages: list[dict[str, Any]] = [{"role": "user", "content": user}]
        request = self._request(prompt, messages, answer, box)
        is_repaired = False
        for _ in range(_MAX_TURNS):
            try:
                with self._accounted(prompt) as delivery:
                    message = self._send(request, delivery)
                    if message.content:
                        messages.append({"role": "assistant", "content": message.content})
                    if message.stop_reason != "tool_use":
                        return _read(message, answer)
            except Malformed as error:
                if is_repaired:
                    raise
                is_repaired = True
                wrong = as_data("error", error.message, self._redactor.clean, False)
                messages.append({"role": "user", "content": f"{wrong}\nAnswer again, whole and corrected."})
            else:
                messages.append({"role": "user", "content": _tool_results(message, box)})
        raise ModelError(
            f"{self._settings.model} called tools for {_MAX_TURNS} turns without answering {prompt.name}",
            "ask for less at once",
        )

    def _request(
        self, prompt: Prompt, messages: list[dict[str, Any]], answer: type[BaseModel] | None, box: Toolbox
    ) -> dict[str, Any]:
        """The request, which grows with `messages`; tools and system prompt, being stable, are cached."""
        request: dict[str, Any] = {
            "model": self._settings.model,
            "max_tokens": self._settings.max_tokens,
            "system": [{"type": "text", "text": prompt.system, "cache_control": {"type": "ephemeral"}}],
            "messages": messages,
        }
        if box.tools:
            request["tools"] = box.described()
        if answer is not None:
            shape = {"type": "json_schema", "schema": anthropic.transform_schema(answer)}
            request["output_config"] = {"format": shape}
        return request

    def _send(self, request: dict[str, Any], delivery: Delivery) -> Message:
        """Clean, check the budget, send; raises what an answer can't be used for."""
        parts = {"system", "messages", "tools", "output_config"}
        clean = {
            key: self._redactor.clean_request(part) if key in parts else part for key, part in request.items()
        }
        most = most_used(clean)
        message = send(
            self._client,
            clean,
            self._settings,
            delivery,
            allow=lambda used: check_budget(self._run, self._settings, most, used),
        )
        if message.stop_reason == "refusal":
            raise Refused(f"{message.model} declined to answer", "rephrase the request, or do without the model")
        if message.stop_reason in ("max_tokens", "model_context_window_exceeded"):
            raise Truncated(
                f"{message.model} stopped in the middle of its answer ({message.stop_reason})",
                f"raise llm.max_tokens (now {self._settings.max_tokens}), or ask for less at once",
            )
        return message

    @contextmanager
    def _accounted(self, prompt: Prompt) -> Iterator[Delivery]:
        """Record the request that is made in the block, whatever becomes of it."""
        delivery = Delivery()
        started = time.monotonic()
        outcome, error = "error", None
        try:
            yield delivery
            outcome = "ok"
        except ModelError as failure:
            outcome, error = failure.outcome, self._redactor.clean(failure.message)
            raise
        finally:
            price = price_of(self._settings.model)
            self._run.append(
                "model_calls",
                {
                    "capability": prompt.capability,
                    "prompt": prompt.name,
                    "prompt_version": prompt.version,
                    "prompt_hash": prompt.sha256,
                    "model": self._settings.model,
                    **asdict(delivery.usage),
                    "cost_usd": price.cost(delivery.usage) if price else None,
                    "seconds": time.monotonic() - started,
                    "attempts": delivery.attempts,
                    "outcome": outcome,
                    "error": error,
                },
            )


def _read(message: Message, answer: type[BaseModel] | None) -> Any:
    """The answer in `message`; raises Malformed, saying what is wrong with it."""
    text = "".join(block.text for block in message.content if block.type == "text")
    hint = "try again; if it stays so, the prompt or the model is unfit"
    if answer is None:
        if not text.strip():
            raise Malformed(f"{message.model} answered nothing", hint)
        return text
    try:
        return answer.model_validate_json(text)
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, item['loc'])) or 'the whole'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise Malformed(
            f"the answer of {message.model} is no valid {answer.__name__}: {'; '.join(problems)}", hint
        ) from error


def _tool_results(message: Message, box: Toolbox) -> list[dict[str, Any]]:
    """One result for each tool that the model called, in order."""
    results = []
    for block in message.content:
        if block.type == "tool_use":
            text, is_error = box.call(block.name, block.input)
            results.append({"type": "tool_result", "tool_use_id": block.id, "content": text, "is_error": is_error})
    return results
