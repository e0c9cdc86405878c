"""Proposals of drift that wait for a person: one for each source system, found again at the next check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings
from plugins.review import Proposal, Proposals

KIND = "drift"


def open_proposals(settings: Settings) -> Iterator[Proposal]:
    """Those that nobody has decided about, newest first."""
    proposals = Proposals(settings)
    return (one for one in _all(proposals) if not proposals.status(one).state.decision.is_final)


def decided(settings: Settings, source: str, since: datetime | None) -> Iterator[Proposal]:
    """Those about a source that were made since then, and merged or closed."""
    proposals = Proposals(settings)
    for one in _all(proposals):
        is_later = since is None or one.created_at >= since
        if one.subject == source and is_later and proposals.status(one).state.decision.is_final:
            yield one


def _all(proposals: Proposals) -> Iterator[Proposal]:
    """Newest first; one whose files can't be read is passed over: `smelt proposals list` names it."""
    for proposal_id in reversed(proposals.store.ids):
        with suppress(SmeltError):
            proposal = proposals.find(proposal_id).proposal
            if proposal.kind == KIND:
                yield proposal


def find_open(settings: Settings, source: str) -> Proposal | None:
    """The one about a source system."""
    return next((one for one in open_proposals(settings) if one.subject == source), None)


def close(settings: Settings, proposal: Proposal, reason: str) -> None:
    """Close one without merging, saying why."""
    Proposals(settings).close(proposal.id, reason)
