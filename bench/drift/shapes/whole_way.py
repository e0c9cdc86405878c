"""Smelt on a case all the way: snapshot, check, patch, the sandbox's proof, a pull request on the local forge."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench.drift.shapes.answer import Answer, Asked
from plugins.core.project import Project
from plugins.core.settings import load_settings
from plugins.schema_drift.drifting import Proposed, check, propose
from plugins.schema_drift.observing import take_snapshot

_AS = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")


@dataclass
class WholeWay:
    """project: its folder, before anything happened; it becomes a git repository."""

    project: Path

    def __post_init__(self) -> None:
        """Commit the project, and keep its sources as they are."""
        for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), (*_AS, "commit", "-qm", "The project")):
            subprocess.run(["git", *arguments], cwd=self.project, check=True)
        take_snapshot(Project(self.project), load_settings(self.project))

    def answer(self) -> Answer:
        """What Smelt proposes; a proposal that its own evidence speaks against has failed."""
        started = time.perf_counter()
        try:
            project, settings = Project(self.project), load_settings(self.project)
            checked = check(project, settings)
            made = [propose(project, settings, checked, source=one, forge="local") for one in checked.sources]
            project.release()
        except Exception as error:  # noqa: BLE001 whatever it is, the case is lost, and the others go on
            return Answer(error=f"{type(error).__name__}: {error}"[:800], seconds=time.perf_counter() - started)
        proposed = [one for one in made if one is not None]
        questions = [text for one in proposed for text in one.proposal.questions]
        if not proposed:
            questions = [one.question for one in checked.drift.changes if one.question]
        return Answer(
            {change.path: change.after for one in proposed for change in one.proposal.changes},
            tuple(map(Asked, dict.fromkeys(questions))),
            tuple((str(one.kind), one.before, one.after) for one in checked.drift.changes),
            any(map(_failed, proposed)),
            seconds=time.perf_counter() - started,
        )


def _failed(proposed: Proposed) -> bool:
    return proposed.has_failed or proposed.url is None
