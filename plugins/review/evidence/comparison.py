"""What the data-comparing kinds of evidence work on: the same models, built at base and at head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import duckdb

from plugins.review.evidence.finding import Finding


@dataclass(frozen=True)
class ComparedModel:
    """A model that was built at base and at head from the same inputs.

    base, head: quoted SQL names of its relations, readable through `Comparison.con`; None: not there.
    key: columns that identify a row (from unique tests, contracts or `unique_key`); empty: unknown.
    pii: columns whose values are masked in samples.
    changed_columns: columns whose meaning the change touches, by lineage; None: any may be.
    unbuilt: why it could not be built on one of the sides, if so.
    counts: rows at base and at head, if the relations hold only one in `copied_one_in` of them.
    types: the warehouse's own types by column, at base and at head, if it isn't DuckDB.
    timed: columns in lower case that tell when the table was built, whose values are never the same twice.
    """

    name: str
    unique_id: str
    base: str | None
    head: str | None
    key: tuple[str, ...] = ()
    pii: frozenset[str] = frozenset()
    changed_columns: frozenset[str] | None = None
    unbuilt: str | None = None
    counts: tuple[int, int] | None = None
    copied_one_in: int = 1
    types: tuple[Mapping[str, str], Mapping[str, str]] = field(default=({}, {}), compare=False)
    timed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Limits:
    """How far comparing goes.

    exact_rows: tables up to so many rows are compared in full, larger ones by a sample of keys
    (by hash, so that both sides sample the same rows). sample_rows: about how many rows such a sample has.
    samples: rows shown per finding. seconds: one kind of evidence may spend on one model.
    """

    exact_rows: int = 20_000_000
    sample_rows: int = 1_000_000
    samples: int = 5
    seconds: float = 300


@dataclass(frozen=True)
class Comparison:
    """Two builds side by side. `con` reads both, and nothing else.

    shared: what one kind of evidence has found out about a model, kept for the others.
    """

    con: duckdb.DuckDBPyConnection
    models: tuple[ComparedModel, ...]
    limits: Limits = field(default_factory=Limits)
    shared: dict[ComparedModel, Any] = field(default_factory=dict, compare=False, repr=False)


class DataEvidence(Protocol):
    """A kind of evidence that compares the two builds of each model."""

    kind: str

    def collect(self, comparison: Comparison) -> list[Finding]:
        """At least one finding for every model: passed, changed, failed, or not checked and why."""
        ...
