"""A model before it is proposed: its text, what running it showed, and what its YAML says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plugins.nl_models.catalog.project import AskedProject
from plugins.nl_models.models.comparing import Compared
from plugins.nl_models.models.conventions import Conventions
from plugins.nl_models.models.document import Documented
from plugins.nl_models.models.ground import Input
from plugins.nl_models.models.house import Query
from plugins.nl_models.models.measuring import Measured
from plugins.nl_models.models.unit_test import UnitTest


@dataclass(frozen=True)
class Draft:
    """text: of the model. sql: the same as it runs on the published tables. notes: what was found.

    compared: with the semantic layer, or with the query behind the answer. metrics: that come with it, each with
    what trying it out showed. files: other YAML that is changed for them, by path.
    """

    text: str
    sql: str
    document: Documented
    conventions: Conventions
    measured: Measured
    notes: tuple[str, ...]
    questions: tuple[str, ...]
    compared: Compared
    metrics: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def known_values(inputs: Mapping[str, Input], project: AskedProject) -> dict[tuple[str, str], Sequence[str]]:
    """Real values of text columns, by (import, column)."""
    return {
        (name, column.name): column.values[:10]
        for name, one in inputs.items()
        for column in project.catalog.tables[one.relation].columns.values()
        if column.values and len(column.values) < 1_000
    }


def notes_of(measured: Measured, query: Query, unit: UnitTest | None) -> list[str]:
    """What the reviewer may rely on, or not, beside the evidence."""
    notes = []
    if not measured.is_unique:
        notes.append("Its grain is not unique in the tables as they are now.")
    if unit is not None and not unit.untested and any(step.where for step in query.steps.values()):
        notes.append("The unit test has a row that counts and, for each condition, one that only it excludes.")
    return notes
