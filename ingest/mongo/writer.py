"""Rows of one collection → Parquet pieces → one bronze commit with the place in the change stream.

Pieces are written as rows come, so that memory stays bounded; nobody sees them before `commit` adds them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa
from ulid import ULID

from ingest.cdc.chunks import HIDDEN
from ingest.cdc.live import tombstones_sql
from ingest.extract.base import DeadLetter
from ingest.load import Job
from ingest.load.dead_letters import bury
from ingest.load.files import file_stem, next_batch_id, remove_orphans
from ingest.load.landing import Landing, plan_landing, pulled_sql
from ingest.load.outcomes import Counts
from ingest.load.parquet import audited, write_parquet
from ingest.load.types import AUDIT_TYPES, Column, Shape, shape_of
from ingest.mongo.collections import spec_of
from ingest.mongo.documents import CHANGE_TYPES, Arranger, Part
from ingest.mongo.events import Event
from ingest.mongo.known import source_types
from ingest.mongo.rows import Row
from plugins.core.duck import literal
from plugins.core.failpoints import reach
from plugins.core.lake import Batch, TableState, commit_batch, ensure_columns, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.lake.data_files import file_size, remove_file

# What is held in memory at most, as rows and as bytes of their documents.
PIECE_ROWS, PIECE_BYTES = 25_000, 16 * 2**20
_ROWS = "smelt_rows"
# Entries of a position. token: the table is complete up to there; unread: keys that its first reading has yet to
# come to; until: the cluster time of its end, before which nobody sees the table; anew: why it must be read again.
TOKEN, UNREAD, UNTIL, ANEW = "token", "unread", "until", "anew"


class CollectionWriter:
    """Writes one stream. con: a connection for it alone. held: rows that were taken and are not committed."""

    def __init__(self, job: Job, con: duckdb.DuckDBPyConnection) -> None:
        self.job, self.con = job, con
        self.declared = spec_of(job.stream).columns
        ensure_columns(job.lake, job.identifier, pa.schema(list({**AUDIT_TYPES, **CHANGE_TYPES}.items())))
        remove_orphans(job.lake, job.identifier)
        self.state: TableState = read_state(job.lake.table(job.identifier))
        self.counts = Counts()
        self.held = 0
        self._arranger = Arranger(self.declared, con)
        self._pending: list[Row] = []
        self._bytes = 0
        self._letters: list[DeadLetter] = []
        self._files: list[str] = []
        self._fresh = Counts()
        self._entries: dict[str, Any] = {}
        self._landings: dict[tuple[Column, ...], Landing] = {}
        self._known: dict[str, list[str]] | None = None
        self._batch_id = next_batch_id(self.state.batch_id)

    @property
    def position(self) -> Mapping[str, Any]:
        """What the table says of its own progress."""
        return self.state.position

    @property
    def is_hidden(self) -> bool:
        """Whether nobody sees the table yet: its rows are of different times."""
        return bool(self.position.get(UNREAD) or self.position.get(UNTIL))

    @property
    def columns(self) -> list[Column]:
        """The fields that were ever seen, in the types in which they land now; none if nothing landed here yet.

        A document lacks what it likes: that says nothing of the others.
        """
        return [Column(name, kinds[0]) for name, kinds in self._types().items()] if self._landings else []

    def add(self, found: Row | DeadLetter) -> None:
        """Take what comes next."""
        self.held += 1
        if isinstance(found, DeadLetter):
            self._letters.append(found)
            return
        self._pending.append(found)
        self._bytes += found.size
        if len(self._pending) >= PIECE_ROWS or self._bytes >= PIECE_BYTES:
            self.flush()

    def take(self, event: Event) -> bool:
        """Take an event, unless the table has it already; returns whether it did."""
        if event.token <= self.position.get(TOKEN, ""):
            return False
        if event.kind in ("drop", "rename"):
            self._empty(event)
        else:
            self.add(event.row(self.declared))
        return True

    def renew(self, event: Event) -> bool:
        """Another collection was renamed to this one, so it must be read again, unless that is known already."""
        if event.token <= self.position.get(TOKEN, ""):
            return False
        self._entries[ANEW] = "another collection was renamed to it"
        return True

    def flush(self) -> None:
        """Write what is pending."""
        rows, self._pending, self._bytes = self._pending, [], 0
        for part in self._arranger.parts(rows, self._types()) if rows else ():
            self._write(part)

    def commit(self, token: str, entries: Mapping[str, Any], *, is_seen: bool) -> bool:
        """Make what was taken visible, complete up to `token`; returns whether there was anything to commit.

        entries: further entries of the position; is_seen: whether readers may see the table from now on. Raises
        StaleBatch if another process has committed meanwhile.
        """
        self.flush()
        self._bury()
        changed = {**self._entries, **entries}
        if is_seen and not self._files and UNTIL in entries:
            # What readers see is a snapshot, which needs a file.
            self._files.append(self._written("", keep_empty=True)[0])
        if not self._files and not changed:
            self.held = 0
            return False
        epoch = token if is_seen else HIDDEN
        batch = Batch(
            self._batch_id, self._files, self.state.batch_id, {TOKEN: self.position.get(TOKEN)},
            {TOKEN: token, **changed}, epoch=epoch,
        )  # fmt: skip
        self.state = commit_batch(self.job.lake, self.job.identifier, batch).state
        self._batch_id = next_batch_id(self.state.batch_id)
        self.counts += self._fresh
        self._files, self._fresh, self._entries, self.held = [], Counts(), {}, 0
        return True

    def _types(self) -> dict[str, list[str]]:
        if self._known is None:
            self._known = source_types(self.job.lake, self.job.identifier, self.con)
        return self._known

    def _write(self, part: Part) -> None:
        self.con.register(_ROWS, part.table)
        try:
            rows, landing = self._landed(part)
            if landing.held:
                rows = self._without_refused(rows, landing)
            file, count = self._written(rows)
            if count:
                self._files.append(file)
                deletions = sum(op == "d" for op in part.table["_smelt_op"].to_pylist())
                size = file_size(self.job.lake.table(self.job.identifier), file)
                self._fresh += Counts(count, deletions, size)
        finally:
            # Or the connection would hold the rows until the next piece.
            self.con.unregister(_ROWS)
        reach("after-piece")

    def _written(self, rows: str, *, keep_empty: bool = False) -> tuple[str, int]:
        """A file of `rows` ("": of none, in the table's columns), and how many there are."""
        table = self.job.lake.table(self.job.identifier)
        file = f"{data_folder(table)}/{file_stem(str(ULID()))}.parquet"
        if not rows:
            kinds = {**AUDIT_TYPES, **CHANGE_TYPES}
            self.con.register("smelt_none", pa.schema(list(kinds.items())).empty_table())
            rows = "select * exclude (_smelt_batch_id, _smelt_loaded_at) from smelt_none"
        count = write_parquet(self.con, audited(rows, self._batch_id), file)
        if not count and not keep_empty:
            remove_file(table, file)
        return file, count

    def _landed(self, part: Part) -> tuple[str, Landing]:
        """SELECT of a part's rows in bronze columns."""
        columns = [*part.columns, "_smelt_source_position", "_smelt_extra"]
        shape = shape_of(self.con, f"select {', '.join(columns)} from {_ROWS}")
        landing = self._landings.get(tuple(shape.columns)) or self._planned(shape)
        kept = ("_smelt_op", *CHANGE_TYPES)
        return pulled_sql(f"select {', '.join([*columns, *kept])} from {_ROWS}", shape, landing, kept), landing

    def _planned(self, shape: Shape) -> Landing:
        is_first = not self._types()
        landing = plan_landing(
            self.con, self.job.lake, self.job.identifier, shape, self.job.stream.schema_policy, is_first,
            {**AUDIT_TYPES, **CHANGE_TYPES},
        )  # fmt: skip
        self._landings[tuple(shape.columns)] = landing
        self._known = None
        return landing

    def _empty(self, event: Event) -> None:
        """A tombstone for each document that the table holds: the collection was dropped, or has another name."""
        self.flush()
        known = self._types()
        if "_id" not in known:
            return
        kind = "varchar" if self.declared.get("_id") != "bigint" else "bigint"
        change = event.change
        template = (
            f"select null::{kind} as _id, {literal(event.token)} as _smelt_source_position, "
            f"null::varchar as _smelt_extra, 'd' as _smelt_op, {literal(change.cluster_time or '')} as "
            f"_smelt_cluster_time, make_timestamptz({change.committed or 0}) as _smelt_committed_at, "
            "null::varchar as _smelt_session, null::bigint as _smelt_txn_number, null::varchar as _smelt_update"
        )
        shape = shape_of(self.con, "select _id, _smelt_source_position, _smelt_extra from "
                                   f"({template})")  # fmt: skip
        landing = self._landings.get(tuple(shape.columns)) or self._planned(shape)
        rows = pulled_sql(template, shape, landing, ("_smelt_op", *CHANGE_TYPES))
        gone = tombstones_sql(self.con, self.state, self._files, landing, ["_id"], rows)
        file, count = self._written(gone)
        if count:
            self._files.append(file)
            size = file_size(self.job.lake.table(self.job.identifier), file)
            self._fresh += Counts(count, count, size)
            self.held += count
        reach("after-piece")

    def _without_refused(self, rows: str, landing: Landing) -> str:
        """Rows that a frozen schema has room for; the others are letters."""
        self.con.execute(f"create or replace temp table smelt_staged as {rows}")
        paths = [literal('$."' + column.name.replace('"', '\\"') + '"') for column in landing.held]
        fits = " and ".join(f"json_extract(_smelt_extra, {path}) is null" for path in paths)
        fits = f"(_smelt_extra is null or ({fits}))"
        found = self.con.execute(
            "select _smelt_source_position, to_json(t)::varchar from smelt_staged as t "
            f"where not {fits} order by 1"
        ).fetchall()
        names = ", ".join(sorted(column.name for column in landing.held))
        reason = f"the schema is frozen and has no column for: {names}"
        self._letters += [DeadLetter(reason, place, row.encode()) for place, row in found]
        return f"select * from smelt_staged where {fits}"

    def _bury(self) -> None:
        letters, self._letters = self._letters, []
        if letters:
            identifier = f"bronze.{self.job.source.name}__dead_letters"
            buried = bury(self.job.lake, identifier, self.job.stream.name, letters)
            self.counts += Counts(letters=buried)
            reach("after-letters")
