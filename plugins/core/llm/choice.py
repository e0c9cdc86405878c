"""Which model a run gets, if any."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from plugins.core.llm.model import Model
from plugins.core.settings import Settings, resolve

if TYPE_CHECKING:
    from plugins.core.ledger import Run

_DEFAULT_KEY = "env:ANTHROPIC_API_KEY"


def has_model(settings: Settings) -> bool:
    """Whether a model is configured, so that a run is worth opening for it."""
    llm = settings.llm
    is_absent = llm.api_key is None and not os.environ.get("ANTHROPIC_API_KEY")
    return not (llm.provider == "none" or (llm.provider == "auto" and is_absent))


def open_model(settings: Settings, run: Run) -> Model | None:
    """The model that `settings.llm` names, whose calls are accounted to `run`; None if there is none.

    None is a normal state: callers go on without. Raises SmeltError if a key that is configured cannot be read.
    """
    if not has_model(settings):
        return None
    key = resolve(settings.llm.api_key or _DEFAULT_KEY, settings.project_dir, "llm.api_key")
    # Imported here: who has no provider doesn't pay for it.
    from plugins.core.llm.anthropic_model import AnthropicModel

    return AnthropicModel(settings, run, key)
