"""One patch of everything: SQL and Python first, then the documents, by what became of the models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from plugins.review import FileChange
from plugins.schema_drift.change import Change, Drift, Kind, Severity
from plugins.schema_drift.patching.documents import patch_documents
from plugins.schema_drift.patching.parts import put_together
from plugins.schema_drift.patching.patch import Mode, Patch, Question
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.patching.sql import patch_sql

Added = Literal["pass", "document", "ignore"]
# A question about more places than these names only so many of them.
_PLACES = 50


def make_patch(project: PatchedProject, drift: Drift, mode: Mode = Mode.ABSORB, *, added: Added = "pass") -> Patch:
    """All edits that answer a drift, and what is left for a person to say.

    added: what becomes of new columns: staging models pass them on and they are documented, they are documented
    only, or nothing. What changes nothing for the project (severity silent) is left out.
    """
    heard = Drift(tuple(one for one in drift.changes if _is_heard(one, added)), drift.notes)
    passed = Drift(tuple(one for one in heard.changes if _is_passed(one, added)), drift.notes)
    parts, passed = put_together(project, passed)
    heard = replace(
        heard, changes=tuple(c for c in heard.changes if c in passed.changes or not _is_passed(c, added))
    )
    project = replace(project, read=_reader(project, parts.changes))
    code = patch_sql(project, passed, mode)
    # Documents are read as the code's patch left them; hardly any file is both.
    patched = replace(project, read=_reader(project, code.changes))
    # Half a patch of a table is none: of what is left to a person, documents only ask.
    left = Drift(tuple(one for one in heard.changes if _is_left(one, code)), drift.notes)
    told = Drift(tuple(one for one in heard.changes if not _is_left(one, code)), drift.notes)
    documents = patch_documents(patched, told, code.interfaces, mode)
    asked = patch_documents(patched, left, {}, mode).questions if left.changes else ()
    return Patch(
        changes=_composed(parts.changes, code.changes, documents.changes),
        told=_told(parts.told, code.told, documents.told),
        questions=_distinct((*parts.questions, *code.questions, *documents.questions, *asked)),
        interfaces=code.interfaces,
        unpatched=code.unpatched | documents.unpatched,
        waiting=code.waiting,
        kept=code.kept,
        mode=mode,
    )


def is_absorbed(project: PatchedProject, drift: Drift) -> bool:
    """Whether the files already cope with a drift, as after somebody patched them by hand.

    Nothing is left to edit, and no question is open on which something may break or be wrong.
    """
    patch = make_patch(project, drift, Mode.ABSORB)
    return (
        not patch.changes
        and not patch.unpatched
        and not patch.waiting
        and all(one.is_minor for one in patch.questions)
    )


def _is_left(change: Change, code: Patch) -> bool:
    """Whether the code's patch leaves a change to a person."""
    is_gone = change.kind is Kind.COLUMN_REMOVED
    return change.table in code.unpatched or (
        is_gone and any((change.table, name.lower()) in code.waiting for name in change.before)
    )


def _is_heard(change: Change, added: Added) -> bool:
    if change.kind is Kind.COLUMN_ADDED:
        return added != "ignore"
    return change.severity is not Severity.SILENT


def _is_passed(change: Change, added: Added) -> bool:
    return change.kind is not Kind.COLUMN_ADDED or added == "pass"


def _reader(project: PatchedProject, changes: Iterable[FileChange]) -> Callable[[str], str]:
    texts = {change.path: change.after for change in changes if change.after is not None}
    return lambda path: texts[path] if path in texts else project.read(path)


def _composed(*made: Iterable[FileChange]) -> tuple[FileChange, ...]:
    """One change of each file, from the text of the commit to the last one; without those that change nothing."""
    found: dict[str, FileChange] = {}
    for change in (one for changes in made for one in changes):
        first = found.get(change.path, change)
        found[change.path] = FileChange(path=change.path, before=first.before, after=change.after)
    return tuple(one for _, one in sorted(found.items()) if one.before != one.after)


def _told(*made: Mapping[str, str]) -> dict[str, str]:
    paths = sorted({path for told in made for path in told})
    return {path: "; ".join(told[path] for told in made if told.get(path)) for path in paths}


def _distinct(questions: Iterable[Question]) -> tuple[Question, ...]:
    """Each once, with all the places that it is about; graver before less grave."""
    places: dict[Question, dict[tuple[str, int], None]] = {}
    for one in questions:
        places.setdefault(replace(one, path="", line=0), {})[(one.path, one.line)] = None
    distinct = [
        replace(one, text=_with_places(one.text, others), path=first[0], line=first[1])
        for one, (first, *others) in places.items()
    ]
    return tuple(sorted(distinct, key=lambda one: one.is_minor))


def _with_places(text: str, places: Sequence[tuple[str, int]]) -> str:
    """The question with the other places that it is about."""
    named = [f"`{path}{f':{line}' if line else ''}`" for path, line in places[:_PLACES] if path]
    if len(places) > _PLACES:
        named.append(f"{len(places) - _PLACES} more places")
    if not named:
        return text
    return f"{text} The same in {', '.join(named[:-1])}{' and ' if named[1:] else ''}{named[-1]}."
