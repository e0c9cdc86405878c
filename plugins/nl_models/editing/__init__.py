"""A model changed in place: a request in words goes in, a proposal with the smallest diff comes out.

`propose_edit` reads what is asked over the model's inputs, edits the text of its SQL and YAML where it must, and
runs both versions. What can't be done safely is one SmeltError, or a question for the reviewer.
"""

from plugins.nl_models.editing.proposing import propose_edit

__all__ = ["propose_edit"]
