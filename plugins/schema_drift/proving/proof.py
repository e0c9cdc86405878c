"""A drift's proposal, built in the sandbox on the same rows before and now, and judged."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import duckdb

from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.lake import Pin, scan_sql
from plugins.core.project import Project
from plugins.core.settings import Settings
from plugins.review import ChangedSources, Opened, Proposal, Proven, SideInputs, prove
from plugins.schema_drift.change import Change, Drift, Kind
from plugins.schema_drift.observing import WrittenInput
from plugins.schema_drift.patching.patch import Patch
from plugins.schema_drift.proving.judging import Judge
from plugins.schema_drift.proving.same_rows import Aligner, Rows, SameRows
from plugins.schema_drift.proving.verdict import find_verdict
from plugins.schema_drift.table import Table

_OF_TABLES = (Kind.TABLE_ADDED, Kind.TABLE_REMOVED, Kind.TABLE_RENAMED, Kind.TABLE_SPLIT)


Pins = tuple[Sequence[Pin], Sequence[Pin]]


def prove_drift(
    project: Project,
    settings: Settings,
    proposal: Proposal,
    inputs: Sequence[WrittenInput],
    drift: Drift,
    patch: Patch,
    on_progress: Callable[[str], None] = lambda _: None,
    *,
    before: Sequence[Table] = (),
    after: Sequence[Table] = (),
    pins: Pins | None = None,
    unread: Mapping[str, int] | None = None,
    ahead: Callable[[], Opened] | None = None,
) -> Proven:
    """Build base on the rows of before and head on those of now, and hold head to the values of base.

    inputs: rows of the tables that drifted. pins: of a Smelt project, bronze before and now. before, after: the
    tables that drifted. unread: by table, rows with new keys that `inputs` lack. ahead: of a sandbox that is being
    opened. Raises SmeltError as the sandbox does.
    """
    on_progress("laying the same rows beside each other")
    with tempfile.TemporaryDirectory(prefix="smelt-drift-") as folder:
        tables = _align(Path(folder), inputs, drift, before, after, pins, unread or {})
        sources = changed_sources(tables, pins, drift)
        names = _names(drift, patch, before)
        judge = Judge(tables, patch, drift)
        return prove(
            project,
            settings,
            proposal,
            on_progress,
            sources=sources,
            columns=names,
            judge=judge,
            verdict=partial(find_verdict, proposal=proposal, patch=patch),
            ahead=ahead,
        )


def changed_sources(tables: Sequence[SameRows], pins: Pins | None, drift: Drift) -> ChangedSources:
    """What the sandbox needs to know of the tables that drifted."""
    base = [t.base for t in tables if t.base is not None]
    head = [t.head for t in tables if t.head is not None]
    # Streams that did not drift are the same on both sides: those of now.
    now = tuple(pins[1]) if pins is not None else None
    whole = {c.table for c in drift.changes if c.kind in _OF_TABLES}
    return ChangedSources(
        base=SideInputs({w.relation: w.path for w in base}, {w.relation: w.types for w in base}, now),
        head=SideInputs({w.relation: w.path for w in head}, {w.relation: w.types for w in head}, now),
        before=frozenset((t.ids[0], name) for t in tables for name in t.before),
        after=frozenset((t.ids[-1], name) for t in tables for name in t.after),
        rows=frozenset(node for t in tables for node in t.ids if not whole.isdisjoint(t.ids)),
        later=SideInputs(pins=now),
        left_out={t.ids[-1]: t.not_compared for t in tables if t.is_exact and t.not_compared != 0},
        unmatched=frozenset(node for t in tables if not t.is_exact for node in t.ids),
    )


def _align(
    folder: Path,
    inputs: Sequence[WrittenInput],
    drift: Drift,
    before: Sequence[Table],
    after: Sequence[Table],
    pins: Pins | None,
    unread: Mapping[str, int],
) -> tuple[SameRows, ...]:
    reads = {(one.side, one.table): (one.select, one.is_partial) for one in inputs}
    for side, pinned, tables in zip(("before", "after"), pins or ((), ()), (before, after), strict=True):
        scans = {(pin.namespace, pin.table): f"select * from {scan_sql(pin)}" for pin in pinned}
        reads |= {(side, t.id): (scans[t.relation], False) for t in tables if t.relation in scans}
    later = {table.id: table for table in after}
    found: list[SameRows] = []
    with duck.connect(extensions=duck.LAKE_EXTENSIONS if pins else ()) as con:
        aligner = Aligner(con, folder)
        try:
            for table in before:
                changes = drift.of(table.id)
                other = _successor(table, changes, later)
                late = unread.get(other.id, 0) if other is not None else 0
                found += _one(aligner, reads, table, other, changes, late)
                later.pop(other.id if other is not None else "", None)
            for table in later.values():
                found += _one(aligner, reads, None, table, drift.of(table.id))
        except duckdb.Error as error:
            raise SmeltError(
                f"the rows of before and of now can't be laid beside each other: {str(error).splitlines()[0]}",
                "look at the sources again with `smelt drift check`",
            ) from error
    return tuple(found)


def _one(
    aligner: Aligner,
    reads: Mapping[tuple[str, str], tuple[str, bool]],
    old: Table | None,
    new: Table | None,
    changes: Sequence[Change],
    unread: int = 0,
) -> list[SameRows]:
    sides = [
        Rows(table, *reads[side, table.id]) if table is not None and (side, table.id) in reads else None
        for side, table in (("before", old), ("after", new))
    ]
    return [aligner.align(sides[0], sides[1], changes, unread)] if any(sides) else []


def _successor(table: Table, changes: Sequence[Change], later: Mapping[str, Table]) -> Table | None:
    """The same table now, or what it was renamed to."""
    renamed = {name for c in changes if c.kind is Kind.TABLE_RENAMED for name in c.after}
    other = next((one for one in later.values() if renamed & {one.id, one.name, one.relation[1]}), None)
    return other or later.get(table.id)


def _names(drift: Drift, patch: Patch, tables: Sequence[Table]) -> set[str]:
    """Names that a patch may put others in the place of: columns, and values that were renamed."""
    names = {column.name for table in tables for column in table.columns}
    names |= {str(old) for c in drift.changes for old in (c.detail.get("values") or {})}
    return names | {old for interface in patch.interfaces.values() for old in interface.renamed}
