"""The local forge: a branch in the repository at hand and the body as a file; nothing leaves the machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from plugins.core.errors import SmeltError
from plugins.review.files import write_atomically
from plugins.review.forge.around import build_around
from plugins.review.forge.commits import TRAILER, blob_ids, build_commits, keep_tip
from plugins.review.forge.forge import Decision, OpenedPullRequest, PullRequestState, Tips
from plugins.review.forge.push import touched
from plugins.review.git import GitError, Repository
from plugins.review.proposal import Proposal


@dataclass(frozen=True)
class LocalForge:
    """Pull requests as branches. bodies: the folder in which `<id>/body.md` is what a reviewer reads."""

    repository: Repository
    prefix: PurePosixPath
    bodies: Path
    tips: Tips
    committer: str
    base_branch: str | None

    name = "local"

    def open(self, proposal: Proposal, body: str) -> OpenedPullRequest:
        """See `Forge.open`. A branch that is checked out somewhere is not moved."""
        tip = build_commits(self.repository, self.prefix, proposal, self.committer)
        there, known = self._tip(proposal.branch), self.tips.known(proposal)
        tip = keep_tip(self.repository, proposal, there, known, tip)
        around = None
        if there is not None and there != tip and there not in known:
            around = build_around(self.repository, proposal, known, there, tip, self.committer)
            if around is None:
                raise touched(proposal.branch)
        wanted = around.tip if around is not None else tip
        if there is not None and there != wanted:
            self._refuse_if_checked_out(proposal.branch)
        if there != wanted:
            self.tips.remember(proposal, tip)
            self._move(proposal.branch, wanted, there)
        path = self._write_body(proposal, around.noted(body) if around is not None else body)
        note = around.told if around is not None else ""
        return OpenedPullRequest(path.as_uri(), proposal.branch, None, wanted, is_new=there is None, note=note)

    def update(self, proposal: Proposal, body: str) -> OpenedPullRequest:
        """See `Forge.update`."""
        if self._tip(proposal.branch) is None:
            raise SmeltError(
                f"proposal {proposal.id} has no branch {proposal.branch}", f"smelt proposals open {proposal.id}"
            )
        return self.open(proposal, body)

    def close(self, proposal: Proposal, comment: str) -> None:
        """See `Forge.close`. Deletes the branch, unless somebody has committed to it or has it checked out."""
        there = self._tip(proposal.branch)
        if there is None or there not in self.tips.known(proposal):
            return
        self._refuse_if_checked_out(proposal.branch)
        self.repository.git("update-ref", "-d", f"refs/heads/{proposal.branch}", there)

    def state(self, proposal: Proposal) -> PullRequestState:
        """See `Forge.state`. A branch that is gone, and whose changes are not in the base branch, was closed."""
        known = self.tips.known(proposal)
        there = self._tip(proposal.branch)
        if there is None and not known:
            return PullRequestState(Decision.UNOPENED)
        decision, detail = self._merge_of(proposal, [there] if there else sorted(known))
        if decision is Decision.OPEN and there is None:
            decision, detail = Decision.CLOSED, "its branch was deleted"
        elif decision is Decision.OPEN and there not in known:
            detail = "somebody has added commits"
        body = self._body(proposal)
        return PullRequestState(decision, body.as_uri() if body.is_file() else None, None, detail)

    def comment(self, number: int, body: str, head: str | None = None) -> str:
        """The local forge has no pull requests with numbers: raises SmeltError."""
        raise SmeltError(
            f"the local forge has no pull request {number} to comment on", "give --forge github or --forge gitlab"
        )

    def _merge_of(self, proposal: Proposal, tips: list[str]) -> tuple[Decision, str]:
        """How one of the branch's commits came into the base branch; OPEN: none did."""
        base = self._base
        merged = next((tip for tip in tips if self._is_merged(tip)), None)
        if merged is not None:
            final, began = self._last_of_branch(merged, base)
            if final in self.tips.known(proposal):
                return Decision.MERGED, ""
            changed = {file.path for file in self.repository.changed_files(began, final)}
            return self._compare(proposal, final, changed)
        since = f"{self.repository.resolve(proposal.base)}..{base}"
        trailer = f"{TRAILER}: {proposal.id}"
        squashed = self.repository.git("log", "--format=%H", "--fixed-strings", f"--grep={trailer}", since, "--")
        if squashed:
            return self._compare(proposal, squashed.splitlines()[0], set())
        if proposal.changes and self._compare(proposal, base, set())[0] is Decision.MERGED:
            return Decision.MERGED, f"{self._base_name} has the same content"
        return Decision.OPEN, ""

    def _last_of_branch(self, tip: str, base: str) -> tuple[str, str]:
        """The branch's last commit before the merge that brought `tip` into `base`, and where it branched off."""
        above = f"{tip}..{base}"
        descendants = set(self.repository.git("rev-list", "--ancestry-path", above, "--").split())
        line = self.repository.git("rev-list", "--first-parent", "--reverse", above, "--").split()
        merge = next((commit for commit in line if commit in descendants), None)
        if merge is not None:
            _, first, *merged = self.repository.git("rev-list", "--parents", "-n1", merge).split()
            for parent in merged:
                if self.repository.is_ancestor(tip, parent):
                    return parent, self.repository.merge_base(first, parent)
        return tip, f"{tip}^"

    def _compare(self, proposal: Proposal, commit: str, changed: set[str]) -> tuple[Decision, str]:
        """Whether `commit` has the proposal's files as they are, and of `changed` no others."""
        proposed = blob_ids(self.repository, proposal, self.prefix)
        listed = self.repository.git("--literal-pathspecs", "ls-tree", "-z", commit, "--", *proposed)
        found = {entry.partition("\t")[2]: entry.split()[2] for entry in listed.split("\0") if entry}
        edited = sorted(
            {path for path, blob in proposed.items() if found.get(path) != blob} | (changed - proposed.keys())
        )
        if not edited:
            return Decision.MERGED, ""
        return Decision.MERGED_EDITED, f"edited before the merge: {', '.join(edited)}"

    @property
    def _base_name(self) -> str:
        names = (self.base_branch, "main", "master", self.repository.current_branch)
        for name in names:
            if name and not name.startswith("smelt/") and self._tip(name):
                return name
        raise SmeltError(
            f"{self.repository.root} has no branch that proposals are merged into", "set forge.base_branch"
        )

    @property
    def _base(self) -> str:
        return self.repository.resolve(f"refs/heads/{self._base_name}")

    def _tip(self, branch: str) -> str | None:
        return self.repository.find_commit(f"refs/heads/{branch}")

    def _is_merged(self, tip: str) -> bool:
        return self.repository.find_commit(tip) is not None and self.repository.is_ancestor(tip, self._base)

    def _move(self, branch: str, tip: str, expected: str | None) -> None:
        """Point the branch to `tip` if it still is where it was."""
        try:
            self.repository.git("update-ref", f"refs/heads/{branch}", tip, expected or "0" * len(tip))
        except GitError as error:
            if "is at" in error.stderr or "already exists" in error.stderr:
                raise touched(branch) from error
            if "exists; cannot create" in error.stderr or "cannot lock ref" in error.stderr:
                raise SmeltError(
                    f"the branch {branch} cannot be made: {error.stderr}",
                    "a branch called `smelt` is in the way: rename it with git branch -m",
                ) from error
            raise

    def _refuse_if_checked_out(self, branch: str) -> None:
        """Moving a branch that is checked out would make its work tree look changed."""
        listed = self.repository.git("worktree", "list", "--porcelain").split("\n\n")
        for worktree in listed:
            lines = worktree.splitlines()
            if f"branch refs/heads/{branch}" in lines:
                raise SmeltError(
                    f"the branch {branch} is checked out in {lines[0].removeprefix('worktree ')}",
                    "git switch to another branch there, and run again",
                )

    def _body(self, proposal: Proposal) -> Path:
        return self.bodies / proposal.id / "body.md"

    def _write_body(self, proposal: Proposal, body: str) -> Path:
        path = self._body(proposal)
        write_atomically(path, body)
        return path
