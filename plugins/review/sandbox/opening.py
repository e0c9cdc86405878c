"""What a review builds in: a workspace, the server of its processes, production; opened ahead if there is time."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from plugins.core.errors import SmeltError
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.review.git import Repository
from plugins.review.sandbox.confine import ForkServer
from plugins.review.sandbox.inputs import ChangedSources
from plugins.review.sandbox.production import Production, find_production
from plugins.review.sandbox.server import ServerSandbox
from plugins.review.sandbox.session import Sandbox
from plugins.review.sandbox.workspace import Workspace, open_workspace

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """Where one review takes place."""

    project: Project
    settings: Settings
    workspace: Workspace
    server: ForkServer
    production: Production

    def sandbox(self, sources: ChangedSources | None = None) -> Sandbox:
        """A sandbox here. sources: those that are not the same on both sides."""
        kind = Sandbox if self.project.adapter == "duckdb" else ServerSandbox
        review = self.settings.review
        passed_on = {name: os.environ[name] for name in review.environment if name in os.environ}
        state = self.settings.make_local_root() / "review"
        return kind(self.project, self.workspace, self.production, review, state, self.server, passed_on, sources)


@contextmanager
def opened(
    project: Project, settings: Settings, repository: Repository, on_progress: Callable[[str], None]
) -> Iterator[Opened]:
    """Open it now. Raises SmeltError as `find_production` does."""
    with open_workspace(repository) as workspace, ForkServer(workspace.folder / "server") as server:
        on_progress("finding production")
        yield Opened(project, settings, workspace, server, find_production(project, workspace.folder))


@contextmanager
def opened_ahead(project: Project, settings: Settings) -> Iterator[Callable[[], Opened]]:
    """Open it, and have dbt parse HEAD unless it has, while the caller does something else; what is yielded waits.

    To parse a thousand models takes dbt as long as all the rest of a review; both sides go on from one parse.
    Raises SmeltError if the project is in no repository; what is yielded does as `find_production` does.
    """
    repository = Repository.find(project.folder)
    commit = repository.resolve("HEAD")
    with (
        open_workspace(repository) as workspace,
        ThreadPoolExecutor(1) as pool,
        # It lives as long as the thread that starts it, and ends before the pool is waited for.
        ForkServer(workspace.folder / "server") as server,
    ):
        # dbt reads a profile in the project's folder, and the process has only one working directory: not in the
        # other thread. The server needs as long to load dbt.
        _ = project.target_name

        def work() -> Opened:
            found = find_production(project, workspace.folder)
            place = Opened(project, settings, workspace, server, found)
            try:
                sandbox = place.sandbox()
                if not sandbox.has_parsed(commit):
                    sandbox.parse(sandbox.prepare("ahead", commit))
            except SmeltError as error:
                # The review meets the same, and says of which side it is.
                _log.debug("not parsed ahead: %s", error)
            return place

        yield pool.submit(work).result
