"""Tools: typed Python functions that the model may call while it works on an answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from plugins.core.llm.prompt import as_data
from plugins.core.llm.redaction import Redactor
from plugins.core.llm.sample import samples_in

# Takes one pydantic model; its name and docstring are what the model reads of it. It returns text, a pydantic
# model, lists and mappings of them, or a Sample.
Tool = Callable[[Any], Any]


@dataclass(frozen=True)
class Toolbox:
    """The tools of one conversation, by name."""

    tools: dict[str, Tool]
    redactor: Redactor
    send_samples: bool

    @classmethod
    def of(cls, tools: Sequence[Tool], redactor: Redactor, send_samples: bool) -> Toolbox:
        """The box with `tools` in it."""
        return cls({tool.__name__: tool for tool in tools}, redactor, send_samples)

    def described(self) -> list[dict[str, Any]]:
        """The tools as the Messages API wants them described."""
        return [
            {
                "name": name,
                "description": inspect.getdoc(tool) or name,
                "input_schema": _arguments(tool).model_json_schema(),
            }
            for name, tool in self.tools.items()
        ]

    def call(self, name: str, arguments: object) -> tuple[str, bool]:
        """The result as text for the model, and whether it is an error: of its arguments, or of the tool."""
        if not (tool := self.tools.get(name)):
            return f"there is no tool {name!r}; there are: {', '.join(self.tools)}", True
        try:
            result = tool(_arguments(tool).model_validate(arguments))
        except ValidationError as error:
            return as_data("error", str(error), self.redactor.clean, self.send_samples), True
        # Whatever goes wrong in a tool, the model may find another way; it is told what a user would be.
        except Exception as error:  # noqa: BLE001
            what = f"{type(error).__name__}: {error}"
            return as_data("error", what, self.redactor.clean, self.send_samples), True
        for sample in samples_in(result):
            self.redactor.learn(sample.personal_values)
        return as_data(name, result, self.redactor.clean, self.send_samples), False


def _arguments(tool: Tool) -> type[BaseModel]:
    """The pydantic model that `tool` takes."""
    (parameter,) = inspect.signature(tool).parameters
    return get_type_hints(tool)[parameter]
