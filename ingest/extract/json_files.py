"""JSON: an object a line, or a file that is one array or object; columns take the types of their values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import ijson
import orjson

from ingest.extract.base import DeadLetter, PullRequest
from ingest.extract.readers import FilesRead, stage_records
from ingest.extract.unpacking import Part
from ingest.spec import FilesSpec

_BOM = b"\xef\xbb\xbf"


def read_ndjson_files(request: PullRequest, _spec: FilesSpec, parts: Sequence[Part]) -> FilesRead:
    """One JSON object a line; lines that are not go to dead letters."""
    return stage_records(request, "ndjson", parts, _lines)


def read_json_files(request: PullRequest, spec: FilesSpec, parts: Sequence[Part]) -> FilesRead:
    """The objects of one array, or of the array at `record_path`; else each object of the file."""
    return stage_records(request, "json", parts, lambda part: _values(part, spec.record_path))


def _lines(part: Part) -> Iterator[tuple[int, Mapping[str, Any]] | DeadLetter]:
    with part.readable.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            record = _json_object(raw)
            if record is not None:
                yield number, record
            elif raw.strip():
                yield DeadLetter("not a JSON object", part.place(number), raw.rstrip(b"\r\n"))


def _json_object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(raw)
    except ValueError:
        # It takes less than Python's: integers of any length, NaN, a byte order mark.
        try:
            value = json.loads(raw.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def _values(part: Part, record_path: str | None) -> Iterator[tuple[int, Mapping[str, Any]] | DeadLetter]:
    with part.readable.open("rb") as source:
        start = _start(source)
        if not start:
            return
        prefix = f"{record_path}.item" if record_path else "item" if start == b"[" else ""
        try:
            for number, value in enumerate(ijson.items(source, prefix, use_float=True, multiple_values=True), 1):
                if isinstance(value, dict):
                    yield number, value
                else:
                    raw = json.dumps(value, default=str).encode()
                    yield DeadLetter("not a JSON object", part.place(number), raw)
        except ijson.JSONError as error:
            raise ValueError(str(error)) from error


def _start(source: IO[bytes]) -> bytes:
    """The first sign of the file that is not white space; the file then stands where the JSON begins."""
    begin = 3 if source.read(3) == _BOM else 0
    source.seek(begin)
    while (sign := source.read(1)).isspace():
        pass
    source.seek(begin)
    return sign
