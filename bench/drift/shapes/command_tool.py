"""Any other tool on a case, as a command: it edits the project in place and says what it asks."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench.drift.shapes.answer import Answer, Asked

_SECONDS = 600
_HIDDEN = ("target", "logs", ".git", ".smelt")


@dataclass
class CommandTool:
    """Runs `command` in the project's folder, whose warehouse has drifted.

    DRIFT_BEFORE names the warehouse as it was. The last line that it prints may be JSON:
    `{"questions": [{"text": …, "path": …}], "changes": [{"kind": …, "before": […], "after": […]}], "failed": …}`.
    """

    command: str
    project: Path
    before: Path

    def answer(self) -> Answer:
        """What it did to the files, and what it said."""
        old, started = self._texts(), time.perf_counter()
        done = subprocess.run(
            shlex.split(self.command),
            cwd=self.project,
            env={**os.environ, "DRIFT_BEFORE": str(self.before), "DBT_PROFILES_DIR": str(self.project)},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        seconds = time.perf_counter() - started
        new = self._texts()
        files = {path: new.get(path) for path in {*old, *new} if old.get(path) != new.get(path)}
        said = _last_json(done.stdout)
        if done.returncode != 0 and not said:
            return Answer(error=f"exit {done.returncode}: {done.stderr[-800:]}", seconds=seconds)
        return Answer(
            files,
            tuple(Asked(one["text"], one.get("path", "")) for one in said.get("questions", ())),
            tuple(
                (one["kind"], tuple(one.get("before", ())), tuple(one.get("after", ())))
                for one in said.get("changes", ())
            ),
            said.get("failed"),
            seconds=seconds,
        )

    def _texts(self) -> dict[str, str]:
        found = {}
        for path in sorted(self.project.rglob("*")):
            relative = path.relative_to(self.project)
            if path.is_file() and relative.parts[0] not in _HIDDEN and ".duckdb" not in path.name:
                found[relative.as_posix()] = path.read_bytes().decode(errors="replace")
        return found


def _last_json(output: str) -> dict:
    lines = output.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
