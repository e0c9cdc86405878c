"""What became of a proposal's files when its pull request was merged, read from git."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from plugins.core.errors import SmeltError
from plugins.core.settings import Settings
from plugins.review import Proposal
from plugins.review.forge.commits import TRAILER
from plugins.review.git import Repository


@dataclass(frozen=True)
class MergedFile:
    """One file as proposed and as merged; path: where it is now, relative to the dbt project. merged: None if
    it is not there."""

    path: str
    proposed: str
    merged: str | None


@dataclass(frozen=True)
class History:
    """One project's repository. base: the newest commit of the branch that proposals are merged into."""

    repository: Repository
    prefix: PurePosixPath
    base: str

    @classmethod
    def of(cls, settings: Settings) -> History:
        """Raises SmeltError if there is no such branch."""
        repository = Repository.find(settings.project_dir)
        names = (settings.forge.base_branch, "main", "master", repository.current_branch)
        for name in names:
            if name and (found := repository.find_commit(f"refs/heads/{name}")):
                return cls(repository, repository.prefix(settings.project_dir), found)
        raise SmeltError(
            f"{repository.root} has no branch that proposals are merged into", "set forge.base_branch"
        )

    def merged(self, proposal: Proposal, tips: Iterable[str]) -> list[MergedFile]:
        """The proposal's files, as they were when it was merged. tips: commits that were made for it."""
        commit = self._merge(proposal, list(tips))
        start = self.repository.resolve(proposal.base)
        moved = self._moved(proposal, commit, start)
        found = []
        for change in proposal.changes:
            if change.after is None:
                continue
            path = moved.get(change.path, change.path)
            found.append(MergedFile(path, change.after, self.text(path, commit)))
        return found

    def text(self, path: str, commit: str | None = None) -> str | None:
        """A file of the project at a commit, by default the newest; None: it is not there, or is no text."""
        content = self.repository.show(commit or self.base, (self.prefix / path).as_posix())
        try:
            return content.decode() if content is not None else None
        except UnicodeDecodeError:
            return None

    def _merge(self, proposal: Proposal, tips: list[str]) -> str:
        """The commit that brought it into the base branch; where that can't be told, the newest one."""
        for tip in tips:
            if self.repository.find_commit(tip) and self.repository.is_ancestor(tip, self.base):
                above = f"{tip}..{self.base}"
                git = self.repository.git
                descendants = set(git("rev-list", "--ancestry-path", above, "--").split())
                line = git("rev-list", "--first-parent", "--reverse", above, "--").split()
                return next((commit for commit in line if commit in descendants), self.base)
        since = f"{self.repository.resolve(proposal.base)}..{self.base}"
        trailer = f"--grep={TRAILER}: {proposal.id}"
        squashed = self.repository.git("log", "--format=%H", "--fixed-strings", trailer, since, "--").split()
        return squashed[0] if squashed else self.base

    def _moved(self, proposal: Proposal, commit: str, start: str) -> dict[str, str]:
        """By proposed path, where a new file ended up that was merged under another name."""
        there = {change.path: self.text(change.path, commit) for change in proposal.changes}
        lost = [c.path for c in proposal.changes if c.before is None and there[c.path] is None]
        added = [file.path for file in self.repository.changed_files(start, commit) if file.status == "A"]
        prefix = f"{self.prefix.as_posix()}/" if self.prefix.parts else ""
        own = [path.removeprefix(prefix) for path in added if path.startswith(prefix)]
        found = {}
        for path in lost:
            alike = [
                one for one in own if PurePosixPath(one).suffix == PurePosixPath(path).suffix and one not in there
            ]
            if len(alike) == 1:
                found[path] = alike[0]
        return found
