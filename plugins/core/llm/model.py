"""What a language model is to the rest of Smelt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, overload

from pydantic import BaseModel

from plugins.core.llm.prompt import Prompt
from plugins.core.llm.tools import Tool

Answer = TypeVar("Answer", bound=BaseModel)


class Model(Protocol):
    """A language model, opened for one run."""

    @overload
    def ask(self, prompt: Prompt, values: Mapping[str, Any], *, tools: Sequence[Tool] = ()) -> str: ...
    @overload
    def ask(
        self, prompt: Prompt, values: Mapping[str, Any], answer: type[Answer], *, tools: Sequence[Tool] = ()
    ) -> Answer: ...
    def ask(
        self,
        prompt: Prompt,
        values: Mapping[str, Any],
        answer: type[BaseModel] | None = None,
        *,
        tools: Sequence[Tool] = (),
    ) -> Any:
        """The model's whole answer to `prompt` with `values` in it: an instance of `answer`, or text.

        Values are text, pydantic models, mappings and lists of them, or a `Sample` of rows; secrets and personal
        data in them are masked. `tools` are called as the model asks for them, until it answers.
        Raises ModelError (Unavailable, BudgetExceeded, Refused, Truncated, Malformed).
        """
        ...
