"""A plan becomes a dbt model: SQL in house style, YAML, tests and evidence go out as a proposal.

`propose_model` takes what a question was understood as, and returns a `Proposal`, or a `Reuse` where the project
holds it already. Nothing is written to the project.
"""

from plugins.nl_models.models.proposing import propose_model
from plugins.nl_models.models.reuse import Reuse

__all__ = ["Reuse", "propose_model"]
