"""The same rows at both times: what the sandbox's sides read, so that nothing but the drift tells them apart.

Between two looks at a source more happens than a change of its schema: rows come and go, and values change. So
base does not read the rows of before as they were, but those of now in the shape of before: each row takes the
values of the columns that drifted from the row with the same key before, and all others from now. Head reads the
rows of now. Any difference between what is built of the two is then made by the drift or by the patch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from plugins.core.duck import literal, quote
from plugins.schema_drift.change import Change, Kind, Restored
from plugins.schema_drift.table import Table

# What identifies a row of bronze, in order of loading.
_IDENTITY = ("_smelt_batch_id", "_smelt_source_position")
# Of these the values of now are as good as those of before.
_UNMOVED = frozenset(
    {
        Kind.NULLABILITY_CHANGED,
        Kind.DEFAULT_CHANGED,
        Kind.COLUMNS_REORDERED,
        Kind.VALUES_ADDED,
        Kind.VALUES_REMOVED,
        Kind.COLUMN_ADDED,
        Kind.KEY_CHANGED,
    }
)
# A share of rows whose own values changed since, that may be left out without hiding a wrong understanding.
_LEFT_OUT = 0.05
# Parquet has no type for these.
_AS_TEXT = ("HUGEINT", "UHUGEINT", "ENUM", "UNION", "BIT", "TIME WITH TIME ZONE", "INTERVAL", "BIGNUM", "VARINT")


@dataclass(frozen=True)
class Rows:
    """One side of a table. select: DuckDB's SQL for its rows. table: None, it does not exist at that time."""

    table: Table
    select: str
    is_partial: bool = False


@dataclass(frozen=True)
class Written:
    """A file that stands for a relation. types: of its columns; what Parquet has none for is in it as text."""

    relation: tuple[str, str]
    path: Path
    types: Mapping[str, str]


@dataclass(frozen=True)
class SameRows:
    """What both sides read of one table.

    base, head: None where the table does not exist then. before, after: columns in lower case whose values come
    from elsewhere on the other side. matched: rows on both sides; new, gone: keys of one time only, which neither
    reads; left_out: rows whose own values of the drifted columns changed since. reason: why rows could not be
    matched by key, if so; both sides then read all that there is. has_shape: whether head reads rows in the shape
    of now.
    """

    name: str
    base: Written | None
    head: Written | None
    ids: tuple[str, ...]
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    matched: int = 0
    new: int = 0
    gone: int = 0
    left_out: int = 0
    reason: str | None = None
    has_shape: bool = True
    is_partial: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether both sides read the same rows."""
        return self.reason is None

    @property
    def not_compared(self) -> int | None:
        """Rows of now that no side reads; None: it is not known how many."""
        return None if self.is_partial else self.new + self.left_out


@dataclass(frozen=True)
class Aligner:
    """Writes files to `folder`; con: any DuckDB connection that can read what the sides' SQL names."""

    con: duckdb.DuckDBPyConnection
    folder: Path

    def align(self, old: Rows | None, new: Rows | None, changes: Sequence[Change], unread: int = 0) -> SameRows:
        """Write what both sides read. unread: rows of now whose key is new, and which `new` does not give.

        Raises duckdb.Error if a side can't be read.
        """
        either = old or new
        assert either is not None
        if old is None or new is None:
            written = self.write(either, f"select * from ({either.select})")
            sides = (written, None) if new is None else (None, written)
            ids = (either.table.id,)
            return SameRows(either.table.name, *sides, ids, reason="the table is there at one time only")
        found = _Match(self, old, new, changes).make()
        return replace(found, new=found.new + unread) if found.is_exact else found

    def write(self, rows: Rows, select: str, suffix: str = "") -> Written:
        """Write what `select` gives to a file of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        types = self.types(select)
        columns = ", ".join(
            f"{quote(n)}::varchar as {quote(n)}" if kind.upper().startswith(_AS_TEXT) else quote(n)
            for n, kind in types.items()
        )
        number = len(list(self.folder.iterdir()))
        path = self.folder / f"{number}{suffix}.parquet"
        self.con.execute(f"copy (select {columns} from ({select})) to {literal(str(path))} (format parquet)")
        path.chmod(0o600)
        return Written(rows.table.relation, path, types)

    def types(self, select: str) -> dict[str, str]:
        """Columns of a query, with DuckDB's types."""
        return {row[0]: row[1] for row in self.con.execute(f"describe {select}").fetchall()}


