"""What comes out of looking: tables before and now, in one connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from plugins.core.project import Manifest
from plugins.schema_drift.observing.inputs import PairInputs
from plugins.schema_drift.table import SeenTable


@dataclass(frozen=True)
class FirstSeen:
    """When a table's columns of now came, as far as that is known: `load` is what brought them."""

    at: datetime | None
    load: str | None = None
    version: int | None = None

    @property
    def text(self) -> str:
        """For people."""
        when = f"{self.at:%Y-%m-%d %H:%M} UTC" if self.at is not None else "unknown"
        return f"{when}, load {self.load}" if self.load else when


@dataclass(frozen=True)
class Pair:
    """Both times. `con` and what it shows last as long as the `open_pair` that gave it.

    before, after: in the order of their names; tables that nobody touched may be left out of both. looked_at: how
    many tables were compared to tell so. labels: what each side is, for people. times: of each side, in UTC.
    notes: what could not be read or compared, and why. first_seen: when the first change of all came, for people;
    first_seen_of: of each table, by its id now. manifest: in which the sources were looked up; None: in none.
    """

    con: duckdb.DuckDBPyConnection
    before: tuple[SeenTable, ...]
    after: tuple[SeenTable, ...]
    labels: tuple[str, str]
    times: tuple[datetime | None, datetime | None] = (None, None)
    notes: tuple[str, ...] = ()
    looked_at: int = 0
    first_seen: str | None = None
    first_seen_of: Mapping[str, FirstSeen] = field(default_factory=dict)
    inputs: PairInputs = field(default_factory=PairInputs)
    manifest: Manifest | None = None
