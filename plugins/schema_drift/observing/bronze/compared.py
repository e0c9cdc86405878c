"""One stream at a time: what its source was when it was pinned, and what it has been since it changed."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from plugins.core import duck
from plugins.core.lake import Lake, Pin
from plugins.schema_drift.observing.bronze.records import Records, Version
from plugins.schema_drift.observing.bronze.streams import StreamSpec
from plugins.schema_drift.observing.bronze.tables import BronzeTable, bronze_table
from plugins.schema_drift.observing.duckdb_file import own_table
from plugins.schema_drift.observing.found import HASH, first_line
from plugins.schema_drift.observing.keys import infer_key
from plugins.schema_drift.observing.pair import FirstSeen
from plugins.schema_drift.observing.watched import Watched
from plugins.schema_drift.table import History, SeenTable, Table


@dataclass(frozen=True)
class Moved:
    """A stream that is not what it was. then, now: its pins; None: it wasn't, isn't there. batch: the last one of
    `then`, where the ledger knows it."""

    watched: Watched
    spec: StreamSpec
    then: Pin | None
    now: Pin | None
    old: Version | None
    new: Version | None
    batch: str | None = None


@dataclass
class Comparing:
    """Both times of streams, while they are gathered. sample_rows: how many keys of a large table are read."""

    con: duckdb.DuckDBPyConnection
    lake: Lake
    records: Records
    sample_rows: int
    before: list[SeenTable] = field(default_factory=list)
    after: list[SeenTable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    first_seen: dict[str, FirstSeen] = field(default_factory=dict)

    @property
    def first_told(self) -> str | None:
        """When the first of the changes came, for people."""
        known = [one for one in self.first_seen.values() if one.at is not None]
        return min(known, key=lambda one: one.at.timestamp() if one.at else 0).text if known else None

    def add(self, moved: Moved) -> None:
        """Add a stream as it was and is; what can't be read is noted, and its columns are still compared."""
        name = moved.watched.name
        try:
            self._add(moved)
        except duckdb.Error as error:
            self.notes.append(f"{name}: bronze could not be read: {first_line(error)}")
            if moved.old is not None and moved.then is not None:
                self.before.append(SeenTable(_table(moved.watched, moved.old.columns, moved.spec.key)))
            if moved.new is not None and moved.now is not None:
                self.after.append(SeenTable(_table(moved.watched, moved.new.columns, moved.spec.key)))

    def _add(self, moved: Moved) -> None:
        after = self._now(moved)
        before = self._then(moved)
        fresh, fresh_hashes = (None, None) if after is None else self._fresh(moved, after)
        if before is not None:
            self.before.append(self._was(moved, before, fresh_hashes))
        if after is not None:
            history = _history(before, after)
            table = _table(moved.watched, after.columns, self._key(after, fresh), history)
            self.after.append(SeenTable(table, fresh, fresh is not None))

    def _then(self, moved: Moved) -> BronzeTable | None:
        if moved.then is None:
            return None
        columns = moved.old.columns if moved.old is not None else None
        return bronze_table(self.con, self.lake, moved.then, columns, moved.spec.key)

    def _now(self, moved: Moved) -> BronzeTable | None:
        """The rows that came with the newest schema, or if that is the old one, since the pin."""
        if moved.now is None:
            return None
        where = self._since(moved)
        columns = moved.new.columns if moved.new is not None else None
        return bronze_table(self.con, self.lake, moved.now, columns, moved.spec.key, where)

    def _since(self, moved: Moved) -> str:
        stream = (moved.spec.source, moved.spec.name)
        new = moved.new
        changed = new is not None and new != moved.old
        if changed and new is not None and moved.then is not None and new.has_rows and new.batch_id is not None:
            self._seen(moved, FirstSeen(new.at, new.batch_id, new.number))
            return f"_smelt_batch_id >= {duck.literal(new.batch_id)}"
        boundary = self._boundary(moved)
        if changed and new is not None:
            self._seen(moved, FirstSeen(new.at, new.batch_id, new.number))
            boundary = max(self.records.last_batch(stream, new.at) or "", boundary or "") or None
        elif (load := self.records.first_load(stream, boundary)) is not None:
            self._seen(moved, FirstSeen(load[1], load[0]))
            return f"_smelt_batch_id >= {duck.literal(load[0])}"
        return f"_smelt_batch_id > {duck.literal(boundary)}" if boundary is not None else "true"

    def _seen(self, moved: Moved, seen: FirstSeen) -> None:
        self.first_seen[moved.watched.id] = seen

    def _boundary(self, moved: Moved) -> str | None:
        """The last batch at the pin: of the ledger, else of the rows."""
        if moved.batch is not None or moved.then is None:
            return moved.batch
        scan = bronze_table(self.con, self.lake, moved.then, None, ()).scan
        return self.con.execute(f"select max(_smelt_batch_id) from {scan}").fetchall()[0][0]

    def _fresh(self, moved: Moved, after: BronzeTable) -> tuple[str | None, str | None]:
        """A table of the rows as the source is now, and SQL of their keys' hashes; None: there are none."""
        name = moved.watched.name
        if after.has_twins:
            self.notes.append(f"{name}: names of its columns differ only in case; its rows are not read")
            return None, None
        rows = self.con.execute(f"select count(*) from {after.scan} where {after.where}").fetchall()[0][0]
        if not rows:
            self.notes.append(f"{name}: its columns changed, and no row has come since")
            return None, None
        table = own_table(self.con)
        share = "" if rows <= 2 * self.sample_rows else f" order by {HASH} limit {2 * self.sample_rows}"
        self.con.execute(f"create temp table {table} as from ({after.state}){share}")
        return f"(select * exclude {HASH} from {table})", f"select {HASH} from {table}"

    def _was(self, moved: Moved, before: BronzeTable, hashes: str | None) -> SeenTable:
        """As it was at the pin: all of it if it is small, else keys that came again, and a sample of others."""
        if before.has_twins:
            return SeenTable(_table(moved.watched, before.columns, before.key))
        total = self.con.execute(f"select count(*) from {before.scan}").fetchall()[0][0]
        table, where = own_table(self.con), ""
        if total > 2 * self.sample_rows:
            up_to = f"{int(self.sample_rows / total * 16**8):08x}"
            where = f" where {HASH} <= {duck.literal(up_to)}" + (f" or {HASH} in ({hashes})" if hashes else "")
        self.con.execute(f"create temp table {table} as from ({before.state}){where}")
        rows = f"(select * exclude {HASH} from {table})"
        counted = None if where else self.con.execute(f"select count(*) from {table}").fetchall()[0][0]
        history = History(names=_differing(before)) if _differing(before) else None
        seen = _table(moved.watched, before.columns, self._key(before, rows), history, counted)
        return SeenTable(seen, rows, bool(where))

    def _key(self, table: BronzeTable, rows: str | None) -> tuple[str, ...]:
        if table.key or rows is None:
            return table.key
        return infer_key(self.con, rows, table.columns, "")


def _table(
    watched: Watched,
    columns: tuple,
    key: tuple[str, ...],
    history: History | None = None,
    rows: int | None = None,
) -> Table:
    known = {column.name for column in columns}
    return Table(
        watched.id,
        watched.name,
        watched.place,
        columns,
        key if known.issuperset(key) else (),
        rows,
        history,
    )


def _differing(table: BronzeTable) -> dict[str, str]:
    return {source: name for source, name in table.names.items() if source != name}


def _history(before: BronzeTable | None, after: BronzeTable) -> History:
    """What the relation looks like, which has columns and rows of both times."""
    if before is None:
        return History(names=_differing(after))
    now = {after.names[column.name].lower() for column in after.columns}
    kept = {
        column.name
        for column in before.columns
        if (name := before.names[column.name].lower()) in after.there and name not in now
    }
    gone = {source: name for source, name in _differing(before).items() if source in kept}
    return History(frozenset(kept), after.where, {**gone, **_differing(after)})
