"""What one side of a review reads of sources that are not the same on both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from plugins.core import duck
from plugins.core.lake import Pin, scan_sql
from plugins.core.lineage import Columns, Place
from plugins.core.project import Manifest

Relation = tuple[str, str]
"""Schema and identifier."""


@dataclass(frozen=True)
class SideInputs:
    """tables: Parquet files by the relation that they stand for on this side.

    types: of their columns, in DuckDB's words, for files that hold as text what Parquet has no type for.
    pins: snapshots of bronze that a Smelt project reads besides; None: production's.
    """

    tables: Mapping[Relation, Path] = field(default_factory=dict)
    types: Mapping[Relation, Mapping[str, str]] = field(default_factory=dict)
    pins: tuple[Pin, ...] | None = None

    @cached_property
    def columns(self) -> dict[Relation, Columns]:
        """Columns with types by relation, lower case; of pinned tables all are read. Raises duckdb.Error."""
        reads = {r: f"({_select(str(path), self.types.get(r))})" for r, path in self.tables.items()}
        lake = duck.LAKE_EXTENSIONS if self.pins else ()
        reads |= {(pin.namespace, pin.table): scan_sql(pin) for pin in self.pins or ()} if lake else {}
        with duck.connect(extensions=lake) as con:
            return {
                (schema.lower(), name.lower()): {
                    row[0]: row[1] for row in con.execute(f"describe select * from {sql}").fetchall()
                }
                for (schema, name), sql in reads.items()
            }

    @property
    def told(self) -> list[list[Any]]:
        """[schema, name, SQL that reads the file], for the sandbox's processes."""
        return [
            [*place, _select(str(path.resolve()), self.types.get(place))] for place, path in self.tables.items()
        ]

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where the files lie."""
        return tuple(dict.fromkeys(path.resolve().parent for path in self.tables.values()))

    def given(self, manifest: Manifest) -> frozenset[str]:
        """The sources that are read from a file, by id."""
        places = {(schema.lower(), name.lower()) for schema, name in self.tables}
        return frozenset(
            r.id
            for r in manifest.resources.values()
            if r.kind == "source" and r.relation and r.relation[1:] in places
        )


@dataclass(frozen=True)
class ChangedSources:
    """Sources that changed between base and head, with what each side reads of them.

    before, after: columns (source id, lower case) of each side whose values come from elsewhere on the other.
    rows: ids of sources of which everything may differ. later: what head will read once it is merged: incremental
    models and snapshots are continued on it, and rows accounted for; None: neither is looked at.
    left_out: by source id, how many rows of now no side reads; None: it is not known how many. unmatched: ids of
    sources of which each side reads all rows of its time.
    """

    base: SideInputs
    head: SideInputs
    before: frozenset[Place] = frozenset()
    after: frozenset[Place] = frozenset()
    rows: frozenset[str] = frozenset()
    later: SideInputs | None = None
    left_out: Mapping[str, int | None] = field(default_factory=dict)
    unmatched: frozenset[str] = frozenset()

    def of(self, side: str) -> SideInputs:
        """The inputs of `base`, `head` or `later`."""
        return {"base": self.base, "head": self.head, "later": self.later or self.head}[side]

    @property
    def ids(self) -> frozenset[str]:
        """The sources."""
        return frozenset(node for node, _ in self.before | self.after) | self.rows


def _select(path: str, types: Mapping[str, str] | None) -> str:
    columns = ", ".join(f"cast({duck.quote(n)} as {kind}) as {duck.quote(n)}" for n, kind in (types or {}).items())
    return f"select {columns or '*'} from read_parquet({duck.literal(path)})"


def lay_inputs(con: Any, tables: list[list[str]], *, as_tables: bool) -> None:
    """Put [schema, name, SQL that reads its file] where the project's SQL looks for it.

    as_tables: copied, where views of the schema are somebody else's.
    """
    for schema, name, select in tables:
        relation = f"{duck.quote(schema)}.{duck.quote(name)}"
        con.execute(f"create schema if not exists {duck.quote(schema)}")
        kind = "table" if as_tables else "view"
        con.execute(f"create or replace {kind} {relation} as {select}")


def take_in(manifest: Any, tables: list[list[str]]) -> Iterator[str]:
    """Let sources that have a file be read in the target's own database, whatever they are else; yields their ids.

    manifest: dbt's own, in process. A source may be a file, or lie in an attached database.
    """
    places = {(schema.lower(), name.lower()) for schema, name, _ in tables}
    database = next((n.database for n in manifest.nodes.values() if n.resource_type == "model"), None)
    for source in manifest.sources.values():
        if ((source.schema or "").lower(), source.identifier.lower()) not in places:
            continue
        for meta in (source.meta, source.source_meta, getattr(source.config, "meta", None)):
            for key in ("external_location", "plugin"):
                if isinstance(meta, dict):
                    meta.pop(key, None)
        if database is not None and source.database != database:
            source.relation_name = (source.relation_name or "").replace(
                f'"{source.database}".', f'"{database}".', 1
            )
            source.database = database
        yield source.unique_id
