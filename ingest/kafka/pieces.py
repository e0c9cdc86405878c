"""Messages → Parquet pieces in the table's columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute
from ulid import ULID

from ingest.extract.base import DeadLetter
from ingest.kafka.keys import key_columns
from ingest.kafka.positions import Progress
from ingest.kafka.registry import Registry
from ingest.kafka.values import Part, decoder
from ingest.kafka.values.base import MESSAGES
from ingest.kafka.values.formats import KeyReader
from ingest.load import Job
from ingest.load.files import file_stem
from ingest.load.landing import Landing, plan_landing, pulled_sql
from ingest.load.parquet import audited, write_parquet
from ingest.load.types import AUDIT_TYPES, Column, Shape, shape_of
from ingest.spec.kafka import KafkaSpec
from plugins.core.duck import literal
from plugins.core.failpoints import reach
from plugins.core.lake import bronze_columns
from plugins.core.lake.catalog import data_folder, local_path

# Its functions are made when it is imported, which no type checker sees.
pc: Any = pyarrow.compute
_STAGED = "smelt_staged"


def message_types(spec: KafkaSpec) -> dict[str, pa.DataType]:
    """What bronze says of each message, beside what it says of every row."""
    return {
        "_smelt_partition": pa.int32(),
        "_smelt_offset": pa.int64(),
        "_smelt_timestamp": pa.timestamp("us", tz="UTC"),
        "_smelt_key": pa.binary() if spec.key_format == "bytes" else pa.string(),
        "_smelt_headers": pa.string(),
    }


@dataclass
class Piece:
    """What was written of some messages. columns: the source's, as they were seen."""

    files: list[str] = field(default_factory=list)
    rows: int = 0
    deletions: int = 0
    bytes: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)


