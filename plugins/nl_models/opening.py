"""A proposal of this plugin on its way to a pull request: proven in the sandbox, stored, and opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plugins.core.project.project import Project
from plugins.core.settings import Settings
from plugins.review import Proposal, Proposals, prove


@dataclass(frozen=True)
class Opened:
    """url: of the pull request, or the branch's file of a local one; None: the evidence speaks against it, and
    it is only stored. body: what its reviewer reads."""

    proposal: Proposal
    body: str
    url: str | None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "proposal": self.proposal.id,
            "title": self.proposal.title,
            "branch": self.proposal.branch,
            "url": self.url,
            "files": [change.path for change in self.proposal.changes],
            "questions": list(self.proposal.questions),
        }


def open_proposal(
    project: Project,
    settings: Settings,
    proposal: Proposal,
    *,
    forge: str | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Opened:
    """Build it beside its base, keep it with its evidence, and open it unless that speaks against it.

    forge: local, github or gitlab; default: the settings'. Raises SmeltError as the sandbox and the forge do.
    """
    proven = prove(project, settings, proposal, on_progress)
    proposals = Proposals(settings)
    proposals.add(proven.proposal, proven.body)
    if proven.has_failed:
        return Opened(proven.proposal, proven.body, None)
    on_progress("opening the pull request")
    return Opened(proven.proposal, proven.body, proposals.open(proposal.id, forge).url)
