"""All documents of a project: which may name what changed, and what becomes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from plugins.core.editing.yaml_editor import YamlEditor
from plugins.core.errors import SmeltError
from plugins.review import FileChange
from plugins.schema_drift.change import Change, Drift, Kind
from plugins.schema_drift.patching.documents.contracts import patch_contract
from plugins.schema_drift.patching.documents.document import Document, Plan
from plugins.schema_drift.patching.documents.nodes import ask_of_project, patch_nodes
from plugins.schema_drift.patching.documents.parted import made_again
from plugins.schema_drift.patching.documents.places import is_below, property_folders
from plugins.schema_drift.patching.documents.prose import patch_prose
from plugins.schema_drift.patching.documents.rules import carriers, patch_rules
from plugins.schema_drift.patching.documents.semantic import patch_exposures, patch_metrics, patch_semantic_models
from plugins.schema_drift.patching.documents.shift import (
    Shift,
    shift_of_interface,
    shift_of_relation,
    shift_upstream,
)
from plugins.schema_drift.patching.documents.sources import patch_sources
from plugins.schema_drift.patching.documents.spec import patch_connector, patch_mapping, patch_spec, stream_of
from plugins.schema_drift.patching.documents.unit_tests import patch_fixtures, patch_unit_tests
from plugins.schema_drift.patching.patch import Interface, Mode, Patch, Question
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.table import Table

_SKIPPED = frozenset(["target", "dbt_packages", "dbt_modules", "node_modules", "logs", "lake", ".venv", "venv"])
_NO_PROPERTIES = frozenset(
    ["profiles.yml", "packages.yml", "dependencies.yml", "package-lock.yml", "selectors.yml"]
)
_PROPERTIES: tuple[Callable[[Document], None], ...] = (
    patch_sources,
    patch_nodes,
    patch_unit_tests,
    patch_semantic_models,
    patch_metrics,
    patch_exposures,
    patch_rules,
)
Handler = Callable[[Document], None]
_OWN: dict[str, tuple[Handler, ...]] = {
    "source.yml": (patch_spec,),
    "source.yaml": (patch_spec,),
    "connector.yml": (patch_connector,),
    "mapping.yml": (patch_mapping,),
}


def patch_documents(
    project: PatchedProject, drift: Drift, interfaces: Mapping[str, Interface], mode: Mode
) -> Patch:
    """Edits of everything that is neither SQL nor Python, and what only a person can say.

    interfaces: how the columns of patched nodes differ, by node id. mode changes nothing here but through them.
    """
    plan = _plan(project, drift, interfaces)
    changes: list[FileChange] = []
    questions: list[Question] = []
    told: dict[str, str] = {}
    names = _pattern(plan)
    streams = (stream_of(plan, change.table) for change in drift.changes)
    folders = {PurePosixPath(found[0]).parent for found in streams if found is not None}
    read_by_dbt = property_folders(project)
    for path in project.paths:
        handlers = _handlers(path)
        if not handlers or not (path == "dbt_project.yml" or is_below(path, read_by_dbt)):
            continue
        text = project.read(path)
        if PurePosixPath(path).parent not in folders and not _concerns(names, path, text):
            continue
        after, document_told, asked = _patched(path, text, plan, handlers)
        questions += asked
        if after != text:
            changes.append(FileChange(path=path, before=text, after=after))
            told[path] = document_told
    for find, what in ((patch_fixtures, "rows of unit tests"), (patch_prose, "names in its text")):
        texts, asked = find(plan)
        questions += asked
        for path, after in texts.items():
            changes.append(FileChange(path=path, before=project.read(path), after=after))
            told[path] = what
    return Patch(tuple(changes), told, tuple(dict.fromkeys(questions)), dict(interfaces))


def _plan(project: PatchedProject, drift: Drift, interfaces: Mapping[str, Interface]) -> Plan:
    shifts: dict[str, Shift] = {}
    upstream: dict[str, Shift] = {}
    before = {table.id: table for table in project.before}
    after = {table.id: table for table in project.after}
    for table in dict.fromkeys(change.table for change in drift.changes):
        changes = drift.of(table)
        now = after.get(table) or _successor(project, changes)
        shift = shift_of_relation(changes, before.get(table), now)
        if not shift.is_empty:
            shifts[table] = shift
        shift = shift_upstream(changes, before.get(table), now)
        if not shift.is_empty:
            upstream[table] = shift
    for node, interface in interfaces.items():
        if node in shifts:
            continue
        known = project.graph.nodes.get(node)
        resource = project.manifest.resources.get(node)
        columns = tuple(known.columns.values()) if known else tuple(resource.columns) if resource else ()
        shift = shift_of_interface(interface, columns)
        if not shift.is_empty:
            shifts[node] = shift
    return Plan(project, drift, shifts, upstream)


def _successor(project: PatchedProject, changes: Sequence[Change]) -> Table | None:
    """The table that a renamed one is now."""
    names = {name for change in changes if change.kind is Kind.TABLE_RENAMED for name in change.after}
    return next((t for t in project.after if names & {t.id, t.name, t.relation[1], ".".join(t.relation)}), None)


def _handlers(path: str) -> tuple[Handler, ...]:
    """What may change a file, by its name."""
    pure = PurePosixPath(path)
    hidden = any(part.startswith(".") or part in _SKIPPED for part in pure.parts)
    if hidden or pure.suffix not in (".yml", ".yaml") or pure.name in _NO_PROPERTIES:
        return ()
    if path == "dbt_project.yml":
        return (ask_of_project,)
    if pure.name in _OWN:
        return _OWN[pure.name]
    # What is a contract is told by what is in it; dbt has no top-level `dataset`.
    return (patch_contract, *_PROPERTIES)


def _concerns(names: re.Pattern[str], path: str, text: str) -> bool:
    """Whether a file can name a table that changed: reading YAML with its places takes time."""
    return path == "dbt_project.yml" or names.search(text) is not None


def _pattern(plan: Plan) -> re.Pattern[str]:
    """What a file names that concerns a changed table: the table, as a word of its own."""
    names = sorted(set(_names(plan)), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)" if names else r"(?!)", re.IGNORECASE)


def _names(plan: Plan) -> Iterator[str]:
    tables = [change.table for change in plan.drift.changes]
    # Rules about values reach what passes them on.
    below = {
        node
        for change in plan.drift.changes
        for column in change.before or change.after
        for node, _ in carriers(plan, change, (change.table, column.lower()))
    }
    below |= {node for node, _, _ in made_again(plan)}
    for node in dict.fromkeys((*plan.shifts, *tables, *below)):
        resource = plan.project.manifest.resources.get(node)
        if resource is not None:
            yield resource.name.rpartition(".")[2]
            yield resource.identifier


def _patched(path: str, text: str, plan: Plan, handlers: tuple[Handler, ...]) -> tuple[str, str, list[Question]]:
    """The text as it is now, what was done, and questions."""
    try:
        editor = YamlEditor(text)
    except SmeltError as error:
        return text, "", [Question(f"it may name what changed, and {error.message}", path, 0)]
    document = Document(path, editor, plan)
    for handler in handlers:
        handler(document)
    try:
        after = editor.result()
    except SmeltError as error:
        return text, "", [*document.questions, Question(f"it is to be changed by hand: {error.message}", path, 0)]
    return after, "; ".join(document.done), document.questions
