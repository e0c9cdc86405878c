"""A bronze table at one time as the source has it: its own columns and names, one row for each key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from plugins.core import duck
from plugins.core.lake import Lake, Pin, placed_columns, scan_sql
from plugins.schema_drift.observing.found import HASH, hash_sql, plain_type
from plugins.schema_drift.table import Column

_OWN = "_smelt_"


@dataclass(frozen=True)
class BronzeTable:
    """A pinned table, read under the source's names.

    scan: what reads the relation, after `from`. there: its columns. names: the bronze column of each of the
    source's. key: of the source's names. where: true for the rows that are looked at.
    """

    scan: str
    there: frozenset[str]
    columns: tuple[Column, ...]
    names: dict[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    where: str = "true"

    @property
    def has_twins(self) -> bool:
        """Whether names of columns differ only in case, which DuckDB takes for one."""
        return len({column.name.lower() for column in self.columns}) < len(self.columns)

    @property
    def state(self) -> str:
        """SQL of the newest row of each key that isn't a deletion, under the source's names, with the key's hash.

        The newest is that of the last batch, and of the last position in it. Without a key it is every row.
        """
        read = ", ".join(f"{self._value(column)} as {duck.quote(column.name)}" for column in self.columns)
        deleted = "_smelt_op is not distinct from 'd'" if "_smelt_op" in self.there else "false"
        rows = f"select *, {deleted} as smelt_deleted from {self.scan} where {self.where}"
        if self.key:
            keys = ", ".join(duck.quote(self.names[name]) for name in self.key)
            order = "_smelt_batch_id desc, _smelt_source_position desc"
            rows += f" qualify row_number() over (partition by {keys} order by {order}) = 1"
        plain = f"select {read or 'null as nothing'} from ({rows}) where not smelt_deleted"
        return f"select *, {hash_sql(self.key)} as {HASH} from ({plain}) as smelt_drift_row"

    def _value(self, column: Column) -> str:
        name = self.names.get(column.name, column.name)
        if name.lower() in self.there:
            return f"try_cast({duck.quote(name)} as {column.type})"
        if "_smelt_extra" in self.there:
            path = duck.literal('$."' + column.name.replace('"', '\\"') + '"')
            return f"try_cast(json_extract_string(_smelt_extra, {path}) as {column.type})"
        return f"cast(null as {column.type})"


def bronze_table(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    pin: Pin,
    columns: Sequence[Column] | None,
    key: Sequence[str],
    where: str = "true",
) -> BronzeTable:
    """The table at a pin with the columns that the source had; None: those that bronze has.

    Raises duckdb.Error if the pinned files are gone.
    """
    scan = scan_sql(pin)
    described = con.execute(f"describe from {scan}").fetchall()
    there = {name.lower(): plain_type(kind) for name, kind, *_ in described}
    if columns is None:
        columns = [Column(n, plain_type(k)) for n, k, *_ in described if not n.startswith(_OWN)]
        names = {column.name: column.name for column in columns}
    else:
        names = _placed(con, lake, pin, columns)
    known = {column.name for column in columns}
    return BronzeTable(
        scan,
        frozenset(there),
        tuple(columns),
        names,
        tuple(key) if known.issuperset(key) else (),
        where,
    )


def _placed(con: duckdb.DuckDBPyConnection, lake: Lake, pin: Pin, columns: Sequence[Column]) -> dict[str, str]:
    """Where each of the source's columns is in bronze: a type that did not fit has a column of its own."""
    nulls = ", ".join(f"cast(null as {column.type}) as c{n}" for n, column in enumerate(columns))
    kinds = con.sql(f"select {nulls} limit 0").to_arrow_table().schema.types if columns else []
    incoming = pa.schema([pa.field(c.name, kind) for c, kind in zip(columns, kinds, strict=True)])
    placed = placed_columns(lake.table(f"{pin.namespace}.{pin.table}"), incoming)
    return {one.source: one.name for one in placed}
