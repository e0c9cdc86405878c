"""Workbooks → the rows of one sheet below its first row that isn't empty, which names the columns."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ingest.extract.base import DeadLetter, PullRequest
from ingest.extract.readers import FilesRead, stage_records
from ingest.extract.unpacking import Part
from ingest.spec import FilesSpec


def read_excel_files(request: PullRequest, spec: FilesSpec, parts: Sequence[Part]) -> FilesRead:
    """The sheet that the stream names, or the first; a row's number is the sheet's."""
    return stage_records(request, "excel", parts, lambda part: _rows(part, spec))


def _rows(part: Part, spec: FilesSpec) -> Iterator[tuple[int, Mapping[str, Any]] | DeadLetter]:
    from python_calamine import CalamineError, CalamineWorkbook

    _refuse_bomb(part, spec.max_unpacked)
    try:
        book = CalamineWorkbook.from_path(str(part.readable))
        if spec.sheet is not None and spec.sheet not in book.sheet_names:
            raise ValueError(f"there is no sheet {spec.sheet!r} (sheets: {', '.join(book.sheet_names)})")
        sheet = book.get_sheet_by_name(spec.sheet or book.sheet_names[0])
        header: list[str] | None = None
        for number, row in enumerate(sheet.iter_rows(), (sheet.start or (0, 0))[0] + 1):
            values = [_plain(value) for value in row]
            if all(value is None for value in values):
                continue
            if header is None:
                header = _header(values)
            else:
                yield number, dict(zip(header, values, strict=False))
    except CalamineError as error:
        raise ValueError(str(error)) from error


def _refuse_bomb(part: Part, limit: int) -> None:
    """Workbooks are archives that are unpacked in memory: their size is asked for before."""
    if zipfile.is_zipfile(part.readable):
        with zipfile.ZipFile(part.readable) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > limit:
            raise ValueError(f"it unpacks to {size:,} bytes, more than files.max_unpacked")


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return str(value)
    return None if value == "" else value


def _header(values: Sequence[Any]) -> list[str]:
    """Names of columns, each once; one without a name is called by its number."""
    names: list[str] = []
    for number, value in enumerate(values, 1):
        name = base = " ".join(str(value).split()) if value is not None else f"column_{number}"
        nth = 1
        while name in names:
            nth += 1
            name = f"{base}_{nth}"
        names.append(name)
    return names
