"""From a request in words to a proposal that changes one model: read, edited, run, and only then proposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.editing.applying import Edited, Surroundings, apply_asked
from plugins.nl_models.editing.checking import Runs, compare, describe, not_run
from plugins.nl_models.editing.consumers import Consumers
from plugins.nl_models.editing.document import Column, edit_yaml
from plugins.nl_models.editing.explaining import describe_added, reason_of, sentence_of
from plugins.nl_models.editing.intents import AddSibling, Asked, ChangeGrain, Remove, Rename
from plugins.nl_models.editing.opening import Opened, open_model, with_line_ends
from plugins.nl_models.editing.putting import Draft
from plugins.nl_models.editing.reading import Reading
from plugins.nl_models.editing.rendering import render, renderings
from plugins.nl_models.editing.script import Script
from plugins.nl_models.editing.unit_tests import UnitTests
from plugins.nl_models.models.contract_types import as_yaml, contract_types, is_same
from plugins.nl_models.models.conventions import Conventions, learn
from plugins.nl_models.models.measuring import measure
from plugins.review import FileChange, Finding, Outcome, Proposal
from plugins.review.git import Repository
from plugins.review.sandbox.machine_written import check_machine_written

_SURE = 0.9
_PER_QUESTION = 0.93
_PER_FAILURE = 0.5


def propose_edit(model: str, request: str, project: AskedProject, *, today: date) -> Proposal:
    """A change of an existing model, as a proposal; its file keeps everything else as it is.

    request: in words, as in “also split by country”. today: relative periods count from it.
    Raises SmeltError with the one thing that is unclear, or that can't be changed safely.
    """
    opened = open_model(model, project)
    tracer = Draft(Script(opened.text), dict(opened.inputs)).tracer
    outputs = tracer.outputs(tracer.top())
    reading = Reading(project, outputs, tracer.reads(tracer.query), today)
    asked = reading.read(request)
    consumers = Consumers(project.manifest, opened.resource.id)
    _require_unused(asked, consumers)
    work = _Work(opened, project, asked, learn(project, model, [opened.resource.id], None))
    edited, sql = work.edit()
    _require_free(edited, consumers)
    evidence, types = work.evidence(edited, sql)
    evidence = [_impact(edited, consumers, model), *evidence]
    yaml, questions = work.document(edited, types, sql)
    changes = [_change(opened.resource.path, opened.on_disk, edited.text)]
    if opened.yaml_path is not None and opened.yaml_on_disk is not None and yaml != opened.yaml:
        changes.append(_change(opened.yaml_path, opened.yaml_on_disk, yaml))
    _require_allowed(changes, project)
    questions = list(dict.fromkeys([*edited.questions, *questions, *_about_use(edited, consumers, opened)]))
    failed = sum(one.outcome is Outcome.FAILED for one in evidence)
    return Proposal(
        kind="edit",
        title=f"{model}: {sentence_of(asked)}"[:120],
        reason=reason_of(request, asked, edited),
        confidence=round(_SURE * _PER_QUESTION ** len(questions) * _PER_FAILURE**failed, 2),
        base=Repository.find(project.folder).resolve("HEAD"),
        changes=tuple(changes),
        questions=tuple(questions),
        evidence=tuple(evidence),
    )


def _change(path: str, before: str, after: str) -> FileChange:
    return FileChange(path=path, before=before, after=with_line_ends(after, before))


@dataclass
class _Work:
    """One model under change."""

    opened: Opened
    project: AskedProject
    asked: Asked
    conventions: Conventions

    def edit(self) -> tuple[Edited, str | SmeltError]:
        """The edited model, and its SQL or why it can't be run. New figures have types that a contract keeps."""
        known = frozenset(column.name.lower() for column in self.project.catalog.columns)
        around = Surroundings(self.opened.inputs, self.project.layer, known)
        edited = apply_asked(self.opened.text, self.asked, around)
        sql = self._sql(edited.text)
        if isinstance(sql, str) and edited.added and self.opened.resource.is_contracted:
            natural = describe(self.project.con, sql, self.relations)
            figures = {name: natural[name] for name in edited.added if name not in edited.keys}
            ratios = [name for name in figures if "/" in sql and natural[name].upper() == "DOUBLE"]
            types = contract_types(figures, self.conventions.types, ratios)
            casts = {name: kind for name, kind in types.items() if not is_same(kind, natural[name])}
            if casts:
                around = Surroundings(self.opened.inputs, self.project.layer, known, casts)
                edited = apply_asked(self.opened.text, self.asked, around)
                sql = self._sql(edited.text)
        return edited, sql

    @property
    def made(self) -> Mapping[str, str]:
        """What dbt made of macros."""
        return renderings(self.opened.text, self.opened.resource.sql)

    @property
    def relations(self) -> list[str]:
        """All that both versions may read."""
        return sorted({one.relation for one in self.opened.inputs.values() if one.relation})

    def _sql(self, text: str) -> str | SmeltError:
        try:
            return render(text, self.opened.inputs, self.made)
        except SmeltError as error:
            return error

    def evidence(self, edited: Edited, sql: str | SmeltError) -> tuple[list[Finding], dict[str, str]]:
        """Findings, and the types of the model's columns as far as they are known."""
        name = self.opened.resource.name
        before = self._sql(self.opened.text)
        if isinstance(sql, SmeltError) or isinstance(before, SmeltError):
            error = sql if isinstance(sql, SmeltError) else before
            assert isinstance(error, SmeltError)
            return [not_run(name, error)], {}
        con = self.project.con
        after_types = describe(con, sql, self.relations)
        runs = Runs(con, before, sql, self.relations, describe(con, before, self.relations), after_types)
        tracer = Draft(Script(self.opened.text), dict(self.opened.inputs)).tracer
        return compare(runs, edited, tracer, name), after_types

    def document(self, edited: Edited, types: Mapping[str, str], sql: str | SmeltError) -> tuple[str, list[str]]:
        """The YAML, and what its reviewer is to decide."""
        if self.opened.yaml is None:
            return "", [f"{self.opened.resource.name} has no YAML: should it be described?"]
        added = [self._column(name, edited, types, sql) for name in edited.added]
        text, questions = edit_yaml(self.opened.yaml, self.opened.resource.name, edited, added, self.conventions)
        tests = UnitTests(self.opened.resource.name, edited, self.opened.inputs, self.made, self._samples())
        return tests.edit(text), [*questions, *tests.questions]

    def _column(self, name: str, edited: Edited, types: Mapping[str, str], sql: str | SmeltError) -> Column:
        nulls = self._nulls(name, sql)
        text = describe_added(name, edited, self.opened, self.project.layer)
        if nulls and name in edited.keys:
            text = f"{text.rstrip('.')}; null where there is none."
        kind = as_yaml(types[name]) if name in types else self._declared(name, edited)
        return Column(name, text, kind, nulls == 0 and name in edited.keys, self._before(name, edited))

    def _declared(self, name: str, edited: Edited) -> str:
        """The type of a new column that could not be run: as declared where it comes from, else unknown."""
        intent = edited.added[name]
        like = self.opened.resource.columns.get(intent.like) if isinstance(intent, AddSibling) else None
        wanted = next((one.data_type for one in edited.used if one.name == name), "")
        if not (like or wanted) and self.opened.resource.is_contracted:
            raise SmeltError(f"the type of {name} is not known here", "build what the model reads first")
        return as_yaml(like or wanted or "varchar")

    def _nulls(self, name: str, sql: str | SmeltError) -> int | None:
        if isinstance(sql, SmeltError):
            return None
        measured = {k.lower(): v for k, v in measure(self.project.con, sql, self.relations, []).nulls.items()}
        return measured.get(name)

    def _before(self, name: str, edited: Edited) -> str | None:
        """The column that a new one stands behind."""
        tracer = Draft(Script(edited.text), dict(self.opened.inputs)).tracer
        outputs = tracer.outputs(tracer.top())
        place = outputs.index(name)
        return outputs[place - 1] if place else None

    def _samples(self) -> dict[tuple[str, str], tuple[str, ...]]:
        return {
            (node, column.name.lower()): column.values
            for relation, node in self.project.nodes.items()
            for column in self.project.catalog.tables[relation].columns.values()
            if column.values and column.kind == "text"
        }


