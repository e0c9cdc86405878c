"""Parts of files → a relation, by their format; what cannot be read becomes a dead letter and stops no other.

A reader takes the pull's request, the stream's spec and parts of its format. Readers that go through records give
those before the damage too: the file counts as read, as a repaired one is another version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import duckdb

from ingest.extract.base import DeadLetter, PullRequest
from ingest.extract.staging import RecordStage
from ingest.extract.unpacking import Part, whole_file
from ingest.spec import FilesSpec
from plugins.core.duck import literal

NOTHING = "select null::varchar as _smelt_source_position where false"
_ENDINGS = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "ndjson": "ndjson", "jsonl": "ndjson", "json": "json",
    "parquet": "parquet", "pq": "parquet", "avro": "avro", "xml": "xml", "xlsx": "excel", "xls": "excel",
    "xlsb": "excel", "xlsm": "excel", "ods": "excel",
}  # fmt: skip
_READERS = {
    "csv": "ingest.extract.csv_files:read_csv_files",
    "ndjson": "ingest.extract.json_files:read_ndjson_files",
    "json": "ingest.extract.json_files:read_json_files",
    "parquet": "ingest.extract.parquet_files:read_parquet_files",
    "avro": "ingest.extract.avro_files:read_avro_files",
    "xml": "ingest.extract.xml_files:read_xml_files",
    "excel": "ingest.extract.excel_files:read_excel_files",
}
DATA_ENDINGS = tuple(f".{ending}" for ending in _ENDINGS if ending != "txt")


@dataclass(frozen=True)
class FilesRead:
    """relation: rows with `_smelt_source_position`; unread: paths of files that don't count as read."""

    relation: str
    unread: set[str] = field(default_factory=set)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


Reader = Callable[[PullRequest, FilesSpec, Sequence[Part]], FilesRead]
# Records of a part with their number, from 1; DeadLetter for one that can't be read.
Records = Callable[[Part], Iterator[tuple[int, Mapping[str, Any]] | DeadLetter]]


def format_of(spec: FilesSpec, part: Part) -> str:
    """The format that the stream declares, or the one that the part's name ends in."""
    return spec.format or _ENDINGS.get(part.name.lower().rpartition(".")[2], "csv")


def read(request: PullRequest, spec: FilesSpec, parts: Sequence[Part]) -> FilesRead:
    """All parts, each by the reader of its format."""
    formats: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        formats[format_of(spec, part)].append(part)
    done = [_reader(kind)(request, spec, found) for kind, found in (formats or {spec.format or "csv": []}).items()]
    relations = [one.relation for one in done if one.relation != NOTHING]
    return FilesRead(
        " union all by name ".join(relations) or NOTHING,
        set().union(*(one.unread for one in done)),
        [letter for one in done for letter in one.dead_letters],
        [note for one in done for note in one.notes],
    )


def _reader(kind: str) -> Reader:
    module, _, name = _READERS[kind].partition(":")
    return getattr(import_module(module), name)


def stage_records(request: PullRequest, kind: str, parts: Sequence[Part], records: Records) -> FilesRead:
    """Stage what `records` yields of each part; ValueError from it means that the rest of the part is damaged."""
    folder = request.workdir / kind
    folder.mkdir()
    stage, letters, unread = RecordStage(folder, request.progress), [], set()
    for part in parts:
        number = 0
        try:
            for found in records(part):
                if isinstance(found, DeadLetter):
                    letters.append(found)
                    continue
                number, record = found
                stage.add({**record, "_smelt_source_position": part.place(number)})
        except ValueError as error:
            reason = f"not readable as {kind} after record {number}: {' '.join(str(error).split())[:200]}"
            if number:
                letters.append(DeadLetter(reason, part.place(number + 1), part.file.location.encode()))
            else:
                letters.append(whole_file(part.file, part.readable, reason))
                unread.add(part.file.path)
    return FilesRead(stage.relation() if stage.count else NOTHING, unread, letters)


def is_sound(con: duckdb.DuckDBPyConnection, part: Part) -> str | None:
    """What is wrong with a Parquet file, or None. All values are decoded: damage inside stops no other file."""
    try:
        con.execute(f"select max(hash(t)) from read_parquet({literal(str(part.readable))}) as t").fetchone()
    except duckdb.Error as error:
        return f"not a readable Parquet file: {' '.join(str(error).split())[:200]}"
    return None
