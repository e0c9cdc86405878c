"""Proposals of drift that wait for a person: one for each source system, found again at the next check."""

from __future__ import annotations

from collections.abc import Iterator

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings
from plugins.review import Proposal, Proposals

KIND = "drift"


def open_proposals(settings: Settings) -> Iterator[Proposal]:
    """Those that nobody has decided about, newest first; one whose files can't be read is passed over."""
    proposals = Proposals(settings)
    for proposal_id in reversed(proposals.store.ids):
        try:
            proposal = proposals.find(proposal_id).proposal
        except SmeltError:
            # `smelt proposals list` names it; here it can neither be brought up to date nor closed.
            continue
        if proposal.kind == KIND and not proposals.status(proposal).state.decision.is_final:
            yield proposal


def find_open(settings: Settings, source: str) -> Proposal | None:
    """The one about a source system."""
    return next((one for one in open_proposals(settings) if one.subject == source), None)


def close(settings: Settings, proposal: Proposal, reason: str) -> None:
    """Close one without merging, saying why."""
    Proposals(settings).close(proposal.id, reason)
