"""What a change does to this project, where more is known of that than its kind says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from plugins.core.project import Project
from plugins.schema_drift.change import Change, Drift, Fact, Kind, Severity
from plugins.schema_drift.observing import source_manifest

# Where `fare` and `Fare` are one column, even in quotes.
_IGNORING_CASE = frozenset({"duckdb", "bigquery", "spark", "databricks", "sqlserver", "fabric", "mysql", "trino"})
_ACCEPTED = "accepted_values"


def for_project(drift: Drift, project: Project) -> Drift:
    """The same changes, each as severe as it is here: by the warehouse's rules and the project's own tests.

    Raises SmeltError if the project does not parse.
    """
    changes = [_by_case(one, project.adapter) for one in drift.changes]
    if any(one.kind is Kind.VALUES_ADDED for one in changes):
        document = source_manifest(project).document
        changes = [_by_tests(one, document) if one.kind is Kind.VALUES_ADDED else one for one in changes]
    return replace(drift, changes=tuple(changes))


def _by_case(change: Change, adapter: str) -> Change:
    is_same = change.kind is Kind.COLUMN_RENAMED and change.before[0].lower() == change.after[0].lower()
    if not is_same or adapter not in _IGNORING_CASE or change.detail.get("also"):
        return change
    fact = Fact("declared", f"to {adapter} both names are the same")
    return replace(change, severity=Severity.INFORMATIVE, facts=(*change.facts, fact))


def _by_tests(change: Change, document: Mapping[str, Any]) -> Change:
    """A test that does not list the new values fails on them."""
    new = {str(value) for value in change.detail.get("added_values") or ()}
    failing = [
        name
        for name, values in _accepted(document, change.table, change.after[0])
        if not new <= {str(value) for value in values}
    ]
    if not failing:
        return change
    fact = Fact("tests", f"{', '.join(f'`{name}`' for name in failing)} does not accept them", None)
    return replace(change, severity=Severity.BREAKING, facts=(*change.facts, fact))


def _accepted(document: Mapping[str, Any], source: str, column: str) -> Iterator[tuple[str, list[Any]]]:
    """(test, values) of tests of a source's column, and of one of its name in models that read the source."""
    nodes = document["nodes"].values()
    tested = {source} | {node["unique_id"] for node in nodes if source in _parents(node)}
    for node in nodes:
        test = node.get("test_metadata") or {}
        arguments = test.get("kwargs") or {}
        name = str(node.get("column_name") or arguments.get("column_name") or "").strip('"')
        if test.get("name") != _ACCEPTED or name.lower() != column.lower() or tested.isdisjoint(_parents(node)):
            continue
        if isinstance(arguments.get("values"), list) and not (node.get("config") or {}).get("where"):
            yield node["name"], arguments["values"]


def _parents(node: Mapping[str, Any]) -> list[str]:
    return (node.get("depends_on") or {}).get("nodes") or []
