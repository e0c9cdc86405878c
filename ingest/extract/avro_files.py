"""Avro files → records with the values of their logical types: decimals, dates, times."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingest.extract.base import DeadLetter, PullRequest
from ingest.extract.readers import FilesRead, stage_records
from ingest.extract.unpacking import Part
from ingest.spec import FilesSpec


def read_avro_files(request: PullRequest, _spec: FilesSpec, parts: Sequence[Part]) -> FilesRead:
    """The records of each file, by the schema in it."""
    return stage_records(request, "avro", parts, _records)


def _records(part: Part) -> Iterator[tuple[int, Mapping[str, Any]] | DeadLetter]:
    import fastavro

    with part.readable.open("rb") as source:
        try:
            for number, record in enumerate(fastavro.reader(source), 1):
                if isinstance(record, dict):
                    yield number, record
                else:
                    yield DeadLetter("not an Avro record", part.place(number), str(record).encode())
        # What fastavro raises for damaged bytes, besides ValueError: it decodes whatever it finds.
        except (EOFError, IndexError, KeyError, TypeError, OverflowError, MemoryError, zlib.error) as error:
            raise ValueError(f"{type(error).__name__} {error}") from error
