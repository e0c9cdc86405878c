"""The sandbox's place on disk: one folder with two worktrees, gone afterwards, also after a crash."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from plugins.review.git import Repository

_PREFIX = "smelt-review-"
_LOCK = "lock"


@dataclass(frozen=True)
class Workspace:
    """A scratch folder of its own for each review, so that two at once don't meet."""

    folder: Path
    repository: Repository

    def check_out(self, side: str, commit: str) -> Path:
        """A detached worktree of `commit`; returns its folder."""
        folder = self.folder / side / "repository"
        self.repository.add_worktree(folder, commit)
        return folder


@contextmanager
def open_workspace(repository: Repository) -> Iterator[Workspace]:
    """Make a workspace, and delete it with its worktrees at the end; first clean up after crashed reviews."""
    _clean_up(repository)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    with FileLock(folder / _LOCK):
        try:
            yield Workspace(folder, repository)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            repository.prune_worktrees()


def _clean_up(repository: Repository) -> None:
    """Delete workspaces whose review is gone: a living one holds its lock."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(Timeout, OSError), FileLock(lock, timeout=0):
            shutil.rmtree(lock.parent, ignore_errors=True)
    repository.prune_worktrees()