def _require_unused(asked: Asked, consumers: Consumers) -> None:
    """Raises SmeltError if something reads a column that is to go or to be called otherwise."""
    for intent in asked.intents:
        if isinstance(intent, Remove):
            _refuse(
                [one for one in consumers.of([intent.column]) if not one.startswith("exposure")], intent.column
            )
        elif isinstance(intent, Rename):
            _refuse(_outside(consumers.of([intent.column])), intent.column)


def _require_free(edited: Edited, consumers: Consumers) -> None:
    """The same for columns that are called otherwise since their buckets changed."""
    for column in edited.renamed:
        _refuse(_outside(consumers.of([column])), column)


def _outside(found: Sequence[str]) -> list[str]:
    """Consumers other than the semantic model, which is changed with the model, and those nobody can look into."""
    return [one for one in found if not one.startswith(("exposure", "semantic model"))]


def _refuse(found: Sequence[str], column: str) -> None:
    if found:
        raise SmeltError(f"{column} is used by {'; '.join(found)}", "change these first, or keep the column")


def _impact(edited: Edited, consumers: Consumers, model: str) -> Finding:
    """Who is touched by what changes."""
    readers = consumers.of_rows()
    if not readers:
        return Finding(kind="impact", subject=model, outcome=Outcome.PASSED, detail="nothing reads the model")
    listed = ", ".join(readers)
    if edited.changes_rows:
        return Finding(kind="impact", subject=model, outcome=Outcome.CHANGED, detail=f"other rows for {listed}")
    detail = f"rows and columns that were there stay for {listed}"
    return Finding(kind="impact", subject=model, outcome=Outcome.PASSED, detail=detail)


def _about_use(edited: Edited, consumers: Consumers, opened: Opened) -> list[str]:
    found = []
    exposures = [one for one in consumers.of_rows() if one.startswith("exposure")]
    gone = [*edited.removed, *edited.renamed]
    if exposures and gone:
        found.append(f"Does {' or '.join(exposures)} use {' or '.join(gone)}? Nobody here can see that.")
    readers = consumers.of_rows()
    if edited.changes_rows and readers:
        shown = ", ".join(readers[:3]) + (f" and {len(readers) - 3} others" if len(readers) > 3 else "")
        found.append(f"Is it meant that {shown} get other rows?")
    if opened.resource.materialized == "incremental":
        found.append(
            "It is incremental: rows that are there stay as they are until `dbt build --full-refresh`. "
            "Will you run it?"
        )
    if isinstance(edited.grain, ChangeGrain) and edited.grain.old and edited.grain.old in opened.resource.name:
        found.append(f"The model is still called {opened.resource.name}: should it have another name?")
    return found


def _require_allowed(changes: Sequence[FileChange], project: AskedProject) -> None:
    """Raises SmeltError if a machine may not write such a file, whoever wrote what is in it."""
    refused = check_machine_written(changes, load_settings(project.folder).review.macros)
    if refused:
        raise SmeltError(
            str(refused[0]), "change the model by hand, or list the macro in review.macros of smelt.toml"
        )
