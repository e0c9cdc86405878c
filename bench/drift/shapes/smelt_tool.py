"""Smelt on a case, in process: a snapshot before, a check and a patch after; without the sandbox."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.drift.shapes.answer import Answer, Asked
from plugins.core.errors import SmeltError
from plugins.core.lineage import ColumnGraph, LineageCache, ProjectLineage, known_columns
from plugins.core.project import Manifest, Project
from plugins.core.project.compiled import compiled_manifest
from plugins.core.settings import load_settings
from plugins.schema_drift.observing import open_pair, take_snapshot
from plugins.schema_drift.patching import Mode, make_patch
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.understanding import compare


@dataclass
class SmeltTool:
    """Patches at the boundary. project: its folder, before anything happened."""

    project: Path
    mode: Mode = Mode.ABSORB
    _manifest: Manifest = field(init=False)
    _graph: ColumnGraph = field(init=False)

    def __post_init__(self) -> None:
        """Keep what there is before: a snapshot of the sources, and the project as dbt compiles it."""
        project = Project(self.project)
        self._manifest = compiled_manifest(project)
        project.release()
        take_snapshot(project, load_settings(self.project), self._snapshot)
        known = known_columns(self._manifest, self.project, self.project / "target" / "catalog.json")
        with open_pair(project, load_settings(self.project), str(self._snapshot)) as pair:
            known |= {one.table.id: {c.name: c.type for c in one.table.columns} for one in pair.before}
        cache = LineageCache(self.project / "target" / "lineage.db")
        self._graph = ProjectLineage(self._manifest, known, cache).read()
        cache.close()

    @property
    def _snapshot(self) -> Path:
        return self.project.parent / "sources.snapshot"

    def answer(self) -> Answer:
        """What Smelt makes of the project as it is now."""
        started = time.perf_counter()
        try:
            answer = self._answer()
        except Exception as error:  # noqa: BLE001 whatever it is, the case is lost, and the others go on
            answer = Answer(error=f"{type(error).__name__}: {error}"[:800])
        return _timed(answer, time.perf_counter() - started)

    def _answer(self) -> Answer:
        project = Project(self.project)
        with open_pair(project, load_settings(self.project), str(self._snapshot)) as pair:
            drift = compare(pair.con, pair.before, pair.after)
            changed = {change.table for change in drift.changes}
            changed |= {name for change in drift.changes for name in (*change.before, *change.after)}
            before, after = (
                tuple(one.table for one in side if {one.table.id, one.table.name} & changed)
                for side in (pair.before, pair.after)
            )
        patched = PatchedProject(self._manifest, self._graph, self._paths(), self._read, before, after)
        patch = make_patch(patched, drift, self.mode)
        asked = [Asked(one.text, one.path) for one in patch.questions if not one.is_minor]
        # As they stand in the pull request: by themselves.
        asked += [Asked(one.question) for one in drift.changes if one.question]
        found = tuple((str(one.kind), one.before, one.after) for one in drift.changes)
        return Answer({one.path: one.after for one in patch.changes}, tuple(asked), found)

    def _paths(self) -> list[str]:
        inside = (path.relative_to(self.project) for path in sorted(self.project.rglob("*")) if path.is_file())
        hidden = ("target", "logs", ".smelt", ".git")
        return [p.as_posix() for p in inside if p.parts[0] not in hidden and p.suffix not in (".duckdb", ".wal")]

    def _read(self, path: str) -> str:
        try:
            return (self.project / path).read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise SmeltError(f"{path} cannot be read: {error}", "write it in UTF-8") from error


def _timed(answer: Answer, seconds: float) -> Answer:
    return Answer(answer.files, answer.questions, answer.found, answer.failed, answer.error, seconds)
