"""A proposal's life: stored, opened as a pull request, decided by a person, and its outcome recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from plugins.core.errors import SmeltError
from plugins.core.ledger import Ledger
from plugins.core.settings import Settings
from plugins.review.forge import Decision, Forge, OpenedPullRequest, PullRequestState, open_forge
from plugins.review.markdown import prose
from plugins.review.proposal import Proposal
from plugins.review.proposals.events import LedgerTips, ProposalEvents, last_forge, recorded_state
from plugins.review.proposals.store import ProposalStore, StoredProposal

# Listing is looking; whoever looks doesn't wait out a rate limit.
_LISTING_SECONDS = 3.0
_MERGED = (Decision.MERGED, Decision.MERGED_EDITED)


@dataclass(frozen=True)
class ListedProposal:
    """A proposal and where it stands.

    problem: why its forge could not be asked; then `state` is the last known.
    """

    proposal: Proposal
    forge: str | None
    state: PullRequestState
    problem: str | None = None


@dataclass
class Proposals:
    """The proposals of one project."""

    settings: Settings
    _unreachable: dict[str, str] = field(default_factory=dict, init=False)
    _asked: dict[str, Forge] = field(default_factory=dict, init=False)

    @cached_property
    def store(self) -> ProposalStore:
        """Their files."""
        return ProposalStore(self.settings.make_local_root() / "proposals")

    @cached_property
    def events(self) -> ProposalEvents:
        """Their events in the ledger."""
        return ProposalEvents(Ledger(self.settings))

    def add(self, proposal: Proposal, body: str) -> None:
        """Store a proposal, or a newer version of it, with its rendered body."""
        self.store.save(proposal, body)
        if not self.events.history(proposal.id):
            self.events.created(proposal)

    def find(self, prefix: str) -> StoredProposal:
        """The stored proposal whose id begins with `prefix`; raises SmeltError that lists near ids."""
        return self.store.find(prefix)

    def open(self, prefix: str, forge: str | None = None) -> OpenedPullRequest:
        """Open a stored proposal as a pull request, or bring its pull request up to date.

        forge: `local`, `github` or `gitlab`; default: where it was opened before, else the settings'.
        Raises SmeltError as the forge does, and for one that was opened elsewhere.
        """
        stored = self.find(prefix)
        proposal = stored.proposal
        with self.store.locked(proposal.id):
            history = self.events.history(proposal.id)
            before, state = last_forge(history), recorded_state(history)
            if state.decision in _MERGED:
                raise SmeltError(f"proposal {proposal.id} is {state.decision}", "make a new proposal")
            kind = forge or before or self.settings.forge.kind
            if before and before != kind:
                raise SmeltError(
                    f"proposal {proposal.id} was opened on the forge {before}",
                    f"smelt proposals open {proposal.id} --forge {before}, or make a new proposal",
                )
            opened = self._forge(kind).open(proposal, stored.body)
            self.events.opened(proposal, kind, opened)
        return opened

    def close(self, prefix: str, reason: str = "") -> ListedProposal:
        """Close its pull request without merging and record the outcome, or the one it has already."""
        stored = self.find(prefix)
        proposal = stored.proposal
        with self.store.locked(proposal.id):
            history = self.events.history(proposal.id)
            kind, state = last_forge(history), recorded_state(history)
            if state.decision.is_final:
                return ListedProposal(proposal, kind, state)
            if kind is not None:
                forge = self._forge(kind)
                forge.close(proposal, _closing_words(reason))
                state = forge.state(proposal)
            if state.decision not in _MERGED:
                state = PullRequestState(Decision.CLOSED, state.url, state.number, reason or state.detail)
            self.events.decided(proposal, kind, state)
            if state.decision is Decision.CLOSED:
                self.store.save(proposal, _closed(stored.body, state.detail))
        return ListedProposal(proposal, kind, state)

    def status(self, proposal: Proposal) -> ListedProposal:
        """Where a proposal stands; asks its forge while it is open and records an outcome that it finds."""
        history = self.events.history(proposal.id)
        kind, state = last_forge(history), recorded_state(history)
        if kind is None or state.decision.is_final:
            return ListedProposal(proposal, kind, state)
        if kind in self._unreachable:
            return ListedProposal(proposal, kind, state, self._unreachable[kind])
        try:
            found = self._listing_forge(kind).state(proposal)
        except SmeltError as error:
            if kind != "local":
                self._unreachable[kind] = error.message
            return ListedProposal(proposal, kind, state, error.message)
        # Stopped before it made the branch: a local branch that was never there wasn't deleted.
        was_opened = kind != "local" or state.decision is not Decision.UNOPENED
        if found.decision is not Decision.CLOSED or was_opened:
            state = found
        if state.decision.is_final:
            with self.store.locked(proposal.id):
                if not recorded_state(self.events.history(proposal.id)).decision.is_final:
                    self.events.decided(proposal, kind, state)
        return ListedProposal(proposal, kind, state)

    def listed(self) -> tuple[list[ListedProposal], list[str]]:
        """All proposals, newest first, and what is wrong with those that cannot be read."""
        listed, unreadable = [], []
        for proposal_id in reversed(self.store.ids):
            try:
                listed.append(self.status(self.store.load(proposal_id).proposal))
            except SmeltError as error:
                unreadable.append(str(error))
        return listed, unreadable

    def history(self, proposal: Proposal) -> list[dict[str, Any]]:
        """Its events, oldest first."""
        return self.events.history(proposal.id)

    def _forge(self, kind: str) -> Forge:
        return open_forge(self.settings, LedgerTips(self.events, kind), kind)

    def _listing_forge(self, kind: str) -> Forge:
        if kind not in self._asked:
            budget = min(_LISTING_SECONDS, self.settings.forge.wait_seconds)
            self._asked[kind] = open_forge(self.settings, LedgerTips(self.events, kind), kind, budget)
        return self._asked[kind]


def _closed(body: str, reason: str) -> str:
    """The body for whoever still reads the file: it says of itself that it can be merged."""
    title, _, rest = body.partition("\n")
    words = f"**Closed**: {prose(reason)}" if reason else "**Closed**"
    return f"{title}\n\n> {words}\n\n{rest.lstrip()}"


def _closing_words(reason: str) -> str:
    return f"Closed with `smelt proposals close`: {reason}" if reason else "Closed with `smelt proposals close`."
