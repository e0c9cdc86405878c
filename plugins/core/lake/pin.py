"""A pin: one metadata file and snapshot of a table, so that a reader's view never changes under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plugins.core.duck import literal, quote


@dataclass(frozen=True)
class Pin:
    """A table frozen at a snapshot. `snapshot_id` is None for a table that never had rows (or had none yet).

    unsent: columns of change events whose value a source leaves out where it did not change and is large; a reader
    gets the value of the row's version before, found by `key`.
    in_place: the rows are at their source: `sql` reads them there, once `connection` (None: none) is attached as
    `alias`. `scan_sql` gives none of them.
    """

    namespace: str
    table: str
    metadata_location: str
    snapshot_id: int | None
    key: Sequence[str] = ()
    unsent: Sequence[str] = ()
    in_place: Mapping[str, str | None] | None = None


def scan_sql(pin: Pin) -> str:
    """A DuckDB table expression that reads exactly the pinned snapshot."""
    location = literal(local_path(pin.metadata_location))
    if pin.snapshot_id is None:
        # Nothing was committed yet at the pin: the table's columns, and no rows.
        return f"(select * from iceberg_scan({location}) where false)"
    scan = f"iceberg_scan({location}, snapshot_from_id = {pin.snapshot_id}::ubigint)"
    return f"({_carried(scan, pin.key, pin.unsent)})" if pin.unsent else scan


def _carried(scan: str, key: Sequence[str], unsent: Sequence[str]) -> str:
    """SELECT of the rows of `scan`, with the values that an event left out carried over from the version before."""
    same = " and ".join(f"events.{quote(name)} = before{{n}}.{quote(name)}" for name in key)
    keys = ", ".join(map(quote, key))
    place = "_smelt_batch_id || _smelt_source_position"
    values, joins = [], []
    for n, column in enumerate(unsent):
        mark = f"list_contains(from_json(events._smelt_unchanged, '[\"varchar\"]'), {literal(column)})"
        name = quote(column)
        values.append(f"case when {mark} then before{n}.{name} else events.{name} end as {name}")
        sent = (
            f"not coalesce(list_contains(from_json(_smelt_unchanged, '[\"varchar\"]'), {literal(column)}), false)"
        )
        joins.append(
            f"asof left join (select {keys}, {place} as place, {name} from {scan} "
            f"where _smelt_op <> 'd' and {sent}) as before{n} on {same.format(n=n)} and events.place > before{n}.place"
        )
    return (
        f"select * from {scan} where _smelt_unchanged is null union all by name "
        f"select events.* exclude (place) replace ({', '.join(values)}) "
        f"from (select *, {place} as place from {scan} where _smelt_unchanged is not null) as events {' '.join(joins)}"
    )


def local_path(location: str) -> str:
    """A `file://` location as a plain path; other locations unchanged. DuckDB and Arrow both take the result."""
    return location.removeprefix("file://")
