"""Metrics that a model's numbers lack, added to the semantic layer; a question, where that takes a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from plugins.core.errors import SmeltError
from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.metric_yaml import add_measure, add_metric, places_of
from plugins.nl_models.models.missing import NewMetric, missing_metric, same_metric, try_out
from plugins.nl_models.models.relational import Planned
from plugins.nl_models.plan import Measure
from plugins.review import FileChange
from plugins.review.sandbox.machine_written import check_machine_written


@dataclass
class Added:
    """metrics: each with what trying it out showed. files: YAML with them in it, by path. questions: what is left
    to people."""

    metrics: list[tuple[NewMetric, str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)


def add_missing(planned: Planned, described: Mapping[str, str], project: AskedProject) -> Added:
    """The metrics for all aggregates of a model. described: its columns, in a sentence each."""
    added = Added()
    if project.layer is None:
        return added
    for column, term in planned.terms.items():
        if not isinstance(term, Measure):
            continue
        if (known := same_metric(term, project.layer)) is not None:
            added.questions.append(f"{column} is the metric `{known}`: should the question be asked of that?")
            continue
        try:
            metric = missing_metric(column, term, described[column], planned, project)
            files = _files(metric, added.files, project)
            _require_writable(files)
            shown = try_out(metric, project)
        except SmeltError as error:
            added.questions.append(
                f"{column} is no metric of the semantic layer: should it become one? (Not added: {error.message}.)"
            )
            continue
        added.files |= files
        added.metrics.append((metric, shown))
    return added


def said_of(metric: NewMetric) -> str:
    """What the reviewer is told of it."""
    by = f"by {metric.time}, in the semantic model {metric.model.name}"
    how = f"over its measure `{metric.measure}`" if metric.has_measure else "with a measure of that name"
    return f"Adds the metric `{metric.name}`, which the semantic layer lacked, {how}; it is counted {by}."


def read_as_it_is(path: Path) -> str:
    """A file's text with its own line ends. Raises SmeltError if it can't be read."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeError) as error:
        raise SmeltError(f"{path} cannot be read: {error}", "make it readable, in UTF-8") from error


def _require_writable(files: Mapping[str, str]) -> None:
    """Raises SmeltError for files that hold what a machine may not write, whoever wrote it."""
    changes = [FileChange(path=path, before=None, after=text) for path, text in files.items()]
    if refused := check_machine_written(changes):
        raise SmeltError(f"{refused[0]} may not be written by a machine", "define it by hand")


def _files(metric: NewMetric, before: Mapping[str, str], project: AskedProject) -> dict[str, str]:
    """The YAML files that it takes, changed."""
    of_model, of_metrics = places_of(metric, project)
    files: dict[str, str] = {}
    edits = (
        [(of_metrics, add_metric)] if metric.has_measure else [(of_model, add_measure), (of_metrics, add_metric)]
    )
    for path, edit in edits:
        text = files.get(path) or before.get(path) or read_as_it_is(project.folder / path)
        plain = edit(text.replace("\r\n", "\n"), metric)
        files[path] = plain.replace("\n", "\r\n") if "\r\n" in text else plain
    return files
