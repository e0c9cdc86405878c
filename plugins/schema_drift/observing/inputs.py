"""What a project's models are built from, to prove a patch: the same rows before and now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from plugins.core import duck
from plugins.core.errors import SmeltError
from plugins.core.lake import Pin

if TYPE_CHECKING:
    from plugins.schema_drift.observing.pair import Pair

# What Parquet has no type for passes as text and gets its type again.
_AS_TEXT = ("hugeint", "uhugeint", "enum", "union", "bit", "time with time zone", "interval", "bignum", "varint")


@dataclass(frozen=True)
class Input:
    """Where the rows of a relation can be read, before or now.

    relation: schema and table. sql: after `from`, in the pair's connection: all columns of the relation.
    columns: name → type in DuckDB, empty: as they come.
    """

    relation: tuple[str, str]
    sql: str
    is_partial: bool = False


@dataclass(frozen=True)
class PairInputs:
    """before_pins, after_pins: bronze snapshots of a Smelt project's sides. before, after: of other projects, by
    the id of the table; a table that has no rows on a side isn't in it."""

    before_pins: tuple[Pin, ...] = ()
    after_pins: tuple[Pin, ...] = ()
    before: Mapping[str, Input] = field(default_factory=dict)
    after: Mapping[str, Input] = field(default_factory=dict)


@dataclass(frozen=True)
class WrittenInput:
    """The rows of one relation in a Parquet file.

    side: `before` or `after`. relation: schema and table. types: of all its columns, in order, in DuckDB's words.
    rows: how many were written. is_partial: whether the relation has more.
    """

    table: str
    side: str
    relation: tuple[str, str]
    path: Path
    types: Mapping[str, str]
    rows: int
    is_partial: bool

    @property
    def select(self) -> str:
        """DuckDB's SQL for the rows with their own types, some of which Parquet does not have."""
        columns = ", ".join(
            f"cast({duck.quote(name)} as {kind}) as {duck.quote(name)}" for name, kind in self.types.items()
        )
        return f"select {columns} from read_parquet({duck.literal(str(self.path))})"


def write_inputs(pair: Pair, folder: Path, tables: Collection[str]) -> tuple[WrittenInput, ...]:
    """Write the rows of these tables (ids, of before or now) to Parquet files in `folder`, of each side one.

    Rows that exist at both times, by their key, are in both; of a table without a key all that was sampled.
    Raises SmeltError if rows that could be read before can't be read any more.
    """
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    keys = {one.table.id: one.table.key for one in pair.before}
    now = {one.table.id: one.table.key for one in pair.after}
    for number, table in enumerate(sorted(tables)):
        old, new = pair.inputs.before.get(table), pair.inputs.after.get(table)
        if old is not None:
            written.append(_write(pair.con, table, "before", old, "", folder / f"before_{number}.parquet"))
        if new is not None:
            also = _same_keys(old, keys.get(table, ()), now.get(table, ()))
            written.append(_write(pair.con, table, "after", new, also, folder / f"after_{number}.parquet"))
    return tuple(written)


def _same_keys(old: Input | None, before: Sequence[str], now: Sequence[str]) -> str:
    """A filter of the rows of now that existed before; none where keys can't be compared."""
    if old is None or not before or len(before) != len(now):
        return ""
    return f" where {_key_text(now)} in (select {_key_text(before)} from {old.sql})"


def _key_text(names: Sequence[str]) -> str:
    return "concat_ws('|', " + ", ".join(f"cast({duck.quote(name)} as varchar)" for name in names) + ")"


def _write(
    con: duckdb.DuckDBPyConnection, table: str, side: str, given: Input, where: str, path: Path
) -> WrittenInput:
    try:
        described = con.execute(f"describe from {given.sql}").fetchall()
        types = {row[0]: row[1] for row in described}
        selected = ", ".join(
            f"cast({duck.quote(name)} as varchar) as {duck.quote(name)}" if _is_text(kind) else duck.quote(name)
            for name, kind in types.items()
        )
        rows = con.execute(
            f"copy (select {selected} from {given.sql}{where}) to {duck.literal(str(path))} (format parquet)"
        ).fetchall()[0][0]
    except duckdb.Error as error:
        raise SmeltError(
            f"the rows of {'.'.join(given.relation)} cannot be read: {str(error).splitlines()[0]}",
            "look at the sources again with `smelt drift check`",
        ) from error
    path.chmod(0o600)
    return WrittenInput(table, side, given.relation, path, types, rows, given.is_partial)


def _is_text(kind: str) -> bool:
    return kind.lower().startswith(_AS_TEXT)
