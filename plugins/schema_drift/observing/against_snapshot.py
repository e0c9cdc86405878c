"""Sets a snapshot beside the warehouse as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from plugins.schema_drift.observing.appended import as_appended
from plugins.schema_drift.observing.found import Found, Rows, Wanted, Warehouse, first_line
from plugins.schema_drift.observing.inputs import Input, PairInputs
from plugins.schema_drift.observing.keys import infer_key, known_key
from plugins.schema_drift.observing.looking import Look
from plugins.schema_drift.observing.snapshot_file import KeptTable
from plugins.schema_drift.observing.watched import Watched
from plugins.schema_drift.table import SeenTable, Table

SNAPSHOT = "smelt_drift_before"


@dataclass
class Sides:
    """Both times while they are gathered."""

    before: list[SeenTable] = field(default_factory=list)
    after: list[SeenTable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    inputs_before: dict[str, Input] = field(default_factory=dict)
    inputs_after: dict[str, Input] = field(default_factory=dict)
    looked_at: int = 0

    @property
    def inputs(self) -> PairInputs:
        """What models can be built from."""
        return PairInputs(before=self.inputs_before, after=self.inputs_after)


def compare_with(
    con: duckdb.DuckDBPyConnection, kept: Sequence[KeptTable], seen: Look, warehouse: Warehouse, sample_rows: int
) -> Sides:
    """Tables of a snapshot, attached to `con` as `SNAPSHOT`, and the same tables now.

    A table that the snapshot doesn't know is new if the snapshot knows others of its schema.
    """
    sides = Sides()
    known = {one.table.id: one for one in kept if one.is_watched}
    fold = _folded if warehouse.folds_case else _exact
    places = {fold(one.table.relation): one for one in kept}
    schemas = {one.table.relation[0].lower() for one in kept}
    counted = _count(warehouse, seen, [one for one in seen.others if fold(one.place) not in places])
    for watched, found in seen.tables:
        sides.looked_at += 1
        old = known.get(watched.id) or places.get(fold(watched.place))
        if old is None and watched.schema.lower() not in schemas:
            sides.notes.append(f"{watched.name}: the snapshot does not have it; the next one will")
            continue
        if old is not None:
            _add_before(sides, _under(old, watched))
        if found is not None:
            _Now(con, warehouse, sample_rows, sides).add(watched, counted[found.place], old)
    for found in seen.others:
        if fold(found.place) in places:
            continue
        name = f"{found.schema}.{found.identifier}"
        _Now(con, warehouse, sample_rows, sides).add(
            Watched(name, name, "", *found.place), counted[found.place], None
        )
    return sides


def _count(warehouse: Warehouse, seen: Look, new: Sequence[Found]) -> dict[tuple[str, str], Found]:
    relations = {found.place: found for found in [*(f for _, f in seen.tables if f is not None), *new]}
    return {one.place: one for one in warehouse.count(list(relations.values()))}


def _folded(place: tuple[str, str]) -> tuple[str, str]:
    return place[0].lower(), place[1].lower()


def _exact(place: tuple[str, str]) -> tuple[str, str]:
    return place


def _under(old: KeptTable, watched: Watched) -> KeptTable:
    """The kept table by the id that the project has for it now."""
    return replace(old, table=replace(old.table, id=watched.id, name=watched.name), is_watched=True)


def _add_before(sides: Sides, old: KeptTable) -> None:
    seen = old.seen(SNAPSHOT)
    sides.before.append(seen)
    if old.error is not None:
        sides.notes.append(f"{old.table.name} could not be read when the snapshot was taken: {old.error}")
    if seen.rows is not None:
        sides.inputs_before[old.table.id] = Input(old.table.relation, seen.rows, seen.is_sample)


def read_now(
    con: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    sample_rows: int,
    sides: Sides,
    watched: Watched,
    found: Found,
) -> None:
    """Add a counted table as it is now, of which nothing is kept from before."""
    _Now(con, warehouse, sample_rows, sides).add(watched, found, None)


@dataclass(frozen=True)
class _Now:
    con: duckdb.DuckDBPyConnection
    warehouse: Warehouse
    sample_rows: int
    sides: Sides

    def add(self, watched: Watched, found: Found, old: KeptTable | None) -> None:
        """Add a table as it is now, with the rows that the snapshot has of it and new ones."""
        key = known_key(found, watched.key) or _same_names(found, old)
        table = Table(watched.id, watched.name, found.place, found.columns, key, found.rows)
        if found.error is not None:
            self.sides.notes.append(f"{watched.name} cannot be read: {found.error}")
        elif found.has_twins:
            self.sides.notes.append(
                f"{watched.name}: names of its columns differ only in case; its rows are not read"
            )
        else:
            try:
                key, rows = self._rows(found, key, old)
            # Drivers raise whatever they do; the other tables can still be compared.
            except Exception as error:  # noqa: BLE001
                self.sides.notes.append(f"{watched.name} cannot be read: {first_line(error)}")
            else:
                table = replace(table, key=key)
                self.sides.inputs_after[table.id] = Input(table.relation, rows.sql, rows.is_sample)
                seen = SeenTable(table, rows.sql, rows.is_sample)
                self.sides.after.append(self._appended(seen, old))
                return
        self.sides.after.append(SeenTable(table))

    def _appended(self, seen: SeenTable, old: KeptTable | None) -> SeenTable:
        try:
            return as_appended(self.con, seen, old, SNAPSHOT)
        except duckdb.Error as error:
            name = seen.table.name
            self.sides.notes.append(f"{name}: fresh rows could not be told from old ones: {first_line(error)}")
            return seen

    def _rows(self, found: Found, key: tuple[str, ...], old: KeptTable | None) -> tuple[tuple[str, ...], Rows]:
        if not key and (old is None or old.table.key):
            # What identified a row has another name now, or nobody looked before.
            whole = self.warehouse.rows(found, Wanted((), self.sample_rows))
            key = infer_key(self.con, whole.sql, found.columns, found.identifier)
            if not whole.is_sample or not key:
                return key, whole
        return key, self.warehouse.rows(found, self._wanted(found, key, old))

    def _wanted(self, found: Found, key: tuple[str, ...], old: KeptTable | None) -> Wanted:
        if old is None or not old.sampled or not key or len(key) != len(old.table.key):
            return Wanted(key, self.sample_rows)
        if old.up_to is not None:
            return Wanted(key, self.sample_rows, old.up_to)
        # It was small, and is read whole unless it has grown beyond measure: then, besides the rows that were
        # there before, as many new ones as a sample has.
        share = self.sample_rows / max(found.rows or 0, self.sample_rows)
        up_to = f"{min(int(share * 16**8), 16**8 - 1):08x}"
        return Wanted(key, 2 * self.sample_rows, up_to, old.hashes(SNAPSHOT))


def _same_names(found: Found, old: KeptTable | None) -> tuple[str, ...]:
    """The key of before, if it still has the same names."""
    if old is None or not old.table.key:
        return ()
    spelled = {column.name.lower(): column.name for column in found.columns}
    names = tuple(spelled.get(name.lower(), "") for name in old.table.key)
    return names if all(names) else ()


def in_order(tables: Iterable[SeenTable]) -> tuple[SeenTable, ...]:
    """By name."""
    return tuple(sorted(tables, key=_name))


def _name(seen: SeenTable) -> tuple[str, str]:
    return seen.table.name, seen.table.id