@dataclass
class _Match:
    aligner: Aligner
    old: Rows
    new: Rows
    changes: Sequence[Change]
    restores: dict[str, Restored] = field(init=False)
    before: dict[str, str] = field(init=False)
    after: dict[str, str] = field(init=False)
    has_restored: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.before = self.aligner.types(f"select * from ({self.old.select})")
        self.after = self.aligner.types(f"select * from ({self.new.select})")
        self.restores = {_in_relation(self.old, r.column): r for change in self.changes for r in change.restores}

    def make(self) -> SameRows:
        con = self.aligner.con
        moved, came = self._drifted()
        reason = self._load()
        shell = SameRows(
            self.old.table.name,
            None,
            None,
            (self.old.table.id, self.new.table.id),
            _lower(moved),
            _lower(came),
            is_partial=self.old.is_partial,
        )
        if reason is not None:
            base = self.aligner.write(self.old, f"select {self._names(self.before)} from old_rows", "_base")
            head = self.aligner.write(self.new, f"select {self._names(self.after)} from new_rows", "_head")
            return replace(shell, base=base, head=head, reason=reason)
        con.execute(f"create or replace temp table same_rows as {self._matched()}")
        matched, left_out = con.execute(
            "select count(*), count(*) filter (where differs) from same_rows"
        ).fetchall()[0]
        if left_out > matched * _LEFT_OUT:
            con.execute("update same_rows set differs = false")
            left_out = 0
        con.execute("delete from same_rows where differs")
        new, gone = con.execute(
            "select (select count(*) from new_rows where not smelt_kept and smelt_row not in "
            "(select smelt_row from same_rows)), (select count(*) from old_rows where not smelt_kept)"
        ).fetchall()[0]
        kept = con.execute("select count(*) from new_rows where smelt_kept").fetchall()[0][0]
        base = self.aligner.write(self.old, self._base(moved), "_base")
        head = self.aligner.write(self.new, self._head(), "_head")
        rows = matched - left_out
        return replace(
            shell,
            base=base,
            head=head,
            matched=rows + kept,
            new=max(0, new - left_out),
            gone=0 if self._grows else max(0, gone - matched),
            left_out=left_out,
            has_shape=rows > 0,
        )

    @property
    def _grows(self) -> bool:
        """Whether now holds the rows of before as they were, as bronze does."""
        return all(name in types for name in _IDENTITY for types in (self.before, self.after))

    def _drifted(self) -> tuple[list[str], list[str]]:
        """Columns of before whose values must come from before, and columns of now that base does not have so."""
        named = {_in_relation(self.old, n) for c in self.changes if c.kind not in _UNMOVED for n in c.before}
        now = {_in_relation(self.new, n) for c in self.changes for n in (*c.after, *_reads(c))}
        lower = {name.lower(): kind for name, kind in self.after.items()}
        moved = [
            name
            for name, kind in self.before.items()
            if lower.get(name.lower()) != kind
            or name in named
            or name.split(".")[0] in named
            or name in self.restores
        ]
        known = {name.lower() for name in self.before} - _lower(moved)
        came = [name for name in self.after if name.lower() not in known or name in now]
        return moved, came

    def _load(self) -> str | None:
        """Make temporary tables of both times with their keys; returns why rows can't be matched, if so."""
        con, key = self.aligner.con, [_in_relation(self.old, name) for name in self.old.table.key]
        expressions = [self._key_now(n, name) for n, name in enumerate(key)]
        old = ", ".join(f"{quote(name)} as smelt_key_{n}" for n, name in enumerate(key)) or "null as smelt_key_0"
        reason = None if key else "no key of it is known"
        if any(e is None for e in expressions):
            reason, expressions = "its key is not there any more", []
        new = ", ".join(f"{e} as smelt_key_{n}" for n, e in enumerate(expressions)) or "null as smelt_key_0"
        restored = self._restored()
        con.execute(
            f"create or replace temp table old_rows as select *, {old}, row_number() over () as smelt_row, "
            f"false as smelt_kept from ({self.old.select})"
        )
        con.execute(
            f"create or replace temp table new_rows as select *, {new}{restored}, "
            f"row_number() over () as smelt_row, false as smelt_kept from ({self.new.select})"
        )
        if reason is not None:
            return reason
        if self._grows:
            on = " and ".join(f"o.{name} = n.{name}" for name in _IDENTITY)
            con.execute(f"update new_rows as n set smelt_kept = true from old_rows as o where {on}")
            return None
        keys = ", ".join(f"smelt_key_{n}" for n in range(len(key)))
        for table in ("old_rows", "new_rows"):
            twice = con.execute(f"select 1 from {table} group by {keys} having count(*) > 1 limit 1").fetchall()
            if twice:
                return "its key is not unique"
        return None

    def _key_now(self, number: int, name: str) -> str | None:
        """SQL of a part of the key, over the columns of now, with the type that it had."""
        kind = self.before.get(name)
        if name in self.restores:
            return _tried(self.restores[name].sql, kind) if kind else None
        same = next((n for n in self.after if n.lower() == name.lower()), None)
        key = self.new.table.key
        if same is None and len(key) == len(self.old.table.key):
            same = _in_relation(self.new, key[number])
        return f"try_cast({quote(same)} as {kind})" if same in self.after and kind else None

    def _restored(self) -> str:
        """SQL of what the columns of before are made of; what DuckDB can't read is left out."""
        parts = []
        for n, (name, restored) in enumerate(self.restores.items()):
            if name not in self.before:
                continue
            sql = _tried(restored.sql, self.before[name])
            try:
                self.aligner.con.execute(f"describe select {sql} from ({self.new.select})")
            except duckdb.Error:
                continue
            parts.append(f", {sql} as smelt_restored_{n}")
        self.has_restored = {part.rpartition(" as ")[2] for part in parts}
        return "".join(parts)

    def _matched(self) -> str:
        """Rows of now with the row of before that has the same key."""
        on = " and ".join(f"n.smelt_key_{n} = o.smelt_key_{n}" for n in range(len(self.old.table.key)))
        differs = [
            _differs(f"n.smelt_restored_{n}", f"o.{quote(name)}", self.before[name])
            for n, name in enumerate(self.restores)
            if f"smelt_restored_{n}" in self.has_restored
        ]
        latest = "old_rows"
        if self._grows:
            keys = ", ".join(f"smelt_key_{n}" for n in range(len(self.old.table.key)))
            order = ", ".join(f"{name} desc" for name in _IDENTITY)
            latest = (
                f"(select * from old_rows qualify row_number() over (partition by {keys} order by {order}) = 1)"
            )
        return (
            f"select n.smelt_row, o.smelt_row as smelt_old, {' or '.join(differs) or 'false'} as differs "
            f"from new_rows as n join {latest} as o on {on} where not n.smelt_kept"
        )

    def _base(self, moved: Sequence[str]) -> str:
        lower = {name.lower(): name for name in self.after}
        parts = [
            f"o.{quote(name)}" if name in moved else f"n.{quote(lower[name.lower()])} as {quote(name)}"
            for name in self.before
        ]
        came = (
            f"select {', '.join(parts)} from same_rows as s join new_rows as n using (smelt_row) "
            "join old_rows as o on o.smelt_row = s.smelt_old"
        )
        return f"select {self._names(self.before)} from old_rows union all {came}" if self._grows else came

    def _head(self) -> str:
        kept = " or smelt_kept" if self._grows else ""
        chosen = f"smelt_row in (select smelt_row from same_rows){kept}"
        return f"select {self._names(self.after)} from new_rows where {chosen}"

    @staticmethod
    def _names(types: Mapping[str, str]) -> str:
        return ", ".join(map(quote, types))


def _reads(change: Change) -> list[str]:
    return [name for restored in change.restores for name in restored.reads]


def _tried(sql: str, kind: str) -> str:
    """An expression in a type of before: null where it can't be made, be it within the expression."""
    return f"try(cast(({sql}) as {kind}))"


def _in_relation(rows: Rows, column: str) -> str:
    """The name of a source's column in the relation; of a nested field that of its column."""
    names = rows.table.history.names if rows.table.history is not None else {}
    return names.get(column, column)


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _differs(one: str, other: str, kind: str) -> str:
    if kind.upper().startswith(("FLOAT", "DOUBLE", "REAL")):
        close = f"abs({one} - {other}) <= 1e-9 * greatest(abs({one}), abs({other}))"
        return f"({one} is distinct from {other} and not coalesce({close}, false))"
    return f"{one} is distinct from {other}"
