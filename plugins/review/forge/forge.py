"""What a forge is: the place where proposals become pull requests, and people decide about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from plugins.core.errors import SmeltError
from plugins.review.proposal import Proposal


class Decision(StrEnum):
    """What became of a pull request."""

    UNOPENED = "not opened"
    OPEN = "open"
    MERGED = "merged"
    MERGED_EDITED = "merged after edits"
    CLOSED = "closed"

    @property
    def is_final(self) -> bool:
        """Whether a person has decided."""
        return self in {Decision.MERGED, Decision.MERGED_EDITED, Decision.CLOSED}


@dataclass(frozen=True)
class OpenedPullRequest:
    """Where a proposal can be read and decided about.

    url: of its page; of the local forge, the file with the body. number: None on the local forge.
    tip: the branch's newest commit. is_new: False when it was there already and is brought up to date.
    note: what became of commits that somebody else made there, in a line; empty: there are none.
    """

    url: str
    branch: str
    number: int | None
    tip: str
    is_new: bool
    note: str = ""


@dataclass(frozen=True)
class PullRequestState:
    """What the forge says now. `detail` is one line for people, or the reason of the person who closed it."""

    decision: Decision
    url: str | None = None
    number: int | None = None
    detail: str = ""


class Tips(Protocol):
    """The commits that Smelt made for a proposal and (perhaps) pushed; a branch at any other was touched."""

    def known(self, proposal: Proposal) -> frozenset[str]:
        """Commit ids that were remembered."""
        ...

    def remember(self, proposal: Proposal, tip: str) -> None:
        """Record a commit before it is pushed."""
        ...


class NoTips:
    """For what needs no branch, such as a comment: nothing is known, and nothing may be pushed."""

    def known(self, proposal: Proposal) -> frozenset[str]:
        """No commit."""
        return frozenset()

    def remember(self, proposal: Proposal, tip: str) -> None:
        """Raises SmeltError: without a record, a push could not be repeated safely."""
        raise SmeltError(f"{proposal.branch} cannot be pushed without a ledger", "use smelt proposals open")


class Forge(Protocol):
    """A place where pull requests live. No forge approves or merges: there is no code for it.

    Every method raises SmeltError with the permission or command that is missing, and may be
    repeated after a crash or a lost connection: one proposal has at most one pull request.
    """

    @property
    def name(self) -> str:
        """`local`, `github` or `gitlab`."""
        ...

    def open(self, proposal: Proposal, body: str) -> OpenedPullRequest:
        """Make the branch and the pull request, or bring those of an earlier attempt up to date.

        What somebody else has committed to the branch stays there: what is new is merged into it, or only told.
        Raises SmeltError for a branch that never was Smelt's, and if the pull request was closed.
        """
        ...

    def update(self, proposal: Proposal, body: str) -> OpenedPullRequest:
        """Bring an opened pull request up to date; raises SmeltError if there is none."""
        ...

    def close(self, proposal: Proposal, comment: str) -> None:
        """Close it without merging, saying why; one that is decided already is left as it is."""
        ...

    def state(self, proposal: Proposal) -> PullRequestState:
        """What people decided, read back from the forge."""
        ...

    def comment(self, number: int, body: str, head: str | None = None) -> str:
        """Write Smelt's one sticky comment on a pull request, replacing its text if it is there; its URL.

        head: the commit that `body` is about; raises SmeltError if the pull request is at another one.
        """
        ...
