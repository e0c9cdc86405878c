"""Whether the project has a model already that holds the same."""

from __future__ import annotations

from dataclasses import dataclass

from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.draft import Draft


@dataclass(frozen=True)
class Reuse:
    """model: what to use instead. why: how it is known to hold the same."""

    model: str
    why: str


def find_reuse(draft: Draft, project: AskedProject) -> Reuse | None:
    """The model or metric to use instead of a draft; None: there is none."""
    return None
