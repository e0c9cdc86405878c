"""Values that came in a few rows, which tests that list a column's values refuse all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from plugins.core.project import Manifest, Project
from plugins.schema_drift.change import Change, Drift, Fact, Kind
from plugins.schema_drift.consequences.accepting import listings, surely_failing
from plugins.schema_drift.consequences.models import Models
from plugins.schema_drift.understanding import Arrived, telling

_SURE = 0.97


def listed_values(project: Project, known: Manifest | None = None) -> Mapping[str, frozenset[str]]:
    """By table, the values that tests of it, or of what is built from it, list. known: as of `Models`.

    Raises SmeltError if the project does not parse.
    """
    models = Models(project, Drift(), known)
    tested: dict[str, set[str]] = {}
    for one in listings(models.parsed.document):
        tested.setdefault(one.place[0], set()).update(one.values)
    found: dict[str, set[str]] = {}
    for below, values in tested.items():
        for node in models.above(below):
            found.setdefault(node, set()).update(values)
    return {node: frozenset(values) for node, values in found.items()}


def with_refused(drift: Drift, arrived: Sequence[Arrived], models: Models) -> Drift:
    """The drift with values that a test surely refuses, where nothing else is told of their column."""
    changes = list(drift.changes)
    for one in arrived:
        refused = _refused(one, models)
        if not refused:
            continue
        told = [n for n, c in enumerate(changes) if c.table == one.table.id and _is_about(c, one.column)]
        if not told:
            changes.append(_change(one, refused))
        for number in told:
            if changes[number].kind is Kind.VALUES_ADDED:
                changes[number] = _with_more(changes[number], refused)
    return replace(drift, changes=tuple(changes))


def _refused(one: Arrived, models: Models) -> tuple[str, ...]:
    """New values that a test does not list which listed all values of before: another one failed already."""
    failing = surely_failing((one.table.id, one.column.lower()), frozenset(one.added), one.known, models)
    return tuple(value for value in one.added if any(value not in test.values for test in failing))


def _is_about(change: Change, column: str) -> bool:
    """Whether a change tells of a column, or of the whole table as another one."""
    return str(change.kind).startswith("table_") or column in (*change.before, *change.after)


def _with_more(change: Change, refused: Sequence[str]) -> Change:
    known = list(change.detail.get("added_values") or ())
    more = [value for value in refused if value not in known]
    if not more:
        return change
    fact = Fact("values", f"fewer rows hold {telling.named_values(more)}, which none had either")
    return replace(change, facts=(*change.facts, fact), detail={**change.detail, "added_values": [*known, *more]})


def _change(one: Arrived, refused: Sequence[str]) -> Change:
    count = sum(one.added[value] for value in refused)
    text = f"{count:,} of {one.rows:,} rows hold values that none had before: {telling.named_values(refused)}"
    return telling.change(
        Kind.VALUES_ADDED,
        one.table,
        (one.column,),
        (one.column,),
        _SURE,
        (Fact("values", text, count / one.rows, one.rows),),
        detail={"added_values": list(refused)},
    )
