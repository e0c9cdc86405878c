"""What people corrected before they merged goes in; proposals that teach the project's YAML the same come out.

`propose_feedback` compares what was proposed with what was merged, and suggests synonyms and examples for it.
"""

from plugins.nl_models.feedback.proposing import propose_feedback

__all__ = ["propose_feedback"]
