"""Whether the checkout at hand has what a proposal changed: what is built is this checkout, not the forge's."""

from __future__ import annotations

from plugins.review import Proposal, Proposals
from plugins.review.forge.commits import TRAILER
from plugins.review.git import Repository


def is_in_head(proposals: Proposals, proposal: Proposal, is_merged: bool) -> bool:
    """Whether HEAD has the proposal: by its commits, by its trailer in a squashed one, or by the files' content.

    is_merged: what the forge says; then files that are neither as before nor as proposed were edited in the merge.
    One that changes no file, and only asks, is known by its commits and its trailer alone.
    Raises SmeltError where there is no repository.
    """
    folder = proposals.settings.project_dir
    repository = Repository.find(folder)
    head = repository.resolve("HEAD")
    if _has_commit(repository, proposals, proposal, head):
        return True
    if not proposal.changes:
        return False
    prefix = repository.prefix(folder)
    paths = [str(prefix / change.path) for change in proposal.changes]
    there = repository.blobs(head, paths)
    now = [there[path].decode(errors="replace") if path in there else None for path in paths]
    if all(text == change.after for text, change in zip(now, proposal.changes, strict=True)):
        return True
    return is_merged and all(text != change.before for text, change in zip(now, proposal.changes, strict=True))


def _has_commit(repository: Repository, proposals: Proposals, proposal: Proposal, head: str) -> bool:
    tips = {event["tip"] for event in proposals.history(proposal) if event["tip"]}
    known = (repository.find_commit(tip) for tip in sorted(tips))
    if any(repository.is_ancestor(tip, head) for tip in known if tip is not None):
        return True
    base = repository.find_commit(proposal.base)
    since = f"{base}..{head}" if base else head
    trailer = f"--grep={TRAILER}: {proposal.id}"
    return bool(repository.git("log", "-n1", "--format=%H", "--fixed-strings", trailer, since, "--"))
