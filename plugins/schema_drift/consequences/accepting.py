"""New values, and the tests that list what a column may hold: of the source, and of whatever holds its values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from plugins.schema_drift.change import Change, Fact, Severity
from plugins.schema_drift.consequences.models import Models, parents_of

if TYPE_CHECKING:
    from plugins.core.lineage.graph import Place

# Tests of dbt and of dbt_expectations, with the argument that lists the values.
_LISTS = {"accepted_values": "values", "expect_column_values_to_be_in_set": "value_set"}


@dataclass(frozen=True)
class Listing:
    """A test that lists values. place: the column it is about. is_filtered: it looks at some rows only."""

    name: str
    file: str
    place: Place
    values: frozenset[str]
    is_filtered: bool

    def __str__(self) -> str:
        return f"`{self.name}` ({self.file})"


def by_tests(change: Change, models: Models) -> Change:
    """A test that does not list the new values fails on them; one that may get them is told, and no more."""
    new = {str(value) for value in change.detail.get("added_values") or ()}
    start = (change.table, change.after[0].lower())
    refusing = _refusing(start, new, models)
    if not refusing:
        return change
    held = _held(models, start, refusing)
    failing = [one for one in refusing if held.get(one.place) and not one.is_filtered]
    doubtful = [one for one in refusing if one.place in held and one not in failing]
    facts = list(change.facts)
    if failing:
        verb = "does" if len(failing) == 1 else "do"
        facts.append(Fact("tests", f"{', '.join(map(str, failing))} {verb} not accept them"))
    if doubtful:
        text = f"{', '.join(map(str, doubtful))} may not accept them: they may come changed, or not all of them"
        facts.append(Fact("tests", text))
    return replace(change, severity=Severity.BREAKING if failing else change.severity, facts=tuple(facts))


def surely_failing(start: Place, new: frozenset[str], known: frozenset[str], models: Models) -> list[Listing]:
    """Tests that look at all values of a source's column, accepted what it held before, and not what came.

    Lineage is read only if there may be some.
    """
    refusing = [one for one in _refusing(start, new, models) if not one.is_filtered and known <= one.values]
    held = _held(models, start, refusing) if refusing else {}
    return [one for one in refusing if held.get(one.place)]


def _refusing(start: Place, new: Collection[str], models: Models) -> list[Listing]:
    """Tests of a source's column, and of whatever is built from the source, that do not list all new values."""
    below = models.below(start[0])
    return [
        one
        for one in listings(models.parsed.document)
        if not one.values.issuperset(new) and (one.place == start or one.place[0] in below)
    ]


def _held(models: Models, start: Place, refusing: list[Listing]) -> dict[Place, bool]:
    """Places that hold the source's values, and whether that is sure; only models on the way to tests are read."""
    nodes = {one.place[0] for one in refusing} - {start[0]}
    if not nodes:
        return {start: True}
    # Most checks meet no such test, and needn't wait for a parser of SQL.
    from plugins.core.lineage import holders

    found = models.graph(nodes)
    if found is None:
        # Without SQL: who reads the source mostly hands a column on under its name.
        readers = (node for node in nodes if start[0] in parents_of(models.parsed.document["nodes"][node]))
        return {start: True, **{(node, start[1]): True for node in readers}}
    return {start: True, **holders(*found, start)}


def listings(document: Mapping[str, Any]) -> Iterator[Listing]:
    """Tests of a manifest that list what a column may hold."""
    for node in document["nodes"].values():
        test = node.get("test_metadata") or {}
        arguments = test.get("kwargs") or {}
        values = arguments.get(_LISTS.get(str(test.get("name")), ""))
        column = str(node.get("column_name") or arguments.get("column_name") or "").strip('"').lower()
        if not isinstance(values, list) or not column:
            continue
        is_filtered = bool((node.get("config") or {}).get("where") or arguments.get("row_condition"))
        listed = frozenset(str(value) for value in values)
        # Tests of sources are attached to nothing.
        tested = [node["attached_node"]] if node.get("attached_node") else parents_of(node)
        for one in tested[:1]:
            file = str(node.get("original_file_path") or "")
            yield Listing(node["name"], file, (one, column), listed, is_filtered)
