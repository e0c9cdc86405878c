"""The files of a project while they are patched, and what there is to say about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from plugins.review import FileChange
from plugins.schema_drift.patching.patch import Interface, Patch, Question
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql.files import SqlFiles


@dataclass
class Work:
    """Texts as they are by now, by path; phrases about each; questions; how nodes' columns differ."""

    project: PatchedProject
    files: SqlFiles
    texts: dict[str, str] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    questions: dict[Question, None] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    unpatched: set[str] = field(default_factory=set)
    waiting: set[tuple[str, str]] = field(default_factory=set)
    kept: dict[str, str] = field(default_factory=dict)

    def text(self, path: str) -> str:
        """A file as it is by now."""
        return self.texts[path] if path in self.texts else self.project.read(path)

    def keep(self, path: str, text: str, phrases: Iterable[str]) -> None:
        """A file's new text, and what was done to it."""
        self.texts[path] = text
        self.told.setdefault(path, []).extend(phrases)

    def ask(
        self, text: str, path: str = "", line: int = 0, *, is_minor: bool = False, kept: Sequence[str] = ()
    ) -> None:
        """A question, once. is_minor, kept: as of `Question`."""
        self.questions[Question(text, path, line, is_minor, tuple(kept))] = None

    def differs(self, node: str, interface: Interface) -> None:
        """Add to how a node's columns differ."""
        known = self.interfaces.get(node, Interface())
        self.interfaces[node] = Interface(
            {**known.renamed, **interface.renamed},
            {**known.added, **interface.added},
            known.removed | interface.removed,
            {**known.retyped, **interface.retyped},
        )

    def patch(self) -> Patch:
        """All that was done."""
        changes = []
        for path, text in sorted(self.texts.items()):
            before = self.project.read(path) if path in self.project.paths else None
            if text != before:
                changes.append(FileChange(path=path, before=before, after=text))
        changed = {change.path for change in changes}
        told = {path: "; ".join(dict.fromkeys(lines)) for path, lines in self.told.items() if path in changed}
        return Patch(
            tuple(changes),
            told,
            tuple(self.questions),
            self.interfaces,
            frozenset(self.unpatched),
            frozenset(self.waiting),
            self.kept,
        )
