"""Parquet and NDJSON files → a relation; a file that cannot be read becomes a dead letter and stops no other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ingest.extract.base import DeadLetter, PullRequest
from ingest.extract.listing import FoundFile
from ingest.extract.staging import RecordStage
from ingest.spec import FilesSpec
from plugins.core.duck import literal

# Larger files are named, not copied, in their dead letter.
RAW_LIMIT = 1 << 20
NOTHING = "select null::varchar as _smelt_source_position where false"


@dataclass(frozen=True)
class FilesRead:
    """relation: rows with `_smelt_source_position`; paths: files that count as read."""

    relation: str
    paths: set[str]
    dead_letters: list[DeadLetter] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def whole_file(file: FoundFile, reason: str) -> DeadLetter:
    """A dead letter for a file that is unreadable as a whole; it stays unread, so that a repaired one loads."""
    is_small = "://" not in file.location and file.size <= RAW_LIMIT
    raw = Path(file.location).read_bytes() if is_small else f"{file.location} ({file.size} bytes)".encode()
    return DeadLetter(f"{file.path}: {reason}", f"{file.path}:0", raw)


def local_copy(request: PullRequest, file: FoundFile, number: int) -> Path:
    """The file on local disk."""
    if "://" not in file.location:
        return Path(file.location)
    import fsspec

    copy = request.workdir / f"object-{number:06d}"
    with fsspec.open(file.location, "rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target)  # type: ignore[arg-type]
    return copy


def read_parquet_files(request: PullRequest, _spec: FilesSpec, files: Sequence[FoundFile]) -> FilesRead:
    """All readable files by column name; each file's rows in their order."""
    good, letters = [], []
    for file in files:
        try:
            # Every value is decoded once, so that a file that is damaged inside doesn't stop the others.
            request.con.execute(f"select max(hash(t)) from read_parquet({literal(file.location)}) as t").fetchone()
            good.append(file)
        except duckdb.Error as error:
            reason = f"not a readable Parquet file: {' '.join(str(error).split())[:200]}"
            letters.append(whole_file(file, reason))
    if not good:
        return FilesRead(NOTHING, set(), letters)
    parts = [
        f"select *, {literal(file.path + ':')} || lpad(file_row_number::varchar, 12, '0') "
        f"as _smelt_source_position from read_parquet({literal(file.location)}, file_row_number = true)"
        for file in good
    ]
    stripped = (f"select * exclude (file_row_number) from ({part})" for part in parts)
    return FilesRead(" union all by name ".join(stripped), {file.path for file in good}, letters)


def read_ndjson_files(request: PullRequest, _spec: FilesSpec, files: Sequence[FoundFile]) -> FilesRead:
    """One JSON object a line; lines that are not go to dead letters. Columns take the types of their values."""
    letters: list[DeadLetter] = []
    stage = RecordStage(request.workdir, request.progress)
    for nth, file in enumerate(files):
        with local_copy(request, file, nth).open("rb") as lines:
            for number, raw in enumerate(lines, 1):
                place = f"{file.path}:{number:012d}"
                record = _json_object(raw)
                if record is not None:
                    stage.add({**record, "_smelt_source_position": place})
                elif raw.strip():
                    letters.append(DeadLetter("not a JSON object", place, raw.rstrip(b"\r\n")))
    return FilesRead(stage.relation(), {file.path for file in files}, letters)


def _json_object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
