"""Which files a machine may write, and what may be in them: checked before anything compiles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from plugins.review.proposal import FileChange
from plugins.review.sandbox.edits import check_edit, is_same_reading
from plugins.review.sandbox.jinja_policy import Refusal, check_template, has_jinja
from plugins.review.sandbox.places import Places
from plugins.review.sandbox.python_edits import why_not_renamed
from plugins.review.sandbox.yaml_policy import Fixture, Named, Rendered, check_yaml, find_anchors

_LARGEST = 5_000_000
_DOCS_BLOCK = re.compile(r"\{%-?\s*(?:docs\s+\w+|enddocs)\s*-?%\}")
_JINJA = re.compile(r"\{[{%#].*?[}%#]\}", re.DOTALL)


@dataclass(frozen=True)
class Violation:
    """Something that a machine may not write; `line` counts from 1, 0: the file as a whole."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''}: {self.what}"


def check_machine_written(
    changes: Iterable[FileChange],
    macros: Collection[str] = (),
    *,
    places: Places | None = None,
    columns: Collection[str] = (),
) -> list[Violation]:
    """Everything in the changed files that a machine may not write; empty: they may be compiled.

    Of a file that is there already only what the machine adds is judged: people may write more.
    macros: macros that models may call besides ref, source, config and is_incremental. places: the project's own
    folders. columns: names in whose place another may stand in strings of people's Jinja and Python.
    """
    check = _Check(frozenset(macros), places or Places(), frozenset(name.lower() for name in columns))
    return [violation for change in changes for violation in check.violations(change)]


@dataclass(frozen=True)
class _Check:
    macros: frozenset[str]
    places: Places
    columns: frozenset[str]

    def violations(self, change: FileChange) -> Iterator[Violation]:
        path = PurePosixPath(change.path)
        is_edit = change.before is not None and change.after is not None
        why = self.places.why_not(path, is_edit=is_edit)
        if why is not None:
            yield Violation(change.path, 0, why)
            return
        text = change.after
        if text is None or text == change.before:
            return
        if len(text) > _LARGEST or "\0" in text:
            yield Violation(change.path, 0, "it is too large, or no text")
        elif path.suffix == ".sql":
            for refusal in self._sql(change.before, text, path):
                yield Violation(change.path, refusal.line, f"machine-written SQL may not use {refusal.what}")
        elif path.suffix in (".yml", ".yaml"):
            yield from self._yaml(change.path, change.before, text)
        elif path.suffix == ".md":
            if has_jinja(_DOCS_BLOCK.sub("", text)) and (
                change.before is None or _spans(text) != _spans(change.before)
            ):
                yield Violation(change.path, 0, "Jinja other than docs blocks")
        elif path.suffix == ".py":
            said = why_not_renamed(change.before or "", text, self.columns)
            if said is not None:
                yield Violation(change.path, 0, said)

    def _sql(self, before: str | None, after: str, path: PurePosixPath) -> list[Refusal]:
        if before is None:
            return check_template(after, self.macros)
        # Only what dbt reads as models and tests is run by itself; the rest is run by whoever calls it.
        kinds = self.places.kinds(path)
        is_strict = bool(kinds) and kinds.isdisjoint(("model-paths", "test-paths", "analysis-paths"))
        return check_edit(before, after, self.macros, self.columns, is_strict=is_strict)

    def _yaml(self, path: str, before: str | None, after: str) -> Iterator[Violation]:
        if Counter(find_anchors(after)) - Counter(find_anchors(before or "")):
            yield Violation(path, 0, "YAML anchors and aliases")
            return
        found = list(check_yaml(path, after))
        known = list(check_yaml(path, before)) if found and before is not None else []
        for one in found:
            same = next((o for o in known if o.what == one.what and self._alike(o.value, one.value)), None)
            if same is None:
                yield Violation(path, 0, one.what)
            else:
                # Everything that people wrote is met once.
                known.remove(same)

    def _alike(self, before: Any, after: Any) -> bool:
        """Whether a value that is refused is people's, but for names of columns."""
        if before == after:
            return True
        if isinstance(before, Named) and isinstance(after, Named):
            return after.is_plain
        if isinstance(before, Rendered) and isinstance(after, Rendered):
            return not check_edit(before.text, after.text, (), self.columns, is_strict=True)
        if isinstance(before, Fixture) and isinstance(after, Fixture):
            return is_same_reading(before.sql, after.sql)
        return False


def _spans(text: str) -> list[str]:
    return _JINJA.findall(text)
