"""A language model behind one interface. No provider configured is a normal state.

A prompt from a file, and values, go in; an instance of a pydantic type or text comes out, or a ModelError.
What leaves the machine is masked, what it costs is in the ledger, and a run has a budget.

    model = open_model(settings, run)          # None: go on without
    answer = model.ask(load_prompt("nl_models", "question"), {"question": question}, Plan)
"""

from plugins.core.llm.choice import has_model, open_model
from plugins.core.llm.errors import BudgetExceeded, Malformed, ModelError, Refused, Truncated, Unavailable
from plugins.core.llm.model import Model
from plugins.core.llm.prompt import Prompt, load_prompt
from plugins.core.llm.sample import Sample

__all__ = [
    "BudgetExceeded",
    "Malformed",
    "Model",
    "ModelError",
    "Prompt",
    "Refused",
    "Sample",
    "Truncated",
    "Unavailable",
    "has_model",
    "load_prompt",
    "open_model",
]
