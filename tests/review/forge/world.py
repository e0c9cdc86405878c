"""A dbt project in a git repository, its proposals, and a loopback forge to open them on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from plugins.core.settings import Settings, load_settings
from plugins.review import FileChange, Proposal
from plugins.review.proposals import Proposals
from tests.review.forge.github_api import GitHubApi
from tests.review.forge.gitlab_api import GitLabApi
from tests.review.forge.server import Hub, LoopbackForge, serve

BEFORE = "select 1 as order_id\n"
AFTER = "select 1 as order_id, 2 as amount\n"
YAML = "models: []\n"
BODY = "# What changed\n\nThe source has a new column.\n"


def git(folder: Path, *arguments: str) -> str:
    """A git command as a person."""
    command = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def make_project(folder: Path) -> Path:
    """A repository whose dbt project is the folder `analytics`."""
    project = folder / "analytics"
    (project / "models").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (project / "smelt.toml").write_text("")
    (project / "dbt_project.yml").write_text("name: shop\n")
    (project / "models" / "orders.sql").write_text(BEFORE)
    (project / "models" / "old.sql").write_text("select 0\n")
    (project / ".gitignore").write_text("lake/\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return project


def commit(folder: Path, path: str, text: str, message: str = "by a person") -> str:
    """A person's commit on the branch that is checked out."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    git(folder, "add", path)
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


def proposal(base: str, **values: object) -> Proposal:
    """A proposal that changes one model, adds one and deletes one, in two commits."""
    changes = (
        FileChange(path="models/orders.sql", before=BEFORE, after=AFTER),
        FileChange(path="models/orders.yml", before=None, after=YAML),
        FileChange(path="models/old.sql", before="select 0\n", after=None),
    )
    defaults: dict[str, object] = {
        "kind": "drift",
        "title": "Carry the new column amount",
        "reason": "The source has it.",
        "confidence": 0.8,
        "base": base,
        "changes": changes,
        "commits": (("Add amount", ("models/orders.sql", "models/orders.yml")),),
        "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    return Proposal.model_validate({**defaults, **values})


@dataclass
class World:
    """A user's clone, the forge it was cloned from, and a stored proposal."""

    kind: str
    project: Path
    forge: LoopbackForge
    proposal: Proposal

    @property
    def hub(self) -> Hub:
        return self.forge.hub

    @property
    def settings(self) -> Settings:
        return load_settings(self.project)

    @property
    def proposals(self) -> Proposals:
        return Proposals(self.settings)

    @property
    def checkout(self) -> Path:
        return self.project.parent

    def configure(self, wait_seconds: float = 20, remote: str = "origin", extra: str = "") -> None:
        api = self.forge.address + ("/api/v3" if self.kind == "github" else "")
        (self.project / "smelt.toml").write_text(
            f'[forge]\nkind = "{self.kind}"\napi_url = "{api}"\nrepository = "{self.hub.full_name}"\n'
            f'token = "env:FORGE_TOKEN"\nremote = "{remote}"\nwait_seconds = {wait_seconds}\n{extra}'
        )

    def push_over_http(self) -> None:
        """Let the remote be the loopback server instead of a folder."""
        git(self.checkout, "remote", "set-url", "origin", f"{self.forge.address}/acme/shop.git")

    def person_pushes(self, path: str = "analytics/models/orders.sql", text: str = "select 9 as mine\n") -> str:
        """A person adds a commit to the proposal's branch on the forge."""
        other = self.checkout.parent / "other"
        git(self.checkout.parent, "clone", "-q", "-b", self.proposal.branch, str(self.hub.bare), str(other))
        head = commit(other, path, text)
        git(other, "push", "-q")
        return head


@contextmanager
def make_world(kind: str, folder: Path) -> Iterator[World]:
    """A world on `github` or `gitlab`, with the remote `origin` by path and one stored proposal."""
    project = make_project(folder / "checkout")
    hub = Hub(folder / "served")
    dialect = GitHubApi(hub) if kind == "github" else GitLabApi(hub)
    git(project, "remote", "add", "origin", str(hub.bare))
    git(project, "push", "-q", "origin", "main")
    with serve(dialect) as forge:
        dialect.address = forge.address
        world = World(kind, project, forge, proposal(git(project, "rev-parse", "HEAD")))
        world.configure()
        world.proposals.add(world.proposal, BODY)
        yield world
