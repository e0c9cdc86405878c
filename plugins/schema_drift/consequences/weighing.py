"""What a change does to this project, where more is known of that than its kind says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from plugins.core.project import Manifest, Project
from plugins.schema_drift.change import Change, Drift, Fact, Kind, Severity
from plugins.schema_drift.consequences.accepting import by_tests
from plugins.schema_drift.consequences.models import Models
from plugins.schema_drift.consequences.refusing import with_refused
from plugins.schema_drift.consequences.wording import in_own_words, is_of_money
from plugins.schema_drift.understanding import Arrived

# Where `fare` and `Fare` are one column, even in quotes.
_IGNORING_CASE = frozenset({"duckdb", "bigquery", "spark", "databricks", "sqlserver", "fabric", "mysql", "trino"})


def for_project(
    drift: Drift, project: Project, arrived: Sequence[Arrived] = (), known: Manifest | None = None
) -> Drift:
    """The same changes, each as severe as it is here: by the warehouse's rules, the project's tests and models.

    arrived: values that may be too few to be told of; of those, the ones that a test refuses are changes too.
    known: as of `Models`.

    Models are read only where a change can concern them. Raises SmeltError if the project does not parse.
    """
    models = Models(project, drift, known)
    drift = with_refused(drift, arrived, models)
    changes = [_by_case(one, project) for one in drift.changes]
    changes = [by_tests(one, models) if one.kind is Kind.VALUES_ADDED else one for one in changes]
    changes = [in_own_words(one, models) if is_of_money(one) else one for one in changes]
    changes = [_by_types(one, models) if _may_not_build(one) else one for one in changes]
    return replace(drift, changes=tuple(changes))


def _may_not_build(change: Change) -> bool:
    """Whether a change that is told to build may not: the column has another type under its own name."""
    before, after = change.detail.get("type_before"), change.detail.get("type_after")
    is_same_name = len(change.before) == 1 and change.before == change.after
    return change.severity is Severity.DANGEROUS and is_same_name and bool(before and after) and before != after


def _by_types(change: Change, models: Models) -> Change:
    # It parses SQL, for which other checks needn't load a parser.
    from plugins.schema_drift.consequences.building import by_types

    return by_types(change, models)


def _by_case(change: Change, project: Project) -> Change:
    is_same = change.kind is Kind.COLUMN_RENAMED and change.before[0].lower() == change.after[0].lower()
    if not is_same or change.detail.get("also") or project.adapter not in _IGNORING_CASE:
        return change
    fact = Fact("declared", f"to {project.adapter} both names are the same")
    return replace(change, severity=Severity.INFORMATIVE, facts=(*change.facts, fact))
