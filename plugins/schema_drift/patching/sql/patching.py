"""From a drift to the edits of every SQL file of a project."""

from __future__ import annotations

from dataclasses import dataclass, field

from plugins.review import FileChange
from plugins.schema_drift.change import Drift
from plugins.schema_drift.patching.patch import Interface, Mode, Patch, Question
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql.files import SqlFiles
from plugins.schema_drift.patching.sql.partfile import FilePatching, PatchedFile
from plugins.schema_drift.patching.sql.plan import TablePlan, plan_table
from plugins.schema_drift.patching.sql.telling import told_of


@dataclass
class _Work:
    """The files as they are by now, and what there is to say."""

    project: PatchedProject
    files: SqlFiles
    texts: dict[str, str] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    questions: dict[Question, None] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    unpatched: set[str] = field(default_factory=set)

    def text(self, path: str) -> str:
        return self.texts.get(path) or self.project.read(path)

    def ask(self, text: str, path: str = "", line: int = 0) -> None:
        self.questions[Question(text, path, line)] = None

    def patch(self) -> Patch:
        changes = []
        for path, text in sorted(self.texts.items()):
            before = self.project.read(path)
            if text != before:
                changes.append(FileChange(path=path, before=before, after=text))
        changed = {change.path for change in changes}
        told = {path: "; ".join(dict.fromkeys(lines)) for path, lines in self.told.items() if path in changed}
        return Patch(tuple(changes), told, tuple(self.questions), self.interfaces, frozenset(self.unpatched))


def patch_sql(project: PatchedProject, drift: Drift, mode: Mode) -> Patch:
    """Edits of every SQL and Python file that names what changed; what cannot be edited surely is a question."""
    work = _Work(project, SqlFiles(project))
    after = {table.id: table for table in project.after}
    for before in project.before:
        changes = drift.of(before.id)
        if not changes or before.id not in after:
            continue
        plan = plan_table(before, after[before.id], changes)
        _patch_table(work, plan)
    return work.patch()


def _patch_table(work: _Work, plan: TablePlan) -> None:
    table = plan.table.id
    patching = FilePatching(work.project, plan, table)
    for path, _ in work.files.naming(table, plan.table.relation):
        nodes = work.files.by_path.get(path, [])
        node = nodes[0] if nodes else None
        macros = work.files.macros(node) if node else ()
        done = patching.patch(work.text(path), node, macros, positional=False)
        _keep(work, plan, path, done)


def _keep(work: _Work, plan: TablePlan, path: str, done: PatchedFile) -> None:
    lines = [part.template.line for part in done.parts]
    for at, text in done.questions:
        work.ask(text, path, lines[0](at))
    if done.columns:
        work.texts[path] = done.text
        work.told.setdefault(path, []).extend(told_of(plan, done.columns))
