"""What happened to proposals, in the append-only ledger table `proposal_events`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from plugins.core.ledger import TABLES, Ledger
from plugins.core.settings import mask
from plugins.review.forge import Decision, OpenedPullRequest, PullRequestState
from plugins.review.proposal import Proposal

_TABLE = "proposal_events"


@dataclass(frozen=True)
class ProposalEvents:
    """Appends to and reads from the ledger."""

    ledger: Ledger

    def created(self, proposal: Proposal) -> None:
        """Record that a plugin made it, with what later confidence is calibrated on."""
        self._append(proposal, "created", detail={**_traits(proposal), "title": proposal.title})

    def opened(self, proposal: Proposal, forge: str, opened: OpenedPullRequest) -> None:
        """Record that its pull request was opened or brought up to date."""
        self._append(
            proposal,
            "opened" if opened.is_new else "updated",
            forge=forge,
            url=opened.url,
            number=opened.number,
            # A tip that holds commits of a person is not Smelt's to move.
            tip=None if opened.note else opened.tip,
        )

    def decided(self, proposal: Proposal, forge: str | None, state: PullRequestState) -> None:
        """Record its outcome."""
        self._append(
            proposal,
            "outcome",
            forge=forge,
            url=state.url,
            number=state.number,
            outcome=str(state.decision),
            detail={**_traits(proposal), "reason": mask(state.detail)},
        )

    def pushing(self, proposal: Proposal, forge: str, tip: str) -> None:
        """Record a commit that is about to be pushed."""
        self._append(proposal, "pushing", forge=forge, tip=tip)

    def history(self, proposal_id: str) -> list[dict[str, Any]]:
        """All events of one proposal, oldest first."""
        table = TABLES[_TABLE]
        chosen = select(table).where(table.c.proposal_id == proposal_id)
        return self.ledger.read(chosen.order_by(table.c.at, table.c.event_id))

    def _append(self, proposal: Proposal, event: str, **values: Any) -> None:
        row = {"proposal_id": proposal.id, "event": event, "branch": proposal.branch, **values}
        self.ledger.append(_TABLE, [row])


@dataclass(frozen=True)
class LedgerTips:
    """The commits that Smelt made for a proposal, by the ledger; see `forge.Tips`."""

    events: ProposalEvents
    forge: str

    def known(self, proposal: Proposal) -> frozenset[str]:
        """Commits recorded for it, on any forge."""
        return frozenset(event["tip"] for event in self.events.history(proposal.id) if event["tip"])

    def remember(self, proposal: Proposal, tip: str) -> None:
        """Record a commit, once."""
        if tip not in self.known(proposal):
            self.events.pushing(proposal, self.forge, tip)


def recorded_state(history: list[dict[str, Any]]) -> PullRequestState:
    """Where a proposal stands by its events alone: decided, opened, or neither."""
    for event in reversed(history):
        if event["event"] == "outcome":
            reason = (event["detail"] or {}).get("reason", "")
            return PullRequestState(Decision(event["outcome"]), event["url"], event["number"], reason)
        if event["event"] in ("opened", "updated"):
            return PullRequestState(Decision.OPEN, event["url"], event["number"])
    return PullRequestState(Decision.UNOPENED)


def last_forge(history: list[dict[str, Any]]) -> str | None:
    """The forge it was (or was about to be) opened on; None: it never was."""
    return next((event["forge"] for event in reversed(history) if event["forge"]), None)


def _traits(proposal: Proposal) -> dict[str, Any]:
    return {"kind": proposal.kind, "confidence": proposal.confidence}
