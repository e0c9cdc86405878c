"""Forges that other machines host: what GitHub and GitLab have in common, over a small API each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

from plugins.core.errors import SmeltError
from plugins.review.forge.around import Around, build_around
from plugins.review.forge.attempts import Attempts, ForgeFailure
from plugins.review.forge.body import as_text
from plugins.review.forge.commits import blob_ids, build_commits, keep_tip
from plugins.review.forge.forge import Decision, OpenedPullRequest, PullRequestState, Tips
from plugins.review.forge.push import Remote, touched
from plugins.review.git import Repository
from plugins.review.proposal import Proposal

_T = TypeVar("_T")
_REVIEW, _CLOSED = "<!-- smelt:review -->", "<!-- smelt:closed -->"


@dataclass(frozen=True)
class Pull:
    """A pull request as the host has it. head: its newest commit."""

    number: int
    url: str
    decision: Decision
    head: str


@dataclass(frozen=True)
class Comment:
    """A comment on a pull request. is_own: written by the token's owner."""

    id: int
    body: str
    url: str
    is_own: bool


class Host(Protocol):
    """The requests that Smelt makes to an API. Each is one attempt and raises ForgeFailure."""

    name: str
    body_limit: int  # characters that a description or a comment may have

    def default_branch(self) -> str:
        """The branch that pull requests go to."""
        ...

    def find(self, branch: str) -> Pull | None:
        """The newest pull request of `branch`, an open one first; merged ones are Decision.MERGED."""
        ...

    def get(self, number: int) -> Pull:
        """A pull request by its number."""
        ...

    def create(self, branch: str, base: str, title: str, body: str) -> Pull:
        """Open a pull request."""
        ...

    def edit(self, number: int, title: str, body: str) -> None:
        """Replace title and body."""
        ...

    def close(self, number: int) -> None:
        """Close without merging."""
        ...

    def blobs(self, pull: Pull) -> dict[str, str | None]:
        """Paths that the pull request changes and the git ids of their new contents; None: deleted."""
        ...

    def comments(self, number: int) -> list[Comment]:
        """All comments, oldest first."""
        ...

    def add_comment(self, number: int, body: str) -> Comment:
        """Write a comment."""
        ...

    def edit_comment(self, number: int, comment: int, body: str) -> None:
        """Replace a comment's text."""
        ...

    def delete_comment(self, number: int, comment: int) -> None:
        """Delete a comment of our own."""
        ...

    def explain(self, failure: ForgeFailure, doing: str) -> SmeltError:
        """What a refusal means, with the permission that is missing."""
        ...


