"""A small dbt project in a git repository, and what tests do to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins.review import FileChange, Proposal

GIT = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]


@dataclass(frozen=True)
class Shop:
    """The project's folder, with what tests do to it."""

    folder: Path

    def git(self, *arguments: str) -> str:
        run = subprocess.run([*GIT, *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))

    def commit(self, message: str = "change") -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def smelt(
        self, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command in a process of its own, as a user does."""
        return subprocess.run(
            [str(Path(sys.executable).with_name("smelt")), *arguments],
            cwd=cwd or self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """The JSON that a command prints; it may exit with 1, as a review that fails does."""
        run = self.smelt(*arguments, "--json", **environment)
        assert "Traceback" not in run.stderr, run.stderr
        assert run.stdout, run.stderr
        return json.loads(run.stdout)

    def propose(self, path: str, after: str, **more: Any) -> Proposal:
        """What a machine would propose: the file with this content."""
        file = self.folder / path
        return Proposal(
            kind="model",
            title="Add the customers' initials",
            reason="Asked for by <b>@marketing</b>.",
            confidence=0.9,
            base=self.git("rev-parse", "main"),
            changes=(FileChange(path=path, before=file.read_text() if file.exists() else None, after=after),),
            **more,
        )


def copy_shop(built: Path, folder: Path) -> Shop:
    """A copy of the built project, on a branch of its own."""
    shutil.copytree(built, folder)
    shop = Shop(folder)
    shop.git("switch", "-qc", "feature")
    return shop