class PieceWriter:
    """Writes messages of one topic. con: a connection for it alone; used by one thread at a time."""

    def __init__(self, job: Job, topic: str, con: duckdb.DuckDBPyConnection, registry: Registry) -> None:
        self.job, self.topic, self.con = job, topic, con
        self.spec = job.stream.kafka or KafkaSpec.model_validate({})
        self._types = message_types(self.spec)
        self._values = decoder(job.stream, self.spec, registry)
        self._keys = KeyReader(job.stream, self.spec, registry)
        self._landings: dict[tuple[Column, ...], Landing] = {}
        self._known: dict[str, list[str]] | None = None

    def forget(self) -> None:
        """Look at the table's columns anew: another process may have added some."""
        self._landings.clear()
        self._known = None

    def write(self, messages: pa.Table, batch_id: str) -> Piece:
        """Write `messages` to files that nobody sees yet. Raises Transient, SmeltError, duckdb.Error."""
        piece = Piece()
        try:
            self._write(messages, batch_id, piece)
        except BaseException:
            delete_files(piece.files)
            raise
        finally:
            # Or the connection would hold the messages until the next piece.
            self.con.unregister(MESSAGES)
        piece.letters = [DeadLetter(one.reason, f"{self.topic}/{one.position}", one.raw) for one in piece.letters]
        reach("after-piece")
        return piece

    def _write(self, messages: pa.Table, batch_id: str, piece: Piece) -> None:
        messages, letters = self._keys.read(messages)
        piece.letters += letters
        is_tombstone = pc.is_null(messages["smelt_value"])
        if not pc.any(is_tombstone).as_py():
            self._write_values(messages, batch_id, piece)
            return
        self._write_values(messages.filter(pc.invert(is_tombstone)), batch_id, piece)
        self._write_part(self._tombstones(messages.filter(is_tombstone)), batch_id, piece, self._gone())

    def displaced(self, files: Sequence[str], progress: Progress) -> tuple[list[str], list[str]]:
        """The table's files that hold messages which `files` hold anew, and a file of their other rows."""
        table = self.job.lake.table(self.job.identifier)
        there = [task.file.file_path for task in table.scan().plan_files()]
        if not files or not there:
            return [], []
        local = {local_path(path) if path.startswith("file:") else path: path for path in there}
        self.con.execute(
            "create or replace temp table smelt_anew as "
            f"select _smelt_partition, _smelt_offset from {_files(files)}"
        )
        again = (
            "semi join smelt_anew as a on t._smelt_partition = a._smelt_partition "
            f"and t._smelt_offset = a._smelt_offset and t._smelt_batch_id >= {literal(progress.since)}"
        )
        found = self.con.execute(f"select distinct filename from {_files(list(local), 'filename')} as t {again}")
        leaving = [name for (name,) in found.fetchall()]
        if not leaving:
            return [], []
        file = f"{self._folder}/{file_stem(str(ULID()))}.parquet"
        kept = f"select t.* from {_files(leaving)} as t {again.replace('semi', 'anti', 1)}"
        if not write_parquet(self.con, kept, file):
            delete_files([file])
            return [local[name] for name in leaving], []
        return [local[name] for name in leaving], [file]

    def _write_values(self, messages: pa.Table, batch_id: str, piece: Piece) -> None:
        if not messages.num_rows:
            return
        op = "u" if self.job.stream.primary_key else "c"
        parts = self._values.parts(self.con, messages, self._columns())
        part = next(parts, None)
        while part is not None:
            piece.letters += part.letters
            try:
                written = self._write_part(part, batch_id, piece, op) if part.relation else 0
            except duckdb.InvalidInputException as error:
                part = _next(lambda error=error: parts.throw(error))
            else:
                part = _next(lambda written=written: parts.send(written))

    def _gone(self) -> str:
        return "d" if self.job.stream.primary_key else "c"

    def _tombstones(self, messages: pa.Table) -> Part:
        self.con.register(MESSAGES, messages)
        known = {name: kinds[0] for name, kinds in self._columns().items()}
        return Part(MESSAGES, key_columns(self.job.stream, self.spec.key_format, known))

    def _write_part(self, part: Part, batch_id: str, piece: Piece, op: str) -> int:
        rows, landing, shape = self._landed(part, op)
        if landing.held:
            rows = self._without_refused(rows, landing, piece)
        file = f"{self._folder}/{file_stem(str(ULID()))}.parquet"
        try:
            count = write_parquet(self.con, audited(rows, batch_id), file)
        except duckdb.Error:
            delete_files([file])
            raise
        if not count:
            delete_files([file])
            return 0
        piece.files.append(file)
        piece.rows += count
        piece.deletions += count if op == "d" else 0
        piece.bytes += Path(file).stat().st_size if "://" not in file else 0
        # Keys of tombstones are no description of the source.
        piece.columns = list(shape.columns) if op != "d" else piece.columns
        return count

    @cached_property
    def _folder(self) -> str:
        return data_folder(self.job.lake.table(self.job.identifier))

    def _landed(self, part: Part, op: str) -> tuple[str, Landing, Shape]:
        position = "format('{:06d}:{:019d}', _smelt_partition, _smelt_offset) as _smelt_source_position"
        columns = [*part.columns, position, f"{part.extra} as _smelt_extra"]
        shape = shape_of(self.con, f"select {', '.join(columns)} from {part.relation}")
        landing = self._landings.get(tuple(shape.columns))
        if landing is None:
            landing = plan_landing(
                self.con, self.job.lake, self.job.identifier, shape, self.job.stream.schema_policy,
                self._is_first, {**AUDIT_TYPES, **self._types},
            )  # fmt: skip
            ours = {*self._types}
            landing = Landing([column for column in landing.columns if column.name not in ours], landing.held)
            self._landings[tuple(shape.columns)] = landing
            self._known = None
        kept = [f"{literal(op)} as _smelt_op", *self._types]
        rows = f"select {', '.join([*columns, *kept])} from {part.relation}"
        return pulled_sql(rows, shape, landing, ("_smelt_op", *self._types)), landing, shape

    @property
    def _is_first(self) -> bool:
        """Whether the table has no row yet: the first schema is the one that `freeze` keeps."""
        table = self.job.lake.find(self.job.identifier)
        return table is None or not self._source_columns(bronze_columns(table))

    def _source_columns(self, found: Mapping[str, pa.DataType]) -> dict[str, pa.DataType]:
        ours = {*AUDIT_TYPES, *self._types}
        return {name: kind for name, kind in found.items() if name not in ours}

    def _columns(self) -> Mapping[str, Sequence[str]]:
        """DuckDB types of the table's columns by the source's name, the newest version first."""
        if self._known is None:
            table = self.job.lake.find(self.job.identifier)
            found = self._source_columns(bronze_columns(table)) if table else {}
            kinds = self.con.from_arrow(pa.schema(list(found.items())).empty_table()).types if found else []
            known: dict[str, list[str]] = {}
            for name, kind in zip(found, kinds, strict=True):
                base, _, version = name.rpartition("__v")
                source = base if base in found and version.isdigit() else name
                known.setdefault(source, []).insert(0, str(kind).lower())
            self._known = known
        return self._known

    def _without_refused(self, rows: str, landing: Landing, piece: Piece) -> str:
        """Rows that a frozen schema has room for; the others are letters."""
        self.con.execute(f"create or replace temp table {_STAGED} as {rows}")
        held = [(column.name, literal('$."' + column.name.replace('"', '\\"') + '"')) for column in landing.held]
        fits = " and ".join(f"json_extract(_smelt_extra, {path}) is null" for _, path in held)
        fits = f"(_smelt_extra is null or ({fits}))"
        found = self.con.execute(
            f"select _smelt_partition, _smelt_offset, to_json(t)::varchar from {_STAGED} as t "
            f"where not {fits} order by 1, 2"
        ).fetchall()
        reason = f"the schema is frozen and has no column for: {', '.join(sorted(name for name, _ in held))}"
        piece.letters += [DeadLetter(reason, f"{p}/{offset}", row.encode()) for p, offset, row in found]
        return f"select * from {_STAGED} where {fits}"


def _files(files: Sequence[str], *options: str) -> str:
    names = ", ".join(literal(file) for file in files)
    more = "".join(f", {option} = true" for option in options)
    return f"read_parquet([{names}], union_by_name = true{more})"


def _next(step: Callable[[], Part]) -> Part | None:
    try:
        return step()
    except StopIteration:
        return None


def delete_files(files: Sequence[str]) -> None:
    """Delete local files that nobody needs; those of an object store are swept later."""
    for file in files:
        if "://" not in file:
            Path(file).unlink(missing_ok=True)