@dataclass(frozen=True)
class HostedForge:
    """A forge behind an API: the branch is pushed with git, the rest is requests.

    remote: where to push; made when it is needed, as comments need no repository.
    """

    host: Host
    attempts: Attempts
    tips: Tips
    committer: str
    base_branch: str | None
    remote: Callable[[], Remote]
    prefix: Callable[[Repository], PurePosixPath]

    @property
    def name(self) -> str:
        """`github` or `gitlab`."""
        return self.host.name

    def open(self, proposal: Proposal, body: str) -> OpenedPullRequest:
        """See `Forge.open`."""
        return self._publish(proposal, body, self._find(proposal.branch))

    def update(self, proposal: Proposal, body: str) -> OpenedPullRequest:
        """See `Forge.update`."""
        existing = self._find(proposal.branch)
        if existing is None:
            raise SmeltError(
                f"proposal {proposal.id} has no pull request on {self.name}",
                f"smelt proposals open {proposal.id}",
            )
        return self._publish(proposal, body, existing)

    def close(self, proposal: Proposal, comment: str) -> None:
        """See `Forge.close`. The branch is left: somebody may want to go on with it."""
        pull = self._find(proposal.branch)
        if pull is None or pull.decision is not Decision.OPEN:
            return
        self._sticky(pull.number, _CLOSED, comment)
        self._ask("close the pull request", lambda: self.host.close(pull.number))

    def state(self, proposal: Proposal) -> PullRequestState:
        """See `Forge.state`. Merged as is: the pull request's files are byte for byte the proposal's."""
        pull = self._find(proposal.branch)
        if pull is None:
            return PullRequestState(Decision.UNOPENED)
        decision, detail = pull.decision, ""
        if decision is Decision.MERGED and pull.head not in self.tips.known(proposal):
            decision, detail = self._compare(pull, proposal)
        elif decision is Decision.CLOSED:
            detail = self._reason(pull.number)
        elif decision is Decision.OPEN and pull.head not in self.tips.known(proposal):
            detail = "somebody has added commits"
        return PullRequestState(decision, pull.url, pull.number, detail)

    def comment(self, number: int, body: str, head: str | None = None) -> str:
        """See `Forge.comment`."""
        if head is not None:
            pull = self._ask("read the pull request", lambda: self.host.get(number))
            if pull.head != head:
                raise SmeltError(
                    f"pull request {number} is at {pull.head[:12]}, and the review is of {head[:12]}",
                    "nothing was written: the review of the newer commit will be",
                )
        return self._sticky(number, _REVIEW, body)

    def _publish(self, proposal: Proposal, body: str, existing: Pull | None) -> OpenedPullRequest:
        if existing is not None and existing.decision.is_final:
            raise SmeltError(
                f"the pull request of proposal {proposal.id} is {existing.decision}: {existing.url}",
                "reopen it there, or make a new proposal",
            )
        tip, around = self._push(proposal)
        text = as_text(around.noted(body) if around is not None else body, self.host.body_limit)
        title = " ".join(proposal.title.split())[:250]
        base = self.base_branch or self._ask("read the repository", self.host.default_branch)
        pull = existing or self._create(proposal.branch, base, title, text)
        if existing is not None:
            self._ask("edit the pull request", lambda: self.host.edit(pull.number, title, text))
        note = around.told if around is not None else ""
        return OpenedPullRequest(pull.url, proposal.branch, pull.number, tip, is_new=existing is None, note=note)

    def _push(self, proposal: Proposal) -> tuple[str, Around | None]:
        """The branch's tip now, and what became of commits that somebody else made there."""
        remote = self.remote()
        tip = build_commits(remote.repository, self.prefix(remote.repository), proposal, self.committer)
        there, known = remote.tip(proposal.branch), self.tips.known(proposal)
        tip = keep_tip(remote.repository, proposal, there, known, tip)
        around = None
        if there is not None and there != tip and there not in known:
            if known:
                remote.fetch(proposal.branch)
            around = build_around(remote.repository, proposal, known, there, tip, self.committer)
            if around is None:
                raise touched(proposal.branch)
        wanted = around.tip if around is not None else tip
        if wanted != there or around is None:
            self.tips.remember(proposal, tip)
        if wanted != there:
            remote.push(proposal.branch, wanted, expected=there)
        return wanted, around

    def _create(self, branch: str, base: str, title: str, body: str) -> Pull:
        """Create it, or find the one that an attempt whose answer was lost has created."""

        def create() -> Pull:
            if found := self.host.find(branch):
                return found
            try:
                return self.host.create(branch, base, title, body)
            except ForgeFailure as failure:
                if failure.status in (409, 422) and (found := self.host.find(branch)):
                    return found
                raise

        return self._ask("open a pull request", create)

    def _find(self, branch: str) -> Pull | None:
        return self._ask("list pull requests", lambda: self.host.find(branch))

    def _compare(self, pull: Pull, proposal: Proposal) -> tuple[Decision, str]:
        repository = self.remote().repository
        proposed = blob_ids(repository, proposal, self.prefix(repository))
        merged = self._ask("list the files of the pull request", lambda: self.host.blobs(pull))
        edited = sorted(path for path in {*proposed, *merged} if proposed.get(path, "") != merged.get(path, ""))
        if not edited:
            return Decision.MERGED, ""
        return Decision.MERGED_EDITED, f"edited before the merge: {', '.join(edited)}"

    def _reason(self, number: int) -> str:
        """The last words on a pull request that was closed."""
        comments = self._ask("read comments", lambda: self.host.comments(number))
        texts = [comment.body.replace(_CLOSED, "").strip() for comment in comments if _REVIEW not in comment.body]
        return texts[-1][:2000] if texts else ""

    def _sticky(self, number: int, marker: str, body: str) -> str:
        """Keep one comment with `marker` at the text `body`; others that lost a race are deleted."""
        text = as_text(f"{marker}\n{body}", self.host.body_limit)

        def own() -> list[Comment]:
            return [one for one in self.host.comments(number) if one.is_own and one.body.startswith(marker)]

        def write() -> Comment:
            found = own()
            if not found:
                added = self.host.add_comment(number, text)
                found = own() or [added]
            first, *others = found
            if first.body != text:
                self.host.edit_comment(number, first.id, text)
            for other in others:
                self.host.delete_comment(number, other.id)
            return first

        return self._ask("comment on the pull request", write).url

    def _ask(self, doing: str, call: Callable[[], _T]) -> _T:
        try:
            return self.attempts.run(call)
        except ForgeFailure as failure:
            raise self.host.explain(failure, doing) from failure
