"""Pulls of collections: all documents, or those whose cursor field has grown.

Documents pass through a file, twice: types are known only when all of them were seen. A field has one type in a
pull; values that don't fit it are in `_smelt_extra`.
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import pyarrow as pa
import pyarrow.parquet as pq
from bson.datetime_ms import DatetimeMS
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp

from ingest.extract.base import DeadLetter, Pull, PullRequest, Scope
from ingest.mongo.client import Deployment
from ingest.mongo.collections import Namespace, namespace_of, spec_of
from ingest.mongo.documents import CHANGE_TYPES, Arranger, counted
from ingest.mongo.known import source_types
from ingest.mongo.reading import documents, read_key, written_key
from ingest.mongo.rows import Row, row_of
from ingest.mongo.values import OPTIONS
from ingest.spec import CursorSpec
from plugins.core.duck import literal
from plugins.core.errors import SmeltError
from plugins.core.lake import Lake

# Documents that are in memory at once, at most.
_ROWS, _BYTES = 20_000, 24 * 2**20
_LENGTH = struct.Struct("<i")


@dataclass(frozen=True)
class CollectionPull:
    """Pulls one collection. since: the cluster time that the reading must not be before; None: any."""

    deployment: Deployment
    since: Timestamp | None = None

    def pull(self, request: PullRequest) -> Pull:
        """Begin a pull. Raises SmeltError, Transient."""
        stream, source = request.stream, request.source
        namespace = namespace_of(self.deployment, source, stream)
        cursor, spool = stream.cursor, request.workdir / "documents.bson"
        is_increment = cursor is not None and stream.sync_mode == "incremental"
        stored = request.position.get("cursor") if is_increment else None
        where = _newer(cursor, stored, f"{source.name}.{stream.name}") if is_increment else {}
        newest, letters = self._spool(request, namespace, where, spool)
        arranger = Arranger(spec_of(stream).columns, request.con)
        kinds: dict[str, Counter[str]] = {}
        for rows in _rows(spool, request):
            _add(kinds, counted(rows))
        known = source_types(Lake(request.settings), source.identifier(stream.name), request.con)
        types = arranger.types(kinds, known)
        files = [
            _stage(arranger.part(rows, types).table, request.workdir / f"part_{n:06d}.parquet")
            for n, rows in enumerate(_rows(spool, request))
        ]
        columns = arranger.part([], types).columns
        relation = f"select {', '.join([*columns, '_smelt_extra'])} from {_read(files, arranger, types, request)}"
        return Pull(
            relation=relation,
            scope=Scope.nothing() if where else Scope.everything(),
            expected={"cursor": stored} if is_increment else {},
            advance={"cursor": newest or stored} if is_increment else {},
            dead_letters=letters,
        )

    def _spool(
        self, request: PullRequest, namespace: Namespace, where: Mapping[str, Any], spool: Path
    ) -> tuple[str | None, list[DeadLetter]]:
        """Write the documents to a file; the greatest value of the cursor, and documents that can't be read."""
        field = request.stream.cursor.column if request.stream.cursor else None
        declared = spec_of(request.stream).columns
        letters: list[DeadLetter] = []
        newest: Any = None
        with self.deployment.client() as client, spool.open("wb") as file:
            session = client.start_session(causal_consistency=True) if self.since else None
            if session is not None and self.since is not None:
                session.advance_operation_time(self.since)
            for raw in documents(self.deployment, client, namespace, where, session):
                letter = f"{namespace}/{written_key(raw) or hashlib.sha256(raw).hexdigest()[:16]}"
                row = row_of(raw, "", "r", declared, letter=letter)
                request.progress(1)
                if isinstance(row, DeadLetter):
                    letters.append(row)
                    continue
                file.write(raw)
                if field is not None:
                    newest = _greater(newest, raw, field)
        return newest if newest is None else _written_value(newest), letters


def _written_value(value: Any) -> str | None:
    """A value of a cursor as a position has it."""
    return written_key(bson.encode({"_id": value}, codec_options=OPTIONS))


def _newer(cursor: CursorSpec | None, stored: str | None, name: str) -> Mapping[str, Any]:
    """A filter of the documents whose cursor is as great as the stored one, or greater, less its lag."""
    if cursor is None or (stored is None and cursor.initial is None):
        return {}
    value = _stored(stored) if stored else _initial(cursor.initial or "")
    lag = cursor.lag
    if isinstance(value, DatetimeMS) and isinstance(lag, timedelta):
        value = DatetimeMS(int(value) - lag // timedelta(milliseconds=1))
    elif isinstance(value, int | float) and not isinstance(lag, timedelta):
        value -= int(lag) if float(lag).is_integer() else lag
    elif lag not in (timedelta(0), 0):
        raise SmeltError(
            f"{name}: a lag of {lag} can't be taken from the cursor {cursor.column}, a {type(value).__name__}",
            "write a duration (PT1H) for dates, a number for numbers, and none for others",
        )
    return {cursor.column: {"$gte": value}}


def _stored(text: str) -> Any:
    """A value as a position has it, or as it stands on the command line."""
    try:
        return read_key(text)
    except (ValueError, TypeError, KeyError):
        return _initial(text)


def _initial(text: str) -> Any:
    """A value as a person writes it: a number, a date, or text."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return DatetimeMS(int(aware.timestamp() * 1000))


def _greater(newest: Any, raw: bytes, field: str) -> Any:
    """The greater of two values of a cursor; one of another type than those before says nothing."""
    try:
        value = RawBSONDocument(raw, OPTIONS.with_options(document_class=RawBSONDocument)).get(field)
        return value if value is not None and (newest is None or value > newest) else newest
    except (BSONError, TypeError):
        return newest


def _rows(spool: Path, request: PullRequest) -> Iterator[Sequence[Row]]:
    declared = spec_of(request.stream).columns
    rows: list[Row] = []
    size = 0
    with spool.open("rb") as file:
        while head := file.read(_LENGTH.size):
            raw = head + file.read(_LENGTH.unpack(head)[0] - _LENGTH.size)
            row = row_of(raw, "", "r", declared)
            assert isinstance(row, Row)
            rows.append(row)
            size += len(raw)
            if len(rows) >= _ROWS or size >= _BYTES:
                yield rows
                rows, size = [], 0
    if rows:
        yield rows


def _add(kinds: dict[str, Counter[str]], more: Mapping[str, Counter[str]]) -> None:
    for name, counts in more.items():
        kinds.setdefault(name, Counter()).update(counts)


def _stage(table: pa.Table, file: Path) -> Path:
    pq.write_table(table.drop_columns([*CHANGE_TYPES, "_smelt_op", "_smelt_source_position"]), file)
    return file


def _read(files: Sequence[Path], arranger: Arranger, types: Mapping[str, str], request: PullRequest) -> str:
    """A table expression of the staged rows, also if there are none."""
    if not files:
        files = [_stage(arranger.part([], types).table, request.workdir / "part_none.parquet")]
    return f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"
